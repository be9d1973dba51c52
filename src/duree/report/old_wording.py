"""Old wording: the sentences that runs of version 0.1.0 store, in today's words.

Findings and splits are stored with their templates and values, so their sentences are written anew,
in both languages. Verdicts and notes are stored as sentences alone, and are recognised by the
templates of that version. ``old_wording.toml`` pairs old templates with those of today.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import Field

from duree.errors import Phrase, chinese_templates, sentence, with_phrases
from duree.evaluation.verdict import Verdict
from duree.results.metrics_file import Metrics
from duree.results.run_files import Check, SplitData

# What stands in the places of a verdict: words in these, figures without a space in all others.
NAMES = {"metric", "counted", "baseline"}
WORDS, FIGURE = ".+?", r"\S+?"


class StoredCheck(Check):
    """A finding whose message can be written anew."""

    def in_todays_words(self) -> Check:
        """The same finding; unchanged where its parts do not give its message."""
        found = _rewritten((self.what, self.fix), self.values, self.message)
        names = ("message", "message_zh")
        return self.model_copy(update=dict(zip(names, found, strict=True))) if found else self


class StoredSplit(SplitData):
    """A split with the templates and values that its sentence was made of."""

    clauses: list[str] = Field(default_factory=list)
    values: dict[str, Any] = Field(default_factory=dict)

    def in_todays_words(self) -> SplitData:
        """The same split; unchanged where its parts do not give its sentence."""
        found = _rewritten(tuple(self.clauses), self.values, self.method)
        names = ("method", "method_zh")
        return self.model_copy(update=dict(zip(names, found, strict=True))) if found else self


def metrics_in_todays_words(metrics: Metrics) -> Metrics:
    """The same, with the verdict, the notes and the uses of the test rows in today's words."""
    changes: dict[str, Any] = {}
    if verdict := _verdict(metrics.verdict):
        changes |= {"verdict": verdict.sentence("en"), "verdict_zh": verdict.sentence("zh")}
    changes["notes"] = [_note(note) for note in metrics.notes]
    changes["test_openings"] = [
        opening.model_copy(update={"why": _note(opening.why)}) for opening in metrics.test_openings
    ]
    return metrics.model_copy(update=changes)


def _rewritten(
    templates: tuple[str, ...], values: Mapping[str, object], stored: str
) -> tuple[str, str] | None:
    """English and Chinese of today; None where the templates do not give the stored English."""
    try:
        given = with_phrases(values)
        if not any(templates) or sentence(templates, given, "en") != stored:
            return None
        today = [*map(_finding_of_today, templates)]
        for name in ("row", "rows"):
            if any(f"row {{{name}}}" in was for was in set(templates) - set(today)):
                given[name] = Phrase("row {rows}", rows=values[name])
        return sentence(today, given, "en"), sentence(today, given, "zh")
    except (
        AttributeError,
        KeyError,
        IndexError,
        TypeError,
        ValueError,
    ):  # values that JSON changed
        return None


def _finding_of_today(template: str) -> str:
    """The template of today for an old one; its rows are phrases, which hold the word “row”."""
    new = _pairs()["findings"].get(template, template)
    bare = re.sub(r"row (\{rows?\})", r"\1", new)
    return bare if bare in chinese_templates() else new


def _verdict(text: str) -> Verdict | None:
    """The verdict of today with the values of an old one; None if it is not one."""
    templates: list[str] = []
    values: dict[str, object] = {}
    while text:
        shapes = ((re.match(_shape(old), text), new) for old, new in _pairs()["verdicts"].items())
        found, template = next(((found, new) for found, new in shapes if found), (None, ""))
        if found is None:
            return None
        templates.append(template)
        values |= found.groupdict()
        text = text[found.end() :]
    return Verdict("none", tuple(templates), values) if templates else None


def _shape(template: str) -> str:
    """A regular expression for the sentences that a template gives."""
    text, seen = "", set[str]()
    for place, part in enumerate(re.split(r"\{(\w+)\}", template)):
        if not place % 2:
            text += re.escape(part)
        elif part in seen:
            text += f"(?P={part})"
        else:
            text += f"(?P<{part}>{WORDS if part in NAMES else FIGURE})"
            seen.add(part)
    return text


def _note(note: str) -> str:
    """A note in today's words; it may begin with the name of a model."""
    name, colon, text = note.rpartition(": ")
    return name + colon + _pairs()["notes"].get(text, text)


@cache
def _pairs() -> dict[str, dict[str, str]]:
    """Old templates and those of today, by what they are about."""
    text = files("duree.report").joinpath("old_wording.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
