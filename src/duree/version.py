"""The version of Durée."""

__version__ = "0.1.0"
