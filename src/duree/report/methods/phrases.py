"""Phrases: templates told in one language, with a record of the works they cite."""

from __future__ import annotations

import re
from string import Formatter

from duree.report.methods.references import references
from duree.report.vocabulary import Words


class Phrases:
    """``say("a random forest ({breiman2001})")`` tells the sentence and remembers the work.

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
        return self._set(self.words(template)).format(**values, **works)

    @property
    def of_answers(self) -> Phrases:
        """The same for sentences about single predictions; works go to the one record."""
        found = Phrases(self.words.of_answers)
        found.cited = self.cited
        return found

    def _set(self, template: str) -> str:
        """In Chinese, citations after untranslated names stand in full-width brackets too."""
        if self.words.language != "zh":
            return template
        return re.sub(r" \((\{\w+\})\)", r"（\1）", template)
