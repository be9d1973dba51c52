"""Lookup: which sources training had, and what it made of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from duree.inference.provenance import keys_of
from duree.sequences.padded_outputs import HEAD, padded_outputs
from duree.sequences.ragged import Ragged


class Entry(NamedTuple):
    """The most frequent target of a source in training, and its share of the source's rows."""

    codes: tuple[int, ...]
    share: float


@dataclass(frozen=True)
class Lookup:
    """The sources of training, by keys, each with its most frequent target.

    Attributes
    ----------
    entries : {key: Entry}
    """

    entries: Mapping[int, Entry]

    @classmethod
    def fit(cls, sources: Ragged, targets: Ragged, counts: Sequence[int] | None = None) -> Self:
        """Count the targets of each source; of equally frequent ones the first is taken.

        ``targets`` end with a code of their own, which is left out. ``counts`` says how often each
        row occurs.
        """
        found: dict[int, Counter[tuple[int, ...]]] = defaultdict(Counter)
        often = counts or [1] * len(targets)
        for row, (key, count) in enumerate(zip(source_keys(sources).tolist(), often, strict=True)):
            found[key][tuple(targets[row][:-1].tolist())] += count
        most = {key: of_source.most_common(1)[0] for key, of_source in found.items()}
        return cls(
            {key: Entry(codes, count / found[key].total()) for key, (codes, count) in most.items()}
        )

    def known(self, sources: Ragged) -> NDArray[np.bool_]:
        """Which sources training had, bool [rows]."""
        return np.array([key in self.entries for key in source_keys(sources).tolist()], dtype=bool)

    def find(self, sources: Ragged) -> list[Entry | None]:
        """The entry of each source, None for those that training did not have."""
        return [self.entries.get(key) for key in source_keys(sources).tolist()]

    def replace(self, predictions: NDArray[np.float64], sequences: Ragged) -> NDArray[np.float64]:
        """The predictions of ``Transduce``, with the entry of each known source."""
        entries = self.find(sequences)
        known = [row for row, entry in enumerate(entries) if entry is not None]
        found = predictions.copy()
        found[known] = padded_outputs(list(filter(None, entries)), found.shape[1] - HEAD)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        return {str(key): [entry.share, list(entry.codes)] for key, entry in self.entries.items()}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The lookup from the result of ``to_dict``."""
        return cls(
            {
                int(key): Entry(tuple(map(int, codes)), float(share))
                for key, (share, codes) in state.items()
            }
        )


def source_keys(sources: Ragged) -> NDArray[np.uint64]:
    """A key for each source, uint64 [rows]."""
    return keys_of(_bytes(sources))


def _bytes(sources: Ragged) -> Iterable[bytes]:
    return (sources[row].astype(np.int32).tobytes() for row in range(len(sources)))
