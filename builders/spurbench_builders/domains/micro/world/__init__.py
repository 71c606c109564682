"""The procedural world behind the ``micro`` domain: it draws pictures and knows what it drew."""
