"""Forecaster: a recurrent network with a predictive distribution for each step to forecast.

All steps are forecast at once from the last hidden state (direct forecasts, in which errors do not
accumulate). A linear autoregression on the last steps is added, which a network alone is slow to
learn (the highway of Lai et al. 2018, LSTNet).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from duree.network.distributions import Distribution
from duree.network.model import SequenceModel
from duree.network.network import Network
from duree.network.recurrent import Recurrent
from duree.recipe.settings import ModelSettings

# Scale of the logarithmic compression of the first channels far from 0.
COMPRESSION = 3.0
# The last channels of a window: the reference as two numbers, and the unit.
CARRIED = 3


class Forecaster(Network):
    """A network from windows to distribution parameters for each step to forecast.

    Parameters
    ----------
    settings : ModelSettings
    channels : int
        Numbers per step of a window, including the carried ones.
    relative : int
        Number of first channels, which hold values in standard units.
    horizon : int
    distribution : Distribution
    """

    growth: Tensor

    def __init__(
        self,
        settings: ModelSettings,
        *,
        channels: int,
        relative: int,
        horizon: int,
        distribution: Distribution,
    ) -> None:
        super().__init__()
        self.horizon, self.relative, self.distribution = horizon, relative, distribution
        outputs = horizon * distribution.size
        self.network = SequenceModel(settings, channels=channels - CARRIED, outputs=outputs)
        self.highway = nn.Linear(horizon * relative, horizon, bias=False)
        # Untrained, it forecasts the reference with the growing spread of a random walk.
        nn.init.zeros_(self.highway.weight)
        self.network.head.weight.data.mul_(0.3)
        nn.init.zeros_(self.network.head.bias)
        self.register_buffer("growth", torch.arange(1, horizon + 1).sqrt(), persistent=False)

    @property
    def recurrent(self) -> Recurrent:
        """The recurrent layers."""
        return self.network.recurrent

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Scores float [batch, horizon * (parameters + 2) + 1].

        ``values`` float [batch, steps, channels] and ``lengths`` int64 [batch], each of at least
        ``horizon``. For each row: the parameters of all steps, the reference as two numbers per
        step, and the unit.
        """
        rows = torch.arange(len(values), device=values.device)
        ahead = lengths[:, None] - self.horizon + torch.arange(self.horizon, device=values.device)
        last = values[rows[:, None], ahead]  # (B, H, C)
        relative = (values[..., : self.relative] / COMPRESSION).asinh()
        rest = values[..., self.relative : -CARRIED]
        raw = self.network(torch.cat([relative, rest], dim=-1), lengths)
        location = self.highway(last[..., : self.relative].flatten(1))
        shape = (len(values), self.horizon, self.distribution.size)
        parameters = self.distribution.parameters(raw.view(shape), location, self.growth)
        return torch.cat(
            [parameters.flatten(1), last[..., -3], last[..., -2], last[:, -1, -1:]], dim=1
        )
