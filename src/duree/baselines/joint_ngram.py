"""A joint n-gram: the target of a source, from models of aligned pairs and of targets.

Source: Bisani & Ney 2008, "Joint-sequence models for grapheme-to-phoneme conversion", here over the
most probable alignment of each pair and with modified Kneser-Ney smoothing; a log-linear model (Och
& Ney 2002) chooses among the targets that it finds probable, and those seen in training.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from duree.baselines.alignment import Chunk, Units, align, cut
from duree.baselines.edits import base_letter, edit_operations
from duree.baselines.joint_decoder import WIDTH, JointDecoder
from duree.baselines.kneser_ney import KneserNey
from duree.baselines.log_linear import fit_weights
from duree.baselines.tuning import choose
from duree.sequences.ragged import Ragged, evenly_spaced, offsets_of

Floats = NDArray[np.float64]
Pair = tuple[Units, Units]

# Lengths of the n-grams of chunks to try, and of those of the target units.
ORDERS, TARGET_ORDER = (3, 4, 5, 6, 7), 6
# Different pairs of the validation rows that the order is chosen on, and the weights are.
PAIRS_FOR_ORDER, PAIRS_FOR_WEIGHTS = 200, 1500
# With fewer validation rows than this, and so many rows in all, weights come from folds of all: of
# 1,000 words of spelling, exact match gains 0.9 points (German) and 0.5 points (Spanish) on dev.
FEWEST_HELD_OUT, CROSS_FITTED, FOLDS = 1000, range(300, 2501), 5
# Targets are written in the letters of the sources where at least this share of their units is.
COMMON = 0.5
# Cells (source units x target units of different pairs) that are aligned, at most.
MOST_CELLS = 2_500_000
# Sources whose candidates are compared at once.
AT_ONCE = 1000

# Weights of the features, as long as validation rows say nothing else.
PRIOR = (1.0, 3.0, 0.0, 0.0, 0.0)
PRIOR_OF_EDITS = (0.0, 0.0, 0.0, 0.0)


class JointNgram:
    """Targets of sources, with their probabilities among the candidates.

    Candidates are the targets that a joint n-gram over aligned chunks finds most probable, the
    targets of the source in training and, where both are written in the same letters, the source
    itself. They are weighed by the joint log-probability; whether the pair was seen in training;
    the log-probability of the target by itself; whether it was seen in training as a target; its
    length; and, where both are written in the same letters, by the units that are substituted,
    inserted and deleted, and the edits that go beyond accents.

    Attributes
    ----------
    order : int
        Of the joint n-gram; chosen on the validation rows.
    weights : float64 [features]
        Fitted to the validation rows.
    copies : bool or None
        Whether both sides are written in the same letters; None before ``fit``.
    unaligned : int
        Different training pairs whose target is too long for their source to be aligned.
    """

    copies: bool | None = None

    is_tuned: ClassVar[bool] = True

    def __init__(self) -> None:
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []
        self.order, self.weights = ORDERS[0], np.array(PRIOR)

    def fit(
        self,
        sources: Sequence[Units],
        targets: Sequence[Units],
        counts: Sequence[int],
        validation_sources: Sequence[Units],
        validation_targets: Sequence[Units],
    ) -> Self:
        """Align and count the training pairs; choose the order and the weights on the others.

        Parameters
        ----------
        sources, targets : sequences of tuples of units
            The same pair may come several times.
        counts : sequence of int
            How often each pair occurs.
        validation_sources, validation_targets : sequences of tuples of units
            They are not trained on.
        """
        self.copies = None
        self._learn_pairs(sources, targets, counts)
        held_out = Counter(zip(validation_sources, validation_targets, strict=True))
        few = _spread(held_out, PAIRS_FOR_ORDER)
        self.order, _ = choose(ORDERS, self._count, lambda _: self._wrong(few))
        self._count(self.order)
        both = self.pairs + held_out
        if held_out.total() < FEWEST_HELD_OUT and both.total() in CROSS_FITTED:
            self._fit_weights(*self._cross_fitted(both))
        else:
            self._fit_weights(*self._features(_spread(held_out, PAIRS_FOR_WEIGHTS)))
        self.choices = {"order": self.order}
        return self

    def learn(
        self, sources: Sequence[Units], targets: Sequence[Units], counts: Sequence[int]
    ) -> Self:
        """Count other pairs, with the order and the weights as they were chosen."""
        order, weights = self.order, self.weights
        self._learn_pairs(sources, targets, counts)
        self._count(order)
        self.weights = weights
        return self

    def predict(self, sources: Sequence[Units]) -> list[Units]:
        """The most probable target of each source."""
        distinct = list(dict.fromkeys(sources))
        found: dict[Units, Units] = {}
        for begin in range(0, len(distinct), AT_ONCE):
            some = distinct[begin : begin + AT_ONCE]
            for source, (targets, features) in zip(some, self.candidates(some), strict=True):
                found[source] = targets[int(np.argmax(features @ self.weights))]
        return [found[source] for source in sources]

    def nbest(self, source: Units, n: int) -> list[tuple[Units, float]]:
        """At most ``n`` targets from the most probable on, with their log-probabilities.

        Those of all candidates, of which there may be more, add up to 1.
        """
        [(targets, features)] = self.candidates([source])
        scores = features @ self.weights
        scores -= np.logaddexp.reduce(scores)
        best = np.argsort(-scores, kind="stable")[:n].tolist()
        return [(targets[place], float(scores[place])) for place in best]

    def score(self, source: Units, target: Units) -> float:
        """The log-probability of a target, among the candidates of its source and itself."""
        [(targets, features)] = self.candidates([source], [[target]])
        scores = features @ self.weights
        return float(scores[targets.index(target)] - np.logaddexp.reduce(scores))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back: what was counted, and what was chosen."""
        return {
            "pairs": [[*pair, count] for pair, count in self.pairs.items()],
            "cuts": [
                None if cut is None else [[len(one), len(other)] for one, other in cut]
                for cut in self.cuts
            ],
            "order": self.order,
            "weights": self.weights.tolist(),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The model from the result of ``to_dict``."""
        model = cls()
        pairs = Counter({(tuple(one), tuple(other)): n for one, other, n in state["pairs"]})
        cuts = [
            None if sizes is None else tuple(cut(*pair, sizes))
            for pair, sizes in zip(pairs, state["cuts"], strict=True)
        ]
        model.copies = len(state["weights"]) > len(PRIOR)
        model._learn(pairs, cuts)
        model._count(state["order"])
        model.weights = np.array(state["weights"])
        return model

    def _learn_pairs(
        self, sources: Sequence[Units], targets: Sequence[Units], counts: Sequence[int]
    ) -> None:
        """Align the pairs; evenly spaced ones, if there are too many for memory."""
        every: Counter[Pair] = Counter()
        for source, target, count in zip(sources, targets, counts, strict=True):
            every[source, target] += int(count)
        cells = sum(len(source) * (len(target) + 1) for source, target in every)
        pairs = Counter(_spread(every, int(len(every) * min(1.0, MOST_CELLS / max(cells, 1)))))
        cuts = align([one for one, _ in pairs], [other for _, other in pairs], [*pairs.values()])
        self._learn(pairs, cuts)
        if len(pairs) < len(every):
            self.notes.append(f"learned from {len(pairs)} of {len(every)} sequences")

    def _learn(self, pairs: Counter[Pair], cuts: Sequence[tuple[Chunk, ...] | None]) -> None:
        """All that does not depend on the order."""
        self.pairs, self.cuts, self.total = pairs, cuts, pairs.total()
        self.unaligned = sum(cut is None for cut in cuts)
        self.notes = (
            [f"{self.unaligned} of {len(cuts)} different pairs could not be aligned"]
            if self.unaligned
            else []
        )
        self.seen: defaultdict[Units, list[Units]] = defaultdict(list)
        of_targets: Counter[Units] = Counter()
        for (source, target), count in pairs.items():
            self.seen[source].append(target)
            of_targets[target] += count
        self.targets = TargetModel(of_targets)
        letters = {unit for source, _ in pairs for unit in source}
        written = Counter(unit for _, target in pairs for unit in target)
        common = sum(count for unit, count in written.items() if unit in letters)
        if self.copies is None:  # the features, and so the weights, depend on it
            self.copies = common >= COMMON * max(written.total(), 1)
        self.weights = np.array([*PRIOR, *(PRIOR_OF_EDITS if self.copies else ())])
        chunks = {chunk for cut in cuts if cut for chunk in cut}
        alone = letters if self.copies else letters - {one[0] for one, _ in chunks if len(one) == 1}
        chunks |= {((unit,), (unit,) if self.copies else ()) for unit in alone}
        self.chunks = sorted(chunks)

    def _count(self, order: int) -> None:
        """The joint n-gram of this order."""
        self.order = order
        numbers = {chunk: number for number, chunk in enumerate(self.chunks)}
        end = len(numbers)
        rows = [[*(numbers[chunk] for chunk in cut), end] for cut in self.cuts if cut]
        counts = [n for n, cut in zip(self.pairs.values(), self.cuts, strict=True) if cut]
        model = KneserNey.fit(Ragged.from_rows(rows), order, end + 1, np.array(counts, dtype=int))
        self.decoder = JointDecoder(self.chunks, model)

    def _wrong(self, held_out: Mapping[Pair, int]) -> float:
        """The number of rows whose most probable target by the joint n-gram alone is wrong."""
        return float(
            sum(
                count
                for (source, target), count in held_out.items()
                if next(iter(self.decoder.decode(source)), None) != target
            )
        )

    def _features(self, held_out: Mapping[Pair, int]) -> tuple[list[Floats], list[int], list[int]]:
        """The features of each source's candidates, the place of the right one, and the counts."""
        features, right = [], []
        found = self.candidates([source for source, _ in held_out])
        for (_, target), (targets, of_targets) in zip(held_out, found, strict=True):
            features.append(of_targets)
            right.append(targets.index(target) if target in targets else -1)
        return features, right, [*held_out.values()]

    def _cross_fitted(self, pairs: Counter[Pair]) -> tuple[list[Floats], list[int], list[int]]:
        """``_features`` of all pairs, each by an n-gram of the other folds."""
        rows = [*pairs.elements()]
        fold = np.random.default_rng(0).permutation(len(rows)) % FOLDS
        features: list[Floats] = []
        right: list[int] = []
        counts: list[int] = []
        for held in range(FOLDS):
            others = [row for row, at in zip(rows, fold, strict=True) if at != held]
            left_out = Counter(row for row, at in zip(rows, fold, strict=True) if at == held)
            ngram = JointNgram()
            ngram.copies, ngram.order = self.copies, self.order
            sources, targets = ([pair[side] for pair in others] for side in (0, 1))
            of_fold = ngram.learn(sources, targets, [1] * len(others))._features(left_out)
            features += of_fold[0]
            right += of_fold[1]
            counts += of_fold[2]
        return features, right, counts

    def _fit_weights(
        self, features: Sequence[Floats], right: Sequence[int], counts: Sequence[int]
    ) -> None:
        prior = np.array([*PRIOR, *(PRIOR_OF_EDITS if self.copies else ())])
        self.weights = fit_weights(features, right, counts, prior)

    def candidates(
        self, sources: Sequence[Units], also: Sequence[Iterable[Units]] | None = None
    ) -> list[tuple[list[Units], Floats]]:
        """Candidates of each source, and their features, float64 [candidates, features].

        ``also`` are further targets to consider for each source.
        """
        further = also or [()] * len(sources)
        found = [self._candidates(*each) for each in zip(sources, further, strict=True)]
        pairs = [
            (source, target)
            for source, targets in zip(sources, found, strict=True)
            for target in targets
        ]
        every = [target for _, target in pairs]
        columns = [
            [chance for targets in found for chance in targets.values()],
            [pair in self.pairs for pair in pairs],
            self.targets.log_probabilities(every),
            [target in self.targets.known for target in every],
            [len(target) for target in every],
        ]
        features = np.array(columns, dtype=np.float64).T
        if self.copies:
            features = np.hstack([features, _edits(pairs)])
        rows = itertools.pairwise(offsets_of([len(targets) for targets in found]).tolist())
        return [
            (list(targets), features[begin:end])
            for targets, (begin, end) in zip(found, rows, strict=True)
        ]

    def _candidates(self, source: Units, also: Iterable[Units]) -> dict[Units, float]:
        """Candidates, and their log-probabilities together with the source."""
        found = self.decoder.decode(source)
        further = [*self.seen.get(source, ()), *([source] if self.copies or not found else ())]
        floor = min(found.values(), default=0.0) - WIDTH
        for target in (*further, *also):
            if target not in found:
                found[target] = self.decoder.decode(source, target).get(target, floor)
        for target in self.seen.get(source, ()):
            # The n-gram may not be able to write what it was trained on; whole pairs are counted.
            share = self.pairs[source, target] / self.total
            found[target] = max(found[target], math.log(share))
        return found


class TargetModel:
    """Targets by themselves.

    Parameters
    ----------
    counts : Counter of targets

    Attributes
    ----------
    known : set of targets
    """

    def __init__(self, counts: Counter[Units]) -> None:
        self.known = frozenset(counts)
        units = sorted({unit for target in counts for unit in target})
        # Number 0 is for all other units, the last for the end.
        self.numbers = {unit: number for number, unit in enumerate(units, start=1)}
        size = len(units) + 2
        often = np.array([*counts.values()], dtype=np.int64)
        self.model = KneserNey.fit(self._rows(counts), TARGET_ORDER, size, often)

    def log_probabilities(self, targets: Sequence[Units]) -> Floats:
        """In nats, float64 [targets]."""
        rows = self._rows(targets)
        return Ragged(self.model.log_probabilities(rows), rows.offsets).sums()

    def _rows(self, targets: Iterable[Units]) -> Ragged:
        end = len(self.numbers) + 1
        return Ragged.from_rows(
            [*(self.numbers.get(unit, 0) for unit in target), end] for target in targets
        )


def _edits(pairs: Sequence[Pair]) -> Floats:
    """Substitutions, insertions, deletions; edits beyond accents: float64 [pairs, 4], negative."""
    bare = [
        (tuple(map(base_letter, source)), tuple(map(base_letter, target)))
        for source, target in pairs
    ]
    beyond = edit_operations(bare).sum(axis=1, keepdims=True)
    return -np.hstack([edit_operations(pairs), beyond]).astype(np.float64)


def _spread(pairs: Mapping[Pair, int], most: int) -> dict[Pair, int]:
    """Evenly spaced pairs, at most so many."""
    every = list(pairs.items())
    return dict(every[place] for place in evenly_spaced(len(every), most).tolist())
