"""Examples of pairs: each pair once with its count, spread rows, and which outputs are right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.network.batches import Examples
from duree.sequences.padded_outputs import HEAD
from duree.sequences.ragged import Ragged, evenly_spaced

# Validation rows by which outputs are chosen.
MOST_ROWS = 3000


def targets_of_pairs(examples: Examples) -> Ragged:
    assert isinstance(examples.targets, Ragged)
    return examples.targets


def answers_of_pairs(examples: Examples, known: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Whether training had the source, the length of the target, and its codes, 0 after the last:
    int32 [rows, 2 + longest target]."""
    targets = targets_of_pairs(examples)
    lengths = targets.lengths - 1
    found = np.zeros((len(targets), HEAD + int(lengths.max(initial=0))), dtype=np.int32)
    found[:, 0], found[:, 1] = known, lengths
    real = np.arange(found.shape[1] - HEAD) < lengths[:, None]
    found[:, HEAD:][real] = targets.stretches(targets.offsets[:-1], lengths).values
    return found


def are_right(predictions: NDArray[np.float64], answers: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each output is the answer, code by code."""
    width = max(predictions.shape[1], answers.shape[1])
    given, true = (
        np.pad(found[:, 1:], ((0, 0), (0, width - found.shape[1])))
        for found in (predictions, answers)
    )
    return np.asarray((given == true).all(axis=1))


def types_of(examples: Examples) -> Examples:
    """Each pair once, in the order of its first row, with a weight that is 1 on average."""
    targets = targets_of_pairs(examples)
    counts: dict[tuple[bytes, bytes], float] = {}
    first: list[int] = []
    weights = np.ones(len(examples)) if examples.weights is None else examples.weights
    for row in range(len(examples)):
        pair = examples.sequences[row].tobytes(), targets[row].tobytes()
        if pair not in counts:
            first.append(row)
        counts[pair] = counts.get(pair, 0.0) + float(weights[row])
    rows = np.array(first, dtype=np.int64)
    roots = np.sqrt(np.array(list(counts.values())))
    return Examples(
        examples.sequences.take(rows),
        targets.take(rows),
        (roots / roots.mean()).astype(np.float32),
        transduced=True,
    )


def spread(validation: Examples) -> Examples:
    """Evenly spaced rows, at most so many as choose outputs."""
    rows = evenly_spaced(len(validation), MOST_ROWS)
    return Examples(
        validation.sequences.take(rows),
        targets_of_pairs(validation).take(rows),
        None if validation.weights is None else validation.weights[rows],
        transduced=True,
    )


def counts_of(examples: Examples) -> list[int]:
    """How often each pair occurs: the squares of its weights, of which the smallest is 1."""
    if examples.weights is None:
        return [1] * len(examples)
    squares = examples.weights.astype(np.float64) ** 2
    return list(map(int, np.maximum(np.rint(squares / squares.min()), 1)))


def best_choice(right: Sequence[NDArray[np.bool_]], weights: NDArray[np.float32] | None) -> int:
    """The place of the last of several choices, unless another is right more often by more than the
    standard error of the difference: few validation rows decide by chance.

    Parameters
    ----------
    right : sequence of bool [rows]
        The rows that each choice has right.
    weights : float32 [rows] or None
    """
    last = len(right) - 1
    gains = [one.astype(np.float64) - right[last] for one in right]
    means = [float(np.average(gain, weights=weights)) for gain in gains]
    noise = [float(gain.std()) / np.sqrt(len(gain)) for gain in gains]
    beyond = [place for place in range(last) if means[place] > noise[place]]
    return max(beyond, key=lambda place: means[place], default=last)
