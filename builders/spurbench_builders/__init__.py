"""How splits are made."""
