"""Joined outputs: those of a network and of a joint n-gram, weighed against each other.

Both propose targets for a source. A log-linear model (Och & Ney 2002) chooses among them by what
the n-gram knows of a pair (see ``JointNgram``) and by its log-probability in the network. Its
weights come from the validation rows, which neither was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from duree.baselines.joint_ngram import JointNgram
from duree.baselines.log_linear import fit_weights
from duree.network.batches import Examples, batch_of, cut_by_length
from duree.network.decoding import decode_rows, score
from duree.network.ensemble import Decoder
from duree.sequences.pair_encoder import PairEncoder
from duree.sequences.pair_tags import between_tags, without_tags
from duree.sequences.ragged import END, Ragged, offsets_of
from duree.tasks.pair_examples import counts_of

Floats = NDArray[np.float64]
Units = tuple[str, ...]

# Targets that the network proposes for each source.
PROPOSED = 5
# The weight of the network's log-probability, as long as validation rows say nothing else. With 100
# of them, on dev: Spanish 0.847 (0.843 with 1, 0.848 with 0), German 0.729 (0.726, 0.731).
PRIOR = 0.25
# Pairs that are scored together.
AT_ONCE = 1024
# Sources whose candidates are in memory at once.
SOURCES_AT_ONCE = 2000


@dataclass(frozen=True)
class JoinedOutputs:
    """A joint n-gram, and the weights of its features and of the network's log-probability."""

    ngram: JointNgram
    weights: tuple[float, ...]

    @classmethod
    def fit(
        cls, network: Decoder, encoder: PairEncoder, examples: Examples, validation: Examples
    ) -> Self:
        """Fit the n-gram to training pairs, then the weights to validation pairs.

        ``examples`` are different pairs, whose weights are the roots of how often they occur.
        """
        pairs, counts = _pairs(encoder, examples), counts_of(examples)
        held_out = _pairs(encoder, validation)
        ngram = JointNgram().fit(*_sides(pairs), counts, *_sides(held_out))
        bare = cls(ngram, (*ngram.weights.tolist(), PRIOR))
        found = bare.candidates(network, encoder, validation.sequences)
        right = [
            targets.index(target) if target in targets else -1
            for (_, target), (targets, _) in zip(held_out, found, strict=True)
        ]
        features = [of_targets for _, of_targets in found]
        weights = fit_weights(features, right, [1] * len(right), np.array(bare.weights))
        return cls(ngram, tuple(weights.tolist()))

    def learn(self, encoder: PairEncoder, examples: Examples, validation: Examples) -> Self:
        """The same choice, with an n-gram of training and validation pairs."""
        pairs = _pairs(encoder, examples) + _pairs(encoder, validation)
        self.ngram.learn(*_sides(pairs), counts_of(examples) + counts_of(validation))
        return self

    def best(
        self, network: Decoder, encoder: PairEncoder, sequences: Ragged, n: int
    ) -> list[list[tuple[list[int], float]]]:
        """At most ``n`` outputs of each source from the most probable on: codes without END, and
        their probability among all candidates."""
        found = []
        first, group = sequences.distinct()
        for begin in range(0, len(first), SOURCES_AT_ONCE):
            some = sequences.take(first[begin : begin + SOURCES_AT_ONCE])
            for targets, features in self.candidates(network, encoder, some):
                scores = features @ np.array(self.weights)
                chances = np.exp(scores - np.logaddexp.reduce(scores))
                order = np.argsort(-scores, kind="stable")[:n].tolist()
                found.append([(_codes(encoder, targets[at]), float(chances[at])) for at in order])
        return [found[place] for place in group.tolist()]

    def candidates(
        self, network: Decoder, encoder: PairEncoder, sequences: Ragged
    ) -> list[tuple[list[Units], Floats]]:
        """Targets of each source, and their features, float64 [targets, features]."""
        proposed = decode_rows(
            network.members, sequences, max(PROPOSED, network.settings.beam), PROPOSED
        )
        also = [[encoder.units_of(codes.tolist()) for codes, _ in row] for row in proposed]
        sources = [_source(encoder, sequences[row]) for row in range(len(sequences))]
        found = self.ngram.candidates(sources, also)
        counts = np.array([len(targets) for targets, _ in found], dtype=np.int64)
        outputs = Ragged.from_rows(
            [*_codes(encoder, target), END] for targets, _ in found for target in targets
        )
        repeated = sequences.take(np.repeat(np.arange(len(sequences)), counts))
        chances = _log_probabilities(network, Examples(repeated, outputs, transduced=True))
        offsets = offsets_of(counts)
        return [
            (targets, np.column_stack([features, chances[begin:end]]))
            for (targets, features), begin, end in zip(
                found, offsets[:-1], offsets[1:], strict=True
            )
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        return {"ngram": self.ngram.to_dict(), "weights": list(self.weights)}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The model from the result of ``to_dict``."""
        return cls(JointNgram.from_dict(state["ngram"]), tuple(map(float, state["weights"])))


def _log_probabilities(network: Decoder, pairs: Examples) -> Floats:
    """The log-probability of each target in the network, float64 [pairs]."""
    network.eval()
    assert isinstance(pairs.targets, Ragged)
    found = np.zeros(len(pairs))
    lengths = pairs.sequences.lengths + pairs.targets.lengths
    for rows in cut_by_length(np.arange(len(pairs)), lengths, AT_ONCE):
        found[rows] = score(network.members, batch_of(pairs, rows))
    return found


def _pairs(encoder: PairEncoder, examples: Examples) -> list[tuple[Units, Units]]:
    assert isinstance(examples.targets, Ragged)
    return [
        (
            _source(encoder, examples.sequences[row]),
            encoder.units_of(examples.targets[row][:-1].tolist()),
        )
        for row in range(len(examples))
    ]


def _sides(pairs: Sequence[tuple[Units, Units]]) -> tuple[list[Units], list[Units]]:
    return [source for source, _ in pairs], [target for _, target in pairs]


def _source(encoder: PairEncoder, codes: NDArray[np.int32]) -> Units:
    """The units of a source as an n-gram reads them."""
    return between_tags(encoder.units_of(codes.tolist()))


def _codes(encoder: PairEncoder, target: Units) -> list[int]:
    """The codes of a target; tags of a source that was copied write nothing."""
    return encoder.target_codes(without_tags(target))
