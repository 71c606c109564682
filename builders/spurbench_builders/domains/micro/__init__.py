"""The embedded ``micro`` domain: a small procedural world and a text-to-image model that knows it."""
