"""The wide part: a linear model on the units, and pairs of neighbouring units, of a sequence.

Each weight is multiplied by the size of its feature's log-count ratio, so that predictive features
are learned first (NB-SVM: Wang & Manning 2012, with the task's loss instead of the hinge). Pairs
share a table by hashing (Weinberger et al. 2009). Joined with the network it forms a wide and deep
model (Cheng et al. 2016).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import embedding

from duree.network.network import Network
from duree.sequences.ragged import PADDING, Ragged

# Slots for pairs: so many per unit, at most a million, which leaves few collisions among the pairs
# of 25,000 reviews.
PLACES_PER_UNIT, MOST_PLACES = 64, 2**20
# Odd multiplier with well-mixed bits (Steele et al. 2014), as a signed number.
MIX = 0x9E3779B97F4A7C15 - 2**64
# Scale of the scores; the sum over n features is divided by sqrt(n) to make rows comparable.
GAIN = 8.0


class WideModel(Network):
    """Linear scores over distinct units and pairs of neighbouring units.

    Parameters
    ----------
    vocabulary_size, outputs : int
    """

    scale: Tensor

    def __init__(self, vocabulary_size: int, outputs: int) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        # A power of two, for the bits of the hash.
        self.places = min(MOST_PLACES, 2 ** (PLACES_PER_UNIT * vocabulary_size).bit_length())
        size = vocabulary_size + self.places
        self.weight = nn.Parameter(torch.zeros(size, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("scale", torch.ones(size, outputs))

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Scores float [batch, outputs] for tokens int64 [batch, steps].

        Step features, [batch, steps, 1 + features], are ignored.
        """
        features, first = self.features(values, lengths)
        weights = embedding(features, self.weight) * embedding(features, self.scale)  # (B, F, K)
        count = first.sum(dim=1, keepdim=True).clamp(min=1)
        return (weights * first[:, :, None]).sum(dim=1) * GAIN / count.sqrt() + self.bias

    def features(self, values: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Indices int64 [batch, 2 * steps - 1] in order, and True at first occurrences."""
        features = torch.cat(self._units_and_pairs(values, lengths), dim=1).sort(dim=1).values
        first = features != PADDING
        first[:, 1:] &= features[:, 1:] != features[:, :-1]
        return features, first

    @torch.no_grad()
    def contributions(self, values: Tensor, lengths: Tensor) -> Tensor:
        """The contribution of each step: [batch, steps, outputs], with sum scores - bias.

        The weight of a feature is divided among its occurrences, that of a pair between its units.
        """
        units, pairs = self._units_and_pairs(values, lengths)
        found = torch.zeros(*values.shape[:2], self.weight.shape[1])
        for row, alone in enumerate(torch.cat([units, pairs], dim=1)):
            present = alone != PADDING
            kinds, which, times = alone[present].unique(return_inverse=True, return_counts=True)
            scale = GAIN / max(len(kinds), 1) ** 0.5
            shares = self.weight[kinds] * self.scale[kinds] * scale / times[:, None]
            added = torch.zeros(len(alone), self.weight.shape[1])
            added[present] = shares[which]
            of_units, of_pairs = added[: len(units[row])], added[len(units[row]) :] / 2
            found[row] += of_units
            found[row, :-1] += of_pairs
            found[row, 1:] += of_pairs
        return found

    def _units_and_pairs(self, values: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Features by position: [batch, steps] units and [batch, steps - 1] hashed pairs."""
        steps = torch.arange(values.shape[1], device=values.device)
        values = values if values.ndim == 2 else values[:, :, 0]
        values = values.masked_fill(steps >= lengths[:, None], PADDING)
        left, right = values[:, :-1], values[:, 1:]
        mixed = (left * self.vocabulary_size + right) * MIX
        pairs = self.vocabulary_size + ((mixed >> 24) & (self.places - 1))
        return values, pairs.masked_fill(right == PADDING, PADDING)

    @torch.no_grad()
    def weigh(self, sequences: Ragged, indicators: NDArray[np.bool_]) -> None:
        """Set each feature's scale to the size of its log-count ratio.

        ``indicators`` is bool [rows, outputs]: the positive training rows of each output.
        """
        inside = torch.ones(self.scale.shape)
        outside = torch.ones(self.scale.shape)
        for row, marked in enumerate(torch.from_numpy(indicators)):
            values = torch.from_numpy(sequences[row].astype(np.int64))[None]
            features, first = self.features(values, torch.tensor([values.shape[1]]))
            present = features[first]
            inside[present] += marked.float()
            outside[present] += 1.0 - marked.float()
        ratio = (inside / inside.sum(dim=0)).log() - (outside / outside.sum(dim=0)).log()
        self.scale.copy_(ratio.abs())


class JoinedModel(Network):
    """A network and a wide part, trained separately, joined with one weight for each.

    ``shares`` (deep, wide) multiply the two scores when joined, ``alone`` each score by itself; all
    are fitted on the validation set.
    """

    shares: Tensor
    alone: Tensor

    def __init__(self, deep: Network, wide: WideModel) -> None:
        super().__init__()
        self.deep, self.wide = deep, wide
        self.register_buffer("shares", torch.full((2,), 0.5))
        self.register_buffer("alone", torch.ones(2))

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Scores float [batch, outputs]."""
        joined: Tensor = self.shares[0] * self.deep(values, lengths) + self.shares[1] * self.wide(
            values, lengths
        )
        return joined
