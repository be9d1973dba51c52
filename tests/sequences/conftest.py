"""Hypothesis without deadlines: jieba loads a dictionary at first, and machines get busy."""

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
