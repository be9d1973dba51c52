"""Predictive distributions of one step of a forecast.

Each turns raw outputs into parameters, has a loss (the negative log-likelihood, in nats; for
quantiles the pinball loss), and gives quantiles. Real-valued ones use standard units: zero is the
reference forecast, one the usual change from step to step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor
from torch.nn.functional import softplus

from duree.recipe.quantile_levels import LEVELS

# softplus of this is 1, the spread of an untrained network at the first step.
ONE = math.log(math.e - 1)
# Initial degrees of freedom of Student's t; they stay above two, so that the variance exists.
FREEDOM = 5.0
SMALLEST = 1e-4


class Distribution(Protocol):
    """One family of predictive distributions.

    Attributes
    ----------
    size : int
        Number of parameters per step.
    counts : bool
        Whether it describes counts in their own unit, not in standard units.
    """

    size: ClassVar[int]
    counts: ClassVar[bool]

    def parameters(self, raw: Tensor, location: Tensor, growth: Tensor) -> Tensor:
        """Parameters [batch, horizon, size] from raw outputs of the same shape.

        ``location`` [batch, horizon] shifts the distribution; ``growth`` [horizon] is the initial
        width of each step relative to the first.
        """
        ...

    def loss(self, parameters: Tensor, values: Tensor) -> Tensor:
        """The loss of each step, [batch, horizon], at ``values`` of the same shape."""
        ...

    def quantiles(
        self, parameters: NDArray[np.float64], levels: Sequence[float]
    ) -> NDArray[np.float64]:
        """Quantiles float64 [..., levels] from parameters [..., size], in ascending order."""
        ...


class Quantiles:
    """Quantiles at ``LEVELS`` without a parametric shape, with the pinball loss."""

    size = len(LEVELS)
    counts = False

    def parameters(self, raw: Tensor, location: Tensor, growth: Tensor) -> Tensor:
        start = torch.tensor(stats.norm.ppf(LEVELS), dtype=raw.dtype, device=raw.device)
        return (raw + start) * growth[:, None] + location[..., None]

    def loss(self, parameters: Tensor, values: Tensor) -> Tensor:
        levels = torch.tensor(LEVELS, dtype=parameters.dtype, device=parameters.device)
        errors = values[..., None] - parameters
        return torch.maximum(levels * errors, (levels - 1) * errors).mean(dim=-1)

    def quantiles(
        self, parameters: NDArray[np.float64], levels: Sequence[float]
    ) -> NDArray[np.float64]:
        # Crossing quantiles are sorted, which never increases the loss (Chernozhukov et al. 2010).
        known = np.sort(parameters, axis=-1)
        if tuple(levels) == LEVELS:
            return known
        places = np.interp(levels, LEVELS, np.arange(len(LEVELS)))
        below = np.minimum(np.floor(places).astype(np.int64), len(LEVELS) - 2)
        share = places - below
        return np.asarray(known[..., below] * (1 - share) + known[..., below + 1] * share)


class Gaussian:
    """Mean and standard deviation."""

    size = 2
    counts = False

    def parameters(self, raw: Tensor, location: Tensor, growth: Tensor) -> Tensor:
        mean = raw[..., 0] * growth + location
        return torch.stack([mean, _spread(raw[..., 1], growth)], dim=-1)

    def loss(self, parameters: Tensor, values: Tensor) -> Tensor:
        mean, deviation = parameters.unbind(dim=-1)
        standard = (values - mean) / deviation
        return deviation.log() + standard**2 / 2 + math.log(2 * math.pi) / 2

    def quantiles(
        self, parameters: NDArray[np.float64], levels: Sequence[float]
    ) -> NDArray[np.float64]:
        mean, deviation = (parameters[..., place, None] for place in range(2))
        return np.asarray(mean + deviation * stats.norm.ppf(levels))


class StudentT:
    """Centre, scale and degrees of freedom: heavy tails."""

    size = 3
    counts = False

    def parameters(self, raw: Tensor, location: Tensor, growth: Tensor) -> Tensor:
        centre = raw[..., 0] * growth + location
        freedom = 2 + softplus(raw[..., 2] + math.log(math.exp(FREEDOM - 2) - 1))
        return torch.stack([centre, _spread(raw[..., 1], growth), freedom], dim=-1)

    def loss(self, parameters: Tensor, values: Tensor) -> Tensor:
        centre, scale, freedom = parameters.unbind(dim=-1)
        standard = (values - centre) / scale
        norming = torch.lgamma(freedom / 2) - torch.lgamma((freedom + 1) / 2)
        return (
            norming
            + (freedom * math.pi).log() / 2
            + scale.log()
            + (freedom + 1) / 2 * torch.log1p(standard**2 / freedom)
        )

    def quantiles(
        self, parameters: NDArray[np.float64], levels: Sequence[float]
    ) -> NDArray[np.float64]:
        centre, scale, freedom = (parameters[..., place, None] for place in range(3))
        return np.asarray(centre + scale * stats.t.ppf(levels, freedom))


class NegativeBinomial:
    """Mean and dispersion of counts: their variance is ``mean + dispersion * mean ** 2``.

    ``parameters`` gives the mean in standard units; it must be converted to counts before ``loss``
    and ``quantiles``.
    """

    size = 2
    counts = True

    def parameters(self, raw: Tensor, location: Tensor, growth: Tensor) -> Tensor:
        mean = raw[..., 0] * growth + location
        return torch.stack([mean, softplus(raw[..., 1] - 1) + SMALLEST], dim=-1)

    def loss(self, parameters: Tensor, values: Tensor) -> Tensor:
        mean, dispersion = parameters.unbind(dim=-1)
        size = 1 / dispersion
        both = (size + mean).log()
        return (
            torch.lgamma(size)
            + torch.lgamma(values + 1)
            - torch.lgamma(values + size)
            - size * (size.log() - both)
            - values * (mean.log() - both)
        )

    def quantiles(
        self, parameters: NDArray[np.float64], levels: Sequence[float]
    ) -> NDArray[np.float64]:
        mean, dispersion = (parameters[..., place, None] for place in range(2))
        size = 1 / dispersion
        return np.asarray(stats.nbinom.ppf(levels, size, size / (size + mean)))


def _spread(raw: Tensor, growth: Tensor) -> Tensor:
    return (softplus(raw + ONE) + SMALLEST) * growth


DISTRIBUTIONS: dict[str, Any] = {
    "quantiles": Quantiles(),
    "gaussian": Gaussian(),
    "student": StudentT(),
    "negative_binomial": NegativeBinomial(),
}
