"""Hypothesis without deadlines: the first use of jieba loads a dictionary, and machines are busy."""

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
