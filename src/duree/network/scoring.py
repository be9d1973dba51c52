"""Scoring: the outputs of a network for encoded rows, in batches of similar length."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from duree.forked import uses_threads
from duree.network.batches import Batch, pad
from duree.network.model import tabulated
from duree.network.network import Network, scoring_batches
from duree.network.wide import JoinedModel
from duree.sequences.ragged import Ragged

# The names of parts in the results.
RECURRENT_PART, WIDE_PART = "recurrent_part", "wide_part"


def scores(model: Network, sequences: Ragged) -> NDArray[np.float32]:
    """The model's scores, in the order of the rows.

    Returns
    -------
    float32 [rows, outputs], or [steps of all rows, outputs] from a model that answers at each step
    """
    if model.decodes:
        first, group = sequences.distinct()
        if len(first) < len(sequences):
            return scores(model, sequences.take(first))[group]
    uses_threads("torch", torch.get_num_threads())
    model.eval()
    found: NDArray[np.float32] | None = None
    with torch.inference_mode(), tabulated(model, len(sequences.values)):
        for rows in scoring_batches(sequences):
            inputs, lengths = pad(sequences, rows)
            batch = model.predict(Batch(inputs, lengths))
            places, answers = rows, len(sequences)
            if batch.ndim == 3:
                batch = batch[np.arange(batch.shape[1]) < lengths.numpy()[:, None]]
                places, answers = sequences.places(rows), len(sequences.values)
            if found is None:
                found = np.empty((answers, batch.shape[1]), dtype=np.float32)
            found[places] = batch
    return np.zeros((0, 1), dtype=np.float32) if found is None else found


def part_scores(network: Network, sequences: Ragged) -> dict[str, NDArray[np.float32]]:
    """The scores of each part of a joined model alone; empty for other models."""
    if not isinstance(network, JoinedModel):
        return {}
    parts = {RECURRENT_PART: network.deep, WIDE_PART: network.wide}
    return {
        name: scores(part, sequences) * share
        for (name, part), share in zip(parts.items(), network.alone.tolist(), strict=True)
    }
