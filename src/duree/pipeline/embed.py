"""Embedding of sequences as vectors by a trained network."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from duree.errors import RunError
from duree.network.batches import pad
from duree.network.model import SequenceModel, tabulated
from duree.network.network import scoring_batches
from duree.network.next_model import StepModel
from duree.network.wide import JoinedModel
from duree.pipeline.model import TrainedModel
from duree.sequences.ragged import Ragged


def embed(model: TrainedModel, sequences: Ragged) -> NDArray[np.float32]:
    """The pooled hidden states of the recurrent part.

    For networks that predict at each step, their mean over the steps.

    Parameters
    ----------
    model : TrainedModel
    sequences : Ragged
        The result of ``model.encode``.

    Returns
    -------
    float32 [rows, directions * hidden]

    Raises
    ------
    RunError
        The network has no vector for whole sequences.
    """
    network = summing_network(model)
    network.eval()
    found = np.zeros((len(sequences), network.head.in_features), dtype=np.float32)
    with torch.inference_mode(), tabulated(network, len(sequences.values)):
        for rows in scoring_batches(sequences):
            values, lengths = pad(sequences, rows)
            if values.shape[1] == 0:  # rows without steps remain zero
                continue
            pooled = network.summary(values, lengths)
            found[rows] = pooled.float().numpy()
    return found


def summing_network(model: TrainedModel) -> SequenceModel | StepModel:
    """The network that has a vector for whole sequences.

    Raises
    ------
    RunError
        The network tags words, writes texts or forecasts.
    """
    network = model.network.deep if isinstance(model.network, JoinedModel) else model.network
    if not isinstance(network, SequenceModel | StepModel):
        raise RunError(
            "a network that tags words, writes texts or forecasts has no vector for a sequence as "
            "a whole",
            fix="train one for classes, numbers, or what comes next",
        )
    return network
