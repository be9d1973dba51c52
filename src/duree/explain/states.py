"""Hidden states of whole sequences: vectors, nearest rows, and a map."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from duree.explain.model import Model, principal, recurrent_part
from duree.network.batches import cut_by_length, pad
from duree.network.model import tabulated
from duree.sequences.ragged import Ragged

Floats = NDArray[np.float64]

BATCH = 256


def pooled_states(model: Model, sequences: Ragged) -> NDArray[np.float32]:
    """The pooled hidden states of the recurrent part.

    Parameters
    ----------
    model : Model
    sequences : Ragged
        Encoded rows.

    Returns
    -------
    float32 [rows, directions * hidden]
    """
    deep = recurrent_part(model)
    deep.eval()
    size = deep.settings.hidden_size * deep.recurrent.directions
    found = np.empty((len(sequences), size), dtype=np.float32)
    with torch.inference_mode(), tabulated(deep, len(sequences.values)):
        for rows in cut_by_length(np.arange(len(sequences)), sequences.lengths, BATCH):
            values, lengths = pad(sequences, rows)
            found[rows] = deep.pooling(deep.states(values, lengths), lengths).numpy()
    return found


def nearest_rows(
    model: Model, sequences: Ragged, row: int, count: int = 10
) -> list[tuple[int, float]]:
    """The rows with the most similar pooled states.

    Parameters
    ----------
    model : Model
    sequences : Ragged
        Encoded rows.
    row : int
        The row to compare the others with, from 0.
    count : int
        Number of rows to return.

    Returns
    -------
    list of (int, float)
        Rows and their cosine similarities, the most similar first.

    Raises
    ------
    IndexError
        There is no such row.
    """
    if not 0 <= row < len(sequences):
        raise IndexError(f"row {row} of {len(sequences)}")
    states = pooled_states(model, sequences).astype(np.float64)
    states /= np.maximum(np.linalg.norm(states, axis=1, keepdims=True), 1e-12)
    cosines = states @ states[row]
    order = [int(other) for other in np.argsort(-cosines, kind="stable") if other != row]
    return [(other, float(cosines[other])) for other in order[:count]]


def state_map(model: Model, sequences: Ragged) -> Floats:
    """The first two principal components of the pooled states.

    Parameters
    ----------
    model : Model
    sequences : Ragged
        Encoded rows.

    Returns
    -------
    float64 [rows, 2]
    """
    return principal(pooled_states(model, sequences).astype(np.float64))
