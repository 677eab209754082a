"""The service: what runs all day. `serve.py` puts it together."""
