"""Ensemble: transducers of several seeds that write together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from duree.network.batches import Batch
from duree.network.network import Network
from duree.network.transducer import Transducer, best_outputs


class Ensemble(Network):
    """Networks of the same shape and vocabulary, whose probabilities are averaged at each unit.

    Parameters
    ----------
    members : sequence of Transducer
    """

    decodes: ClassVar[bool] = True

    def __init__(self, members: Sequence[Transducer]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(members)
        self.settings, self.limit = members[0].settings, members[0].limit

    @property
    def members(self) -> list[Transducer]:
        return [member for member in self.networks if isinstance(member, Transducer)]

    def predict(self, batch: Batch) -> NDArray[np.float32]:
        """The best output of each row by beam search, float32 [batch, 2 + limit.longest]."""
        return best_outputs(self.members, batch, self.settings.beam)

    def log_probabilities(self, batch: Batch) -> Tensor:
        """log p of each unit of the targets, float [batch, target steps]; 0 in padding."""
        each = torch.stack([member.log_probabilities(batch) for member in self.members])
        return torch.logsumexp(each, dim=0) - float(np.log(len(self.members)))

    def attended(self, batch: Batch) -> Tensor:
        """The mean attention of the members: see ``Transducer.attended``."""
        return torch.stack([member.attended(batch) for member in self.members]).mean(0)


# What writes outputs.
Decoder = Transducer | Ensemble
