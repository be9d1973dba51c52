"""The output layer of large vocabularies with its loss."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def cross_entropy(
    x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, weights: Tensor | None = None
) -> Tensor:
    """Minus log softmax(x W' + b) at the targets, in nats, times ``weights``: float32 [rows].

    x is float32 [rows, size], weight [outputs, size], bias [outputs], targets int64 [rows]; the
    loss of a target of -100 is 0.
    """
    losses = functional.cross_entropy(functional.linear(x, weight, bias), targets, reduction="none")
    return losses if weights is None else losses * weights
