"""Translation word by word.

Source: Brown, Della Pietra, Della Pietra & Mercer 1993, "The mathematics of statistical machine
translation", model 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from duree.baselines.alignment import Units
from duree.baselines.lookup import Untuned
from duree.sequences.ragged import Ragged, evenly_spaced, offsets_of

# Passes over the data.
PASSES = 8
# Pairs of a source and a target word of the same row that are learned from, at most.
MOST_LINKS = 12_000_000


class WordTranslation(Untuned):
    """The most probable target unit of each source unit, in the order of the source.

    See ``Transducer``. A target unit comes from one of the source units or from none of them, all
    with the same probability; how probable each is as a translation, is estimated by expectation
    maximisation. Units that are not in training are
    copied.
    """

    def learn(
        self, sources: Sequence[Units], targets: Sequence[Units], counts: Sequence[int]
    ) -> Self:
        """Estimate on the training rows; evenly spaced ones, if there are too many for memory."""
        self.notes = []
        lengths = [(len(one) + 1) * len(other) for one, other in zip(sources, targets, strict=True)]
        share = min(1.0, MOST_LINKS / max(sum(lengths), 1))
        rows = evenly_spaced(len(lengths), int(share * len(lengths)))
        if len(rows) < len(lengths):
            self.notes.append(f"learned from {len(rows)} of {len(lengths)} sequences")
        of_source, of_target = _Numbers(), _Numbers()
        # Number 0 of the sources is for target units that come from none of them.
        one = Ragged.from_rows([0, *of_source.of(sources[row])] for row in rows.tolist())
        other = Ragged.from_rows(of_target.of(targets[row]) for row in rows.tolist())
        weights = np.array([counts[row] for row in rows.tolist()], dtype=np.float64)
        best = _most_probable(one, other, weights, len(of_source), len(of_target))
        words = list(of_target)
        self.translations = {
            unit: words[best[number] - 1] for unit, number in of_source.items() if best[number]
        }
        return self

    def predict(self, sources: Sequence[Units]) -> list[Units]:
        """The translation of each unit."""
        return [tuple(self.translations.get(unit, unit) for unit in source) for source in sources]


class _Numbers(dict[str, int]):
    """Numbers for units, from 1."""

    def of(self, units: Units) -> list[int]:
        """The number of each unit."""
        return [self.setdefault(unit, len(self) + 1) for unit in units]


def _most_probable(
    sources: Ragged,
    targets: Ragged,
    weights: NDArray[np.float64],
    source_units: int,
    target_units: int,
) -> NDArray[np.int64]:
    """The target unit that each source unit most probably becomes, int64 [source units + 1].

    0 for a unit that occurs only beside empty targets.
    """
    found = np.zeros(source_units + 1, dtype=np.int64)
    # Every target unit is linked to every source unit of its row.
    of_row = np.repeat(sources.lengths, targets.lengths)
    links = offsets_of(of_row)
    place = np.repeat(np.repeat(sources.offsets[:-1], targets.lengths) - links[:-1], of_row)
    left = sources.values[place + np.arange(links[-1])].astype(np.int64)
    del place
    keys = left * (target_units + 1) + np.repeat(targets.values, of_row)
    del left
    pairs, pair = np.unique(keys, return_inverse=True)
    del keys
    if not len(pairs):
        return found
    source, target = np.divmod(pairs, target_units + 1)
    weight = np.repeat(weights, targets.lengths)
    chances = np.ones(len(pairs))
    for _ in range(PASSES):
        shares = chances[pair]
        shares *= np.repeat(weight / np.add.reduceat(shares, links[:-1]), of_row)
        expected = np.bincount(pair, shares, len(pairs))
        chances = expected / np.bincount(source, expected)[source]
    order = np.lexsort((target, -chances, source))
    first = np.flatnonzero(np.diff(source[order], prepend=-1))
    found[source[order][first]] = target[order][first]
    return found
