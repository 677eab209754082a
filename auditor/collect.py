"""The collector protocol, the registry, and the run of an environment's collectors side by side; errors become gaps."""
