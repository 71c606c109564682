"""How classifiers are loaded and scored."""
