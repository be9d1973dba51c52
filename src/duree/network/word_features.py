"""Word features: a linear model on a word and its neighbours, added to a tagger's scores.

These are the usual features of conditional random fields (Ratnaparkhi 1996); with them the network
need not learn what counts already show. Source: Cheng et al. 2016 for joining the two,
Weinberger et al. 2009 for hashing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from duree.sequences.ragged import PADDING
from duree.sequences.token_encoder import CHARACTERS, LOWER, WORD, WORD_FEATURES

# Size of the hash table, which the more numerous features share.
PLACES = 2**18
# Odd multipliers with well-mixed bits for hashing.
MIX, MIX_OTHER = 0x9E3779B97F4A7C15 - 2**64, 0xC2B2AE3D27D4EB4F - 2**64
SHAPE, ENDING = WORD_FEATURES, CHARACTERS - 2
# Columns used at each distance from the word; then pairs of (step, column).
NEAR = {
    0: tuple(range(CHARACTERS)),
    1: (WORD, LOWER, SHAPE, ENDING),
    -1: (WORD, LOWER, SHAPE, ENDING),
    2: (WORD, SHAPE),
    -2: (WORD, SHAPE),
}
PAIRS = (
    ((-1, WORD), (0, WORD)),
    ((0, WORD), (1, WORD)),
    ((-1, SHAPE), (0, SHAPE)),
    ((0, SHAPE), (1, SHAPE)),
    ((-1, WORD), (0, SHAPE)),
    ((0, SHAPE), (1, WORD)),
    ((-1, SHAPE), (1, SHAPE)),
)


class WordFeatures(nn.Module):
    """Weights of features for each tag, summed over the features of a word.

    Parameters
    ----------
    tags : int
    dropout : float
        Share of features dropped in training.
    """

    def __init__(self, tags: int, dropout: float) -> None:
        super().__init__()
        self.weights = nn.Embedding(PLACES, tags, PADDING)
        nn.init.zeros_(self.weights.weight)
        self.dropout = dropout

    def places(self, values: Tensor) -> Tensor:
        """Hashed features of each word: int64 [batch, steps, features], 0 in padding."""
        seen = {step: _shifted(values[:, :, :CHARACTERS], step) for step in NEAR}
        found = [seen[step][:, :, column] for step, columns in NEAR.items() for column in columns]
        neighbours = [torch.zeros_like(found[0])] * len(found)
        for (step, column), (other_step, other) in PAIRS:
            found.append(seen[step][:, :, column])
            neighbours.append(seen[other_step][:, :, other] + 1)
        kinds = torch.arange(1, len(found) + 1)
        mixed = (torch.stack(found, dim=2) * 64 + kinds) * MIX
        mixed = (mixed ^ (mixed >> 29)) + torch.stack(neighbours, dim=2) * MIX_OTHER
        mixed = (mixed ^ (mixed >> 31)) * MIX
        places = 1 + ((mixed >> 40) & (PLACES - 1)) % (PLACES - 1)
        return places.masked_fill((values[:, :, WORD] == PADDING)[:, :, None], PADDING)


def _shifted(values: Tensor, step: int) -> Tensor:
    """The values ``step`` steps later; padding outside."""
    if step == 0:
        return values
    length = values.shape[1]
    if step > 0:
        return pad(values, (0, 0, 0, step))[:, step:]
    return pad(values, (0, 0, -step, 0))[:, :length]
