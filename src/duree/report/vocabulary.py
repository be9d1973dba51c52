"""Vocabulary: the texts of reports in English or Chinese, with the nouns of the run's rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from string import Formatter

from duree.errors import translate
from duree.report.safe_text import label
from duree.report.terms import NO_TERMS, Terms
from duree.results.metrics_file import NETWORK
from duree.results.nouns import TEXTS, Nouns

# A Chinese character beside a Latin letter or digit.
SCRIPT_CHANGE = re.compile("[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9²][\u4e00-\u9fff]")

PART_NAMES = {
    "train": "training",
    "validation": "validation",
    "test": "test",
    "left_out": "left out",
}


SECTIONS = {
    "data": "Data",
    "text": "Text",
    "forecast": "Forecast",
    "model": "Network",
    "training": "Training",
    "evaluation": "Evaluation",
    "": "Run",
}


class Words:
    """Templates in one language: ``words("{n} rows", n=3)``.

    Parameters
    ----------
    language : {"en", "zh"}
    nouns : Nouns, optional
        The nouns for rows and their units; those of texts if not given.
    terms : Terms, optional
        The names of the run's metrics and models.

    Attributes
    ----------
    of_answers : Words
        The same, with the nouns for single predictions.
    """

    def __init__(self, language: str, nouns: Nouns = TEXTS, terms: Terms = NO_TERMS) -> None:
        self.language, self.nouns, self.terms = language, nouns, terms

    @property
    def of_answers(self) -> Words:
        return Words(self.language, self.nouns.of_single_answers, self.terms)

    def __call__(self, template: str, **values: object) -> str:
        text = self.with_nouns(translate(template, self.language))
        return self.set(self.filled(text, values)) if values else text

    def filled(self, template: str, values: Mapping[str, object]) -> str:
        """A template with its values; in Chinese with a space where one of Latin letters or digits
        meets a character."""
        if self.language != "zh":
            return template.format(**values)
        pieces: list[str] = []
        for literal, name, spec, conversion in Formatter().parse(template):
            pieces.append(literal)
            if name is not None:
                turned = f"!{conversion}" if conversion else ""
                pieces.append(f"{{{name}{turned}:{spec}}}".format(**values))
        text = ""
        for piece in filter(None, pieces):
            text += " " if SCRIPT_CHANGE.fullmatch(text[-1:] + piece[:1]) else ""
            text += piece
        return text

    def set(self, text: str) -> str:
        """A text with the typography of the language: no space before percent signs in Chinese."""
        return text.replace("\u202f%", "%") if self.language == "zh" else text

    def with_nouns(self, text: str) -> str:
        """A sentence about texts, with the nouns of the run's rows instead."""
        return self.nouns.put_into(text)

    def within(self, name: str) -> str:
        """A name after other words; in Chinese with a space before Latin letters."""
        return f" {name}" if self.language == "zh" and name[:1].isascii() else name

    @property
    def gap(self) -> str:
        """The separator of two sentences."""
        return "" if self.language == "zh" else " "

    def sentence(self, clause: str) -> str:
        """A clause as a sentence, with a capital and a full stop."""
        stop = "" if clause[-1:] in (".", "。") else "。" if self.language == "zh" else "."
        return clause[:1].upper() + clause[1:] + stop

    def quoted(self, items: list[str]) -> str:
        """The items, each between quotation marks."""
        return ("" if self.language == "zh" else ", ").join(f"“{label(item)}”" for item in items)

    def joined(self, *sentences: str) -> str:
        """The sentences, joined; empty ones are left out."""
        return self.gap.join(filter(None, sentences))

    def metric(self, name: str) -> str:
        """The title of a metric."""
        metric = self.terms.metric(name)
        return self(metric.title, **metric.values)

    def meaning(self, metric: str) -> str:
        """The definition of a metric; empty if it is unknown."""
        found = self.terms.metric(metric)
        return self.of_answers(found.definition, **found.values)

    def model(self, name: str, cell: str) -> str:
        """The title of a model; that of the network includes its cell."""
        if name == NETWORK:
            return self("network ({cell})", cell=cell.upper())
        return self.of_answers(self.terms.model(name))

    def named(self, sentence: str, models: Iterable[str], cell: str) -> str:
        """A sentence with the titles of models in place of their identifiers."""
        known = {name: self.model(name, cell) for name in models if name != NETWORK}
        # A Chinese character may be adjacent to an identifier.
        text = re.sub("[A-Za-z0-9_]+", lambda name: known.get(name[0], name[0]), sentence)
        return re.sub("(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff：，。；])", "", text)

    def part(self, name: str) -> str:
        """The name of a set of the split."""
        return self(PART_NAMES[name])

    def listed(self, items: list[str]) -> str:
        """The items as an enumeration: commas, and a conjunction before the last."""
        if len(items) < 2:
            return "".join(items)
        if self.language != "zh":
            return f"{', '.join(items[:-1])} and {items[-1]}"
        # Chinese texts have a space between Chinese characters and Latin letters.
        before, after = (" " if sign.isascii() else "" for sign in (items[-2][-1], items[-1][0]))
        return f"{'、'.join(items[:-1])}{before}和{after}{items[-1]}"
