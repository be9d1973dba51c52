"""Join: how much of each part's score a joined model takes, found on the validation rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from duree.network.batches import Examples
from duree.network.wide import JoinedModel
from duree.training.loop import scores


def join(model: JoinedModel, validation: Examples, loss: Callable[..., Tensor]) -> None:
    """Set the shares of both parts, and of each one alone, to those of least validation loss.

    Shares are never negative: a part is used as it learned to speak, or not at all.
    """
    parts = [
        torch.from_numpy(scores(part, validation.sequences)) for part in (model.deep, model.wide)
    ]
    answers = [torch.from_numpy(one) for one in (validation.targets, *validation.weighed)]

    def best(parts: list[Tensor]) -> list[float]:
        def loss_of(shares: np.ndarray) -> float:
            joined = sum(float(share) * part for share, part in zip(shares, parts, strict=True))
            return float(loss(joined, *answers))

        start = np.full(len(parts), 1.0 / len(parts))
        # Few numbers on few rows: a simplex search needs no gradient, and always ends alike.
        found = minimize(loss_of, start, method="Nelder-Mead", bounds=[(0.0, 10.0)] * len(parts))
        return [float(share) for share in found.x]

    model.shares.copy_(torch.tensor(best(parts)))
    model.alone.copy_(torch.tensor([best([part])[0] for part in parts]))
