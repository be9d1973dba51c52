"""Durée: long-memory sequence models for the social sciences and humanities."""

__version__ = "0.1.0"
