"""Tags before a source: the values of its covariates, as units that no unit of a text can equal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from duree.tables.layouts.covariates import called
from duree.tables.layouts.state_strings import ARROW

# The separator of tags in one cell, as in UniMorph's V;PST;3.
BETWEEN_TAGS = ";"
# The end of a tag: no unit of a text has a blank after another character.
END_OF_TAG = ARROW.rstrip()


def split_tags(text: str, covariates: Sequence[str]) -> tuple[list[str], str]:
    """The tags before a source, one for each value between ``;``, and the text after them.

    Parameters
    ----------
    text : str
        From ``prepend_covariates``, in NFC.
    covariates : sequence of str
        The names of the covariates, in order.
    """
    tags = []
    for name in covariates:
        cell, _, text = text.partition(ARROW)
        head = called(normal(name))
        # Another table may write the column's name in other letters.
        cell = cell[len(head) :] if cell[: len(head)].casefold() == head.casefold() else cell
        values = filter(None, map(str.strip, cell.split(BETWEEN_TAGS)))
        tags += [f"{head}{value}{END_OF_TAG}" for value in values]
    return tags, text


def is_tag(unit: str) -> bool:
    """Whether a unit is a tag."""
    return len(unit) > len(ARROW) and unit.endswith(END_OF_TAG)


def without_tags(units: Sequence[str]) -> list[str]:
    """The units of the text alone."""
    return [unit for unit in units if not is_tag(unit)]


def between_tags(units: tuple[str, ...]) -> tuple[str, ...]:
    """A source between two units that both stand for all of its tags, for models whose chunks are
    in order: so prefixes and endings can come from the tags."""
    tags = " ".join(filter(is_tag, units))
    return (f"‹ {tags}", *without_tags(units), f"› {tags}") if tags else units


def normal(text: str) -> str:
    """The text in NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
