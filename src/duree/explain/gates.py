"""Gates: traces of the gates and states of a network, and the memory of its units.

A unit retains its state by the LSTM's forget gate f or the GRU's update gate z: near 1 it
remembers, near 0 it forgets. The mean logarithm of this gate gives a half-life: the number of steps
after which half of a unit's state would be left without new input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm

from duree.errors import RunError
from duree.explain.model import Model, recurrent_part, shuffled, tokens_of
from duree.network.batches import pad
from duree.results.explanations import Forgetting, Memory
from duree.sequences.ragged import Ragged

Array = NDArray[np.float32]

DIRECTIONS = ("forward", "backward")
GATES, STATES = ("r", "z", "i", "f", "o"), ("c", "h")
# The gate by which each cell retains its state.
RETAINING = {"gru": "z", "lstm": "f"}
BATCH = 32
# The least value of a gate, so that its logarithm is finite.
LEAST = 1e-6
# The familywise level of the tests; the fewest rows of a word that is tested.
LEVEL, LEAST_ROWS = 0.05, 20


@dataclass(frozen=True)
class Trace:
    """The trace of one sequence through the network.

    Attributes
    ----------
    gates : {(layer, direction): {name: float32 [steps, hidden]}}
        Layers from 0, directions "forward" and "backward"; names as in ``duree.network.cells``:
        h (hidden state); r, z, n (GRU); c, i, f, g, o (LSTM). Steps are in the order of the
        sequence, so the backward state at a step depends on the steps after it.
    """

    gates: dict[tuple[int, str], dict[str, Array]]

    def means(self) -> dict[str, Array]:
        """Means over the units of a layer and direction, float32 [steps].

        Names are such as "z, layer 1, forward"; for the states h and c, which have signs, absolute
        values are averaged: "|h|, layer 1, forward".
        """
        return {
            f"{name if name in GATES else f'|{name}|'}, layer {layer + 1}, {direction}": (
                values if name in GATES else np.abs(values)
            ).mean(axis=1)
            for (layer, direction), found in self.gates.items()
            for name, values in found.items()
            if name in GATES + STATES
        }


def trace(model: Model, sequences: Ragged) -> Iterator[Trace]:
    """Trace every row in turn, by the reference implementation of the cells.

    Training and prediction store nothing for this, so it adds no cost to them.
    """
    deep = recurrent_part(model)
    for begin in range(0, len(sequences), BATCH):
        rows = np.arange(begin, min(begin + BATCH, len(sequences)))
        values, lengths = pad(sequences, rows)
        with torch.no_grad():
            layers = deep.recurrent.trace(deep.vectors(values), lengths)
        for place, length in enumerate(lengths.tolist()):
            yield Trace(
                {
                    (layer, DIRECTIONS[direction]): {
                        name: gate[place, :length].numpy() for name, gate in step._asdict().items()
                    }
                    for layer, directions in enumerate(layers)
                    for direction, step in enumerate(directions)
                }
            )


class Watched(NamedTuple):
    """The retaining gates of a network over some rows.

    ``places`` are (layer, direction); ``logs`` the gates' mean logarithms, float64 [rows, places,
    hidden]; ``retained`` their means over places and units, float32 [total steps].
    """

    sequences: Ragged
    places: list[tuple[int, str]]
    logs: NDArray[np.float64]
    retained: Ragged


def watch(model: Model, sequences: Ragged) -> Watched:
    """Trace all rows, and summarise the gate that retains the state.

    Raises
    ------
    RunError
        The cell is a simple RNN, without gates.
    """
    cell = recurrent_part(model).recurrent.kind
    if cell not in RETAINING:
        raise RunError(
            "the simple recurrent network has no gates",
            fix="train a GRU or an LSTM: duree fit --cell gru",
        )
    logs, retained, places = [], [], []
    for traced in trace(model, sequences):
        places = list(traced.gates)
        gates = np.stack([gates[RETAINING[cell]] for gates in traced.gates.values()])  # (P, T, H)
        logs.append(np.log(np.maximum(gates, LEAST)).mean(axis=1, dtype=np.float64))
        retained.append(gates.mean(axis=(0, 2)))
    means = Ragged(np.concatenate(retained), sequences.offsets)
    return Watched(sequences, places, np.stack(logs), means)


def watch_both(
    models: Sequence[Model], sequences: Ragged, seed: int = 0
) -> list[tuple[Watched, Watched]]:
    """The gates of each network over the rows in order, and in random order.

    The first network is the explained one; the others (of other seeds) are compared with it.
    """
    mixed = shuffled(sequences, seed)
    return [(watch(model, sequences), watch(model, mixed)) for model in models]


def half_lives(watched: Watched) -> dict[tuple[int, str], NDArray[np.float64]]:
    """The half-life of every unit in steps, float64 [hidden], by layer and direction."""
    means = np.average(watched.logs, axis=0, weights=watched.sequences.lengths)
    return dict(zip(watched.places, np.log(0.5) / np.minimum(means, -LEAST), strict=True))


def memories(networks: Sequence[tuple[Watched, Watched]]) -> list[Memory]:
    """The memory of the units by layer, from the result of ``watch_both``."""
    found = []
    for place, (layer, direction) in enumerate(networks[0][0].places):
        pairs = [[half_lives(watched)[layer, direction] for watched in pair] for pair in networks]
        longest = [(_longest(ordered), _longest(random)) for ordered, random in pairs]
        sides = [
            _side((ordered.logs - random.logs)[:, place].mean(axis=1), 1)
            for ordered, random in networks
        ]
        found.append(
            Memory(
                layer=layer,
                direction=direction,
                median=float(np.median(pairs[0][0])),
                longest=longest[0][0],
                shuffled_median=float(np.median(pairs[0][1])),
                shuffled_longest=longest[0][1],
                seeds=longest[1:],
                finding=abs(sum(sides)) == len(sides),
            )
        )
    return found


def forgetting(
    networks: Sequence[tuple[Watched, Watched]], vocabulary: Sequence[str]
) -> list[Forgetting]:
    """The effect of each sufficiently frequent word on memory, the strongest forgetting first.

    Parameters
    ----------
    networks
        The result of ``watch_both`` for rows of tokens.
    vocabulary : word of each token
    """
    effects = [(_by_word(ordered), _by_word(random)) for ordered, random in networks]
    words, counts = np.unique(effects[0][0].word, return_counts=True)
    words, counts = words[counts >= LEAST_ROWS], counts[counts >= LEAST_ROWS]
    found = []
    for word, rows in zip(words, counts, strict=True):
        each = [[seen.effect[seen.word == word] for seen in pair] for pair in effects]
        sides = [_side(ordered - random, len(words)) for ordered, random in each]
        means = [[float(effect.mean()) for effect in pair] for pair in each]
        found.append(
            Forgetting(
                word=vocabulary[word],
                rows=int(rows),
                retained=means[0][0],
                shuffled=means[0][1],
                seeds=[ordered for ordered, _ in means[1:]],
                finding=abs(sum(sides)) == len(sides) and len({m[0] > 0 for m in means}) == 1,
            )
        )
    return sorted(found, key=lambda word: word.retained)


class _Effects(NamedTuple):
    """Effects of words, one entry per word and row, sorted by word and row."""

    word: NDArray[np.int64]
    effect: NDArray[np.float64]


def _longest(units: NDArray[np.float64]) -> float:
    """The 90% quantile of half-lives."""
    return float(np.quantile(units, 0.9))


def _side(differences: NDArray[np.float64], tests: int) -> int:
    """The sign of the mean if it is significant, corrected for ``tests`` tests; otherwise 0."""
    if len(differences) < 2:
        return 0
    mean, deviation = differences.mean(), differences.std(ddof=1) / np.sqrt(len(differences))
    beyond = abs(mean) > norm.ppf(1 - LEVEL / 2 / tests) * deviation
    return int(np.sign(mean)) if beyond else 0


def _by_word(watched: Watched) -> _Effects:
    """Each word's mean gate in a row, minus the mean of the row."""
    sequences = tokens_of(watched.sequences)
    rows = np.repeat(np.arange(len(sequences)), sequences.lengths)
    means = watched.retained.means()
    above = watched.retained.values - means[rows]
    key = sequences.values.astype(np.int64) * len(sequences) + rows
    pairs, which, times = np.unique(key, return_inverse=True, return_counts=True)
    return _Effects(pairs // len(sequences), np.bincount(which, above) / times)
