"""The wide part: a linear model on the units of a sequence, pairs of neighbours, and characters.

Features are weighted by their inverse document frequency (Spärck Jones 1972), and each of the two
groups, units and pairs on one side, characters of units on the other, has length 1 in each row. The
characters of a unit are known with the unit, so that their weights add up to one weight for the
unit. Pairs share a table by hashing (Weinberger et al. 2009). Joined with the network it forms a
wide and deep model (Cheng et al. 2016).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor, nn
from torch.nn.functional import embedding

from duree.network.network import Network
from duree.sequences.ragged import PADDING, Ragged

# Slots for pairs: so many per unit, at most a million, which leaves few collisions among the pairs
# of 25,000 reviews.
PLACES_PER_UNIT, MOST_PLACES = 64, 2**20
# Odd multiplier with well-mixed bits (Steele et al. 2014), as a signed number.
MIX = 0x9E3779B97F4A7C15 - 2**64
# The factor of all scores in version 0.1.0.
EARLIER_GAIN = 8.0


class WideModel(Network):
    """Linear scores over distinct units, pairs of neighbouring units, and the units' characters.

    Parameters
    ----------
    vocabulary_size, outputs : int

    Attributes
    ----------
    weight : float32 [units + places, outputs]
        The score of each unit and pair; 0 if it was not seen in training.
    size : float32 [units + places]
        Its squared inverse document frequency; 0 if it was not seen in training.
    spelling, spelling_size : float32 [units, outputs], float32 [units]
        The same for the characters of each unit, added up.
    bias : float32 [outputs]
    """

    size: Tensor
    spelling_size: Tensor

    def __init__(self, vocabulary_size: int, outputs: int) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        # A power of two, for the bits of the hash.
        self.places = min(MOST_PLACES, 2 ** (PLACES_PER_UNIT * vocabulary_size).bit_length())
        features = vocabulary_size + self.places
        self.weight = nn.Parameter(torch.zeros(features, outputs))
        self.spelling = nn.Parameter(torch.zeros(vocabulary_size, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("size", torch.zeros(features))
        self.register_buffer("spelling_size", torch.zeros(vocabulary_size))

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Scores float [batch, outputs] for tokens int64 [batch, steps].

        Step features, [batch, steps, 1 + features], are ignored.
        """
        features, first = self.features(values, lengths)
        scores = _scaled_sum(features, first, self.weight, self.size)
        is_unit = first & (features < self.vocabulary_size)
        units = features.masked_fill(~is_unit, PADDING)
        return scores + _scaled_sum(units, is_unit, self.spelling, self.spelling_size) + self.bias

    @torch.no_grad()
    def calibrate(self, scale: float, offsets: NDArray[np.float64]) -> None:
        """Multiply all scores by ``scale``, then add ``offsets``, float64 [outputs]."""
        for weight in (self.weight, self.spelling, self.bias):
            weight.mul_(scale)
        self.bias.add_(torch.from_numpy(offsets))

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
            shares = self.weight[kinds] / _length(self.size[kinds].sum())
            is_unit = kinds < self.vocabulary_size
            spelled = kinds[is_unit]
            norm = _length(self.spelling_size[spelled].sum())
            shares[is_unit] += self.spelling[spelled] / norm
            added = torch.zeros(len(alone), self.weight.shape[1])
            added[present] = (shares / times[:, None])[which]
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
        return values, self._pairs(left, right).masked_fill(right == PADDING, PADDING)

    def _pairs(self, left: Tensor, right: Tensor) -> Tensor:
        """The place of each pair of units, int64."""
        mixed = (left * self.vocabulary_size + right) * MIX
        places: Tensor = self.vocabulary_size + ((mixed >> 24) & (self.places - 1))
        return places

    def bags(self, sequences: Ragged) -> csr_matrix:
        """The distinct units and pairs of each row: float64 [rows, features], 1 where present."""
        units = sequences.values if sequences.values.ndim == 1 else sequences.values[:, 0]
        tokens = torch.from_numpy(units.astype(np.int64))
        rows = np.repeat(np.arange(len(sequences)), sequences.lengths)
        neighbours = rows[1:] == rows[:-1]
        pairs = self._pairs(tokens[:-1], tokens[1:]).numpy()[neighbours]
        columns = np.concatenate([tokens.numpy(), pairs])
        rows = np.concatenate([rows, rows[1:][neighbours]])
        shape = (len(sequences), len(self.weight))
        found = csr_matrix((np.ones(len(columns)), (rows, columns)), shape)
        found.data[:] = 1.0
        return found


def of_version_0_1(weight: Tensor, scale: Tensor, units: int) -> dict[str, Tensor]:
    """The state of a wide part of version 0.1.0 but for its bias.

    Its weights were multiplied by the log-count ratios of the features, and a row with n features
    had the length sqrt(n).
    """
    return {
        "weight": weight * scale * EARLIER_GAIN,
        "size": torch.ones(len(weight)),
        "spelling": torch.zeros(units, weight.shape[1]),
        "spelling_size": torch.zeros(units),
    }


def _scaled_sum(features: Tensor, present: Tensor, weight: Tensor, size: Tensor) -> Tensor:
    """The weights of the features that are present, over the length of the row: [batch, outputs]"""
    total = (embedding(features, weight) * present[:, :, None]).sum(dim=1)
    return total / _length((size[features] * present).sum(dim=1, keepdim=True))


def _length(squares: Tensor) -> Tensor:
    """The length of a row; 1 if it has no feature that was seen in training."""
    return squares.clamp(min=1).sqrt()


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
