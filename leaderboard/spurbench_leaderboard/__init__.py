"""Results in, checked tables out."""
