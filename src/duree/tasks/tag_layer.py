"""Layer: one column of tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duree.evaluation.tag_metrics import BEGIN, END, INSIDE, OUTSIDE, Scheme, breaks
from duree.results.entity_tags import mark_entities
from duree.sequences.edit_rules import apply_rule, rule_of

# A column with more different cells than this is transformed words (lemmas), not tags.
MOST_TAGS = 1000
# A CRF has a score for each pair of tags: with more tags than this there is none.
MOST_CHAINED = 60


@dataclass(frozen=True)
class Layer:
    """The tags of one column, in alphabetical order.

    Attributes
    ----------
    name : str
    tags : tuple of str
        If ``edits``, the edit rules that transform a word into its cell (its lemma).
    edits : bool
    chain : bool
        Whether the tags of a sentence are predicted jointly, by a CRF.
    strict : bool
        Whether all training tags conform to the BIO scheme, so that predictions must too.
    """

    name: str
    tags: tuple[str, ...]
    edits: bool = False
    chain: bool = False
    strict: bool = False

    @classmethod
    def learn(
        cls, name: str, words: Sequence[str], cells: Sequence[str], first: Any, *, chain: bool
    ) -> Self:
        """Learn the tags of a column; ``first`` marks the first words of sentences."""
        edits = name.lower() == "lemma" or len(set(cells)) > MOST_TAGS
        tags = tuple(sorted(set(map(rule_of, words, cells) if edits else cells)))
        layer = cls(name, tags, edits, chain and len(tags) <= MOST_CHAINED and not edits)
        scheme = layer.scheme
        if scheme is None:
            return layer
        codes = layer.encode(words, cells)
        broken = breaks(scheme.prefix[codes], scheme.kind[codes], first).any()
        return cls(name, tags, edits, layer.chain, not broken)

    @cached_property
    def scheme(self) -> Scheme | None:
        """The tags split into prefix and kind, if they mark entities."""
        marked = mark_entities(self.tags) and len(self.tags) > 1
        return Scheme.of(self.tags) if marked and not self.edits else None

    @property
    def allowed(self) -> Tensor | None:
        """The tags that may follow each tag; last row: those that may come first. Bool
        [tags + 1, tags]; None without a CRF."""
        if not self.chain:
            return None
        count, scheme = len(self.tags), self.scheme
        allowed = np.ones((count + 1, count), dtype=bool)
        if scheme is not None and self.strict:
            prefix = np.append(scheme.prefix, OUTSIDE)
            kind = np.append(scheme.kind, -1)
            goes_on = (scheme.prefix == INSIDE) | (scheme.prefix == END)
            opened = (prefix == BEGIN) | (prefix == INSIDE)
            same = kind[:, None] == scheme.kind[None]
            allowed = ~goes_on[None] | (opened[:, None] & same)
        return torch.from_numpy(allowed)

    def encode(self, words: Sequence[str], cells: Sequence[str]) -> NDArray[np.int64]:
        """The code of each cell; tags that do not occur in training have further codes."""
        places = {tag: place for place, tag in enumerate(self.tags)}
        tags = map(rule_of, words, cells) if self.edits else cells
        codes = [places.setdefault(tag, len(places)) for tag in tags]
        return np.array(codes, dtype=np.int64)

    def cells(self, words: Sequence[str], codes: NDArray[np.int64]) -> list[str]:
        """The cell of each word from the code of its tag."""
        tags = [self.tags[code] for code in codes.tolist()]
        if not self.edits:
            return tags
        return [apply_rule(tag, word) for tag, word in zip(tags, words, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        return {
            "name": self.name,
            "tags": list(self.tags),
            "edits": self.edits,
            "chain": self.chain,
            "strict": self.strict,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """The layer from the result of ``to_dict``."""
        return cls(**state | {"tags": tuple(state["tags"])})
