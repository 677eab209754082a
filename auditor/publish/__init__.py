"""Tell someone: reports of an audit for people and for machines. `render.py` chooses the format."""
