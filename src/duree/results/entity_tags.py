"""Tags of entities, such as B-PER or PER-B: whether tags are such, and what they are made of."""

from __future__ import annotations

import re
from collections.abc import Collection

# B begins, I and M continue, E and L end an entity; S, U and W are whole ones.
PREFIXED = re.compile(r"O|[BIMELSUW]-.+")
SUFFIXED = re.compile(r"O|.+-[BIMELSUW]")


def mark_entities(tags: Collection[str]) -> bool:
    """Whether all tags are O, or of one form of tags of entities."""
    return _all_match(PREFIXED, tags) or are_suffixed(tags)


def are_suffixed(tags: Collection[str]) -> bool:
    """Whether tags of entities have the form PER-B, not B-PER."""
    return _all_match(SUFFIXED, tags) and not _all_match(PREFIXED, tags)


def split_tag(tag: str, *, suffixed: bool = False) -> tuple[str, str]:
    """The letter of a tag, and the kind of its entity: nothing for O."""
    kind, dash, letter = tag.rpartition("-") if suffixed else tag.partition("-")[::-1]
    return (letter, kind) if dash else (tag, "")


def _all_match(form: re.Pattern[str], tags: Collection[str]) -> bool:
    return all(form.fullmatch(tag) for tag in tags)
