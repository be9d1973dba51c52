"""Network: the interface of all networks for training and scoring."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from duree.network.batches import Batch, Examples, cut_by_length, pad, targets_of
from duree.network.contracts import Criterion
from duree.sequences.ragged import Ragged

SCORING_BATCH = 256


class Network(nn.Module):
    """A network from sequences to outputs.

    ``forward(inputs, lengths)`` gives scores: [batch, outputs], or [batch, steps, outputs] for
    networks with outputs at each step. Networks that decode override ``loss`` and ``predict``.

    Attributes
    ----------
    criterion : Criterion or None
        The loss of scores; set while the network trains.
    carried : {str: Tensor}
        What a step of training leaves to the next one, besides the weights: by default nothing.
    """

    criterion: Criterion | None = None
    carried: Mapping[str, Tensor] = MappingProxyType({})
    # Whether scoring takes so long that equal rows are scored once.
    decodes: ClassVar[bool] = False

    @property
    def word_table(self) -> nn.Embedding | None:
        """The embeddings of words, which a file's vectors may begin; None if there are none."""
        return None

    def loss(self, batch: Batch) -> Tensor:
        """The mean training loss of a batch."""
        if self.criterion is None:
            raise TypeError("a network without a criterion is not being trained")
        loss: Tensor = self.criterion(self(batch.inputs, batch.lengths), *batch.answers)
        return loss

    def predict(self, batch: Batch) -> NDArray[np.float32]:
        """The outputs that the task reads, float32 [batch, outputs] or [batch, steps, outputs]."""
        scores: Tensor = self(batch.inputs, batch.lengths)
        return scores.float().numpy()

    def validation_loss(self, validation: Examples, predicted: NDArray[np.float32]) -> float:
        """The mean loss of the validation set, given the outputs of ``predict``, row by row."""
        if self.criterion is None:
            raise TypeError("a network without a criterion is not being trained")
        targets = validation.targets
        if not isinstance(targets, Ragged):
            answers = (predicted, targets, *validation.weighed)
            return float(self.criterion(*map(torch.from_numpy, answers)))
        scored, total = Ragged(predicted, targets.offsets), 0.0
        for rows in scoring_batches(targets):
            weights = (torch.from_numpy(weights[rows]) for weights in validation.weighed)
            loss = self.criterion(pad(scored, rows)[0], targets_of(validation, rows), *weights)
            total += float(loss) * int(targets.lengths[rows].sum())
        return total / max(len(targets.values), 1)


def scoring_batches(sequences: Ragged) -> list[NDArray[np.int64]]:
    """Every row once, in batches of similar length."""
    return cut_by_length(np.arange(len(sequences)), sequences.lengths, SCORING_BATCH)
