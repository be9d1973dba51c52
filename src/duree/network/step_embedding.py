"""What stands beside each step, as a vector that is added to that of the step itself.

Classes of a number have an order: the vector of each is the sum of steps up to it (the thermometer
of Gorishniy et al. 2022), so that neighbours are alike from the start. All begin at zero: a class
that training never saw says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from duree.sequences.step_features import HIDDEN


class StepEmbedding(nn.Module):
    """Vectors of what stands beside each step.

    Parameters
    ----------
    classes : sequence of (int, bool)
        How many classes there are of each thing, the first of them for what is missing, and whether
        the others have an order.
    size : int
        Numbers of each vector.
    """

    def __init__(self, classes: Sequence[tuple[int, bool]], size: int) -> None:
        super().__init__()
        self.is_ordered = [ordered for _, ordered in classes]
        self.tables = nn.ParameterList([torch.zeros(count, size) for count, _ in classes])

    def forward(self, codes: Tensor) -> Tensor:
        """Vectors float [batch, steps, size] of classes int64 [batch, steps, things]."""
        if self.training:
            keep = torch.rand(len(codes), 1, codes.shape[2], device=codes.device) >= HIDDEN
            codes = codes * keep
        found = codes.new_zeros((), dtype=self.tables[0].dtype)
        for place, vectors in enumerate(self.vectors()):
            found = found + embedding(codes[:, :, place], vectors)
        return found

    def vectors(self) -> list[Tensor]:
        """The vectors of all classes of each thing, float [classes, size]."""
        return [
            torch.cat([table[:1], table[1:].cumsum(dim=0)]) if ordered else table
            for table, ordered in zip(self.tables, self.is_ordered, strict=True)
        ]
