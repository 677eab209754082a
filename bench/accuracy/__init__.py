"""How well the default policy does on real pairs: what it finds, what it misses, where it cries wolf."""
