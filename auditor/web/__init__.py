"""What the service answers over HTTP. `app.py` puts it together."""
