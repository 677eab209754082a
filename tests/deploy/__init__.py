"""What is shipped to run the service with."""
