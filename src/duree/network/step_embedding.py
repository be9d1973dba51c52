"""Embeddings of step features, which are added to the vector of the step.

Classes of a number are ordered: the vector of each is a cumulative sum (the thermometer encoding of
Gorishniy et al. 2022), so that neighbours are similar from the start. All are initially zero, so
classes that do not occur in training have no effect.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from duree.sequences.step_features import HIDDEN


class StepEmbedding(nn.Module):
    """Vectors of step features.

    Parameters
    ----------
    classes : sequence of (int, bool)
        The number of classes of each feature, the first for missing values, and whether the others
        are ordered.
    size : int
        Size of the vectors.
    """

    def __init__(self, classes: Sequence[tuple[int, bool]], size: int) -> None:
        super().__init__()
        self.is_ordered = [ordered for _, ordered in classes]
        self.tables = nn.ParameterList([torch.zeros(count, size) for count, _ in classes])

    def forward(self, codes: Tensor) -> Tensor:
        """Vectors float [batch, steps, size] of classes int64 [batch, steps, features]."""
        if self.training:
            keep = torch.rand(len(codes), 1, codes.shape[2], device=codes.device) >= HIDDEN
            codes = codes * keep
        found = codes.new_zeros((), dtype=self.tables[0].dtype)
        for place, vectors in enumerate(self.vectors()):
            found = found + embedding(codes[:, :, place], vectors)
        return found

    def vectors(self) -> list[Tensor]:
        """The vectors of all classes of each feature, float [classes, size]."""
        return [
            torch.cat([table[:1], table[1:].cumsum(dim=0)]) if ordered else table
            for table, ordered in zip(self.tables, self.is_ordered, strict=True)
        ]
