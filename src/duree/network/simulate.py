"""Simulation of sequences by a StepModel: probabilities beyond the next step."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duree.network.next_model import StepModel

# Paths simulated at once: some 50 MB of states.
AT_ONCE = 20_000


def simulate(
    model: StepModel,
    prefixes: NDArray[np.integer],
    until: int,
    tokens: NDArray[np.int64],
    *,
    paths: int,
    temperature: float = 1.0,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Probabilities of the outputs at a later step, as shares of simulated paths.

    Parameters
    ----------
    model : StepModel
    prefixes : int [rows, steps] or [rows, steps, 1 + covariates]
        The known steps, at least one, as the model reads them.
    until : int
        The position, from 0, of the predicted step, after the known ones.
    tokens : int64 [outputs]
        The token of each output of the model.
    paths : int
        Number of paths per row.
    temperature : float
        Divisor of the scores.
    seed : int

    Returns
    -------
    float64 [rows, outputs]
    """
    generator = torch.Generator().manual_seed(seed)
    size = max(1, AT_ONCE // paths)
    parts = [
        _continue(
            model,
            torch.from_numpy(prefixes[start : start + size].astype(np.int64)),
            until,
            torch.from_numpy(tokens),
            paths,
            temperature,
            generator,
        )
        for start in range(0, len(prefixes), size)
    ]
    return np.concatenate(parts)


@torch.inference_mode()
def _continue(
    model: StepModel,
    prefixes: Tensor,
    until: int,
    tokens: Tensor,
    paths: int,
    temperature: float,
    generator: torch.Generator,
) -> NDArray[np.float64]:
    model.eval()
    rows, known = prefixes.shape[:2]
    scores, state, lasted = model.begin(prefixes)
    scores, lasted, last = (
        tensor.repeat_interleave(paths, dim=0) for tensor in (scores, lasted, prefixes[:, -1:])
    )
    # Every path has the state of its row: [layers, batch, hidden].
    if isinstance(state, tuple):
        state = tuple(part.repeat_interleave(paths, dim=1) for part in state)
    else:
        state = state.repeat_interleave(paths, dim=1)
    for time in range(known, until + 1):
        shares = (scores.double() / temperature).softmax(dim=1)
        chosen = torch.multinomial(shares, 1, generator=generator)[:, 0]
        step = last.clone()
        (step if step.ndim == 2 else step[:, :, 0])[:, 0] = tokens[chosen]
        lasted = torch.where((step == last).flatten(1).all(1), lasted + 1, 0)
        last = step
        if time < until:
            scores, state = model.step(step, time, lasted, state)
    counts = torch.zeros(rows, len(tokens), dtype=torch.float64)
    counts.scatter_add_(1, chosen.view(rows, paths), torch.ones(rows, paths, dtype=torch.float64))
    return np.asarray(counts.numpy() / paths)
