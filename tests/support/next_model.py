"""Networks that predict each next state, and rows for them."""

from __future__ import annotations

import torch
from torch import Tensor

from duree.network.next_model import StepModel
from duree.recipe.settings import ModelSettings

STATES, OUTPUTS = 7, 5


COVARIATES = [(), (3, 4)]


def model(covariates: tuple[int, ...] = (), seed: int = 0, **build: object) -> StepModel:
    torch.manual_seed(seed)
    chosen = ModelSettings(
        hidden_size=6, embedding_size=5, bidirectional=False, wide=True
    ).model_copy(update=build)
    network = StepModel(
        chosen,
        vocabulary_size=STATES,
        outputs=OUTPUTS,
        times=9,
        period=4,
        covariates=covariates,
    )
    for table in network.direct.values():  # they begin at nothing, and would hide a mistake
        torch.nn.init.normal_(table)
    return network.eval()


def rows(count: int, steps: int, covariates: tuple[int, ...] = (), seed: int = 0) -> Tensor:
    """Tokens that often stay as they are, [rows, steps] or [rows, steps, 1 + covariates]."""
    rng = torch.Generator().manual_seed(seed)
    tokens = torch.randint(1, STATES, (count, steps), generator=rng)
    for step in range(1, steps):
        stays = torch.rand(count, generator=rng) < 0.6
        tokens[:, step] = torch.where(stays, tokens[:, step - 1], tokens[:, step])
    if not covariates:
        return tokens
    others = [torch.randint(0, n, (count, 1), generator=rng).expand(-1, steps) for n in covariates]
    return torch.stack([tokens, *others], dim=2)
