"""Phrases: sentences from templates in one language, with a record of the cited works."""

from __future__ import annotations

import re
from string import Formatter

from duree.report.methods.references import references
from duree.report.vocabulary import Words


class Phrases:
    """``say("a random forest ({breiman2001})")`` returns the sentence and records the citation.

    Attributes
    ----------
    words : Words
    cited : set of str
        Keys of the works cited so far.
    """

    def __init__(self, words: Words) -> None:
        self.words = words
        self.cited: set[str] = set()

    def __call__(self, template: str, **values: object) -> str:
        named = {name for _, name, _, _ in Formatter().parse(template) if name}
        works = {key: references()[key].short for key in named - values.keys()}
        self.cited |= works.keys()
        return self.words.filled(self._set(self.words(template)), values | works)

    @property
    def of_answers(self) -> Phrases:
        """The same with the nouns for single predictions, and the same record of works."""
        found = Phrases(self.words.of_answers)
        found.cited = self.cited
        return found

    def _set(self, template: str) -> str:
        """The template with full-width brackets around citations, in Chinese."""
        if self.words.language != "zh":
            return template
        return re.sub(r" \((\{\w+\})\)", r"（\1）", template)
