"""spurbench: measure how far image classifiers rely on spurious features."""

__version__ = "0.1.0"
