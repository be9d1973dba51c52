"""Attribution by channel: the contribution of each number of each step to the prediction.

Integrated gradients (Sundararajan et al. 2017) from a series that equals its training mean
everywhere; the attributions of a step's channels add up to that of the step.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duree.explain.attribution import COMPLETE, Attributions
from duree.explain.model import Model, explanation_of, recurrent_part
from duree.sequences.ragged import Ragged

# Pieces of the path, each with two Gauss-Legendre points: more where attributions do not add up,
# since the gradient jumps where another state becomes the largest.
PIECES = (16, 64, 256, 1024)
# Steps that are read at once.
STEPS = 100_000


def by_channel(
    model: Model, sequences: Ragged, outputs: NDArray[np.int64] | None = None
) -> tuple[Ragged, Attributions]:
    """Integrated gradients of every number of every row.

    Parameters
    ----------
    model : Model
        A model that reads numbers.
    sequences : Ragged
        Encoded rows, float32 [total steps, size].
    outputs : int64 [rows], optional
        Which output to explain; the predicted one, if not given.

    Returns
    -------
    Ragged
        float32 [total steps, size].
    Attributions
        Their sums by step.
    """
    if outputs is None:
        outputs = explanation_of(model).chosen(model.predictions(sequences))
    found = np.zeros(sequences.values.shape)
    scores, starts = np.zeros(len(sequences)), np.zeros(len(sequences))
    for row in range(len(sequences)):
        begin, end = sequences.offsets[row : row + 2]
        whole = torch.from_numpy(np.ascontiguousarray(sequences.values[begin:end]))
        start, score = _quantities(model, whole, int(outputs[row]), np.array([0.0, 1.0]))
        for pieces in PIECES:
            given = _integral(model, whole, int(outputs[row]), pieces)
            if abs(given.sum() - (score - start)) <= COMPLETE * abs(score - start):
                break
        found[begin:end], scores[row], starts[row] = given, score, start
    numbers = Ragged(found.astype(np.float32), sequences.offsets)
    steps = Ragged(found.sum(axis=1).astype(np.float32), sequences.offsets)
    return numbers, Attributions(steps, outputs, scores, starts)


def _integral(model: Model, whole: Tensor, output: int, pieces: int) -> NDArray[np.float64]:
    """The mean gradient on the path from zero to the series, times the series."""
    nodes, _ = np.polynomial.legendre.leggauss(2)
    parts = ((np.arange(pieces)[:, None] + (nodes + 1) / 2) / pieces).ravel()
    total = np.zeros(whole.shape)
    for some in np.array_split(parts, -(-len(parts) * len(whole) // STEPS)):
        x = _along_path(whole, some).requires_grad_()
        (slopes,) = torch.autograd.grad(_explained(model, x, output).sum(), x)
        total += slopes.double().sum(dim=0).numpy() / len(parts)
    return np.asarray(total * whole.numpy())


def _quantities(
    model: Model, whole: Tensor, output: int, parts: NDArray[np.float64]
) -> NDArray[np.float64]:
    with torch.no_grad():
        return np.asarray(_explained(model, _along_path(whole, parts), output).double().numpy())


def _along_path(whole: Tensor, parts: NDArray[np.float64]) -> Tensor:
    """The series at some shares of its path, [parts, steps, size]."""
    return torch.from_numpy(parts.astype(np.float32))[:, None, None] * whole


def _explained(model: Model, x: Tensor, output: int) -> Tensor:
    """The explained quantity of some series of equal length, [batch]."""
    lengths = torch.full((len(x),), x.shape[1])
    network = recurrent_part(model)
    scores = network.answer(network.recurrent.hidden_states(x, lengths), lengths)
    return explanation_of(model).explained(scores, torch.full((len(x),), output))
