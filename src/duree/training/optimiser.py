"""Optimisers by name, one update, and the learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Iterable
from inspect import unwrap
from typing import Any

import torch
from torch import Tensor, nn

from duree.network import kernels
from duree.network.batches import Batch
from duree.network.kernels.rows import adam_rows
from duree.network.network import Network
from duree.recipe.settings import TrainingSettings

# Steps of warm-up, in which Adam's second moments are still unreliable (Ma & Yarats 2021).
WARM_UP_STEPS = 100


class RowAdam(torch.optim.Adam):
    """Adam that updates only the rows of an embedding that occur in a batch.

    The moments of other rows are unchanged, as in torch's SparseAdam; all other parameters get
    fused updates.
    """

    # Without torch's wrappers, which import its compiler: more than a second for nothing.
    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)
    state_dict = unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = unwrap(torch.optim.Optimizer.load_state_dict)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update from the current gradients."""
        by_rows = [
            (group, parameter, parameter.grad)
            for group in self.param_groups
            for parameter in group["params"]
            if parameter.grad is not None and parameter.grad.is_sparse
        ]
        for _, parameter, _ in by_rows:
            parameter.grad = None
        unwrap(torch.optim.Adam.step)(self)
        for group, parameter, gradient in by_rows:
            self._step_rows(group, parameter, gradient)
            parameter.grad = gradient

    def _step_rows(self, group: dict[str, Any], parameter: Tensor, gradient: Tensor) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        state["step"] += 1
        adam_rows(
            parameter,
            state["exp_avg"],
            state["exp_avg_sq"],
            gradient,
            step=int(state["step"]),
            rate=group["lr"],
            betas=group["betas"],
            epsilon=group["eps"],
        )


def make_optimiser(model: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """The optimiser called ``adam``, ``adamw``, ``sgd`` (with momentum 0.9) or ``rmsprop``.

    Embeddings get sparse gradients if the optimiser can use them.
    """
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimiser == "sgd":
        return torch.optim.SGD(
            model.parameters(), rate, momentum=0.9, weight_decay=decay, fused=True
        )
    if settings.optimiser == "rmsprop":
        return torch.optim.RMSprop(model.parameters(), rate, weight_decay=decay)
    betas = (0.9, 0.99)
    if decay == 0 and kernels.serves(*model.parameters()):
        for module in model.modules():
            if isinstance(module, nn.Embedding):
                module.sparse = True
        return RowAdam(model.parameters(), rate, betas, fused=True)
    rule = torch.optim.Adam if settings.optimiser == "adam" else torch.optim.AdamW
    return rule(model.parameters(), rate, betas, weight_decay=decay, fused=True)


def learning_rate(settings: TrainingSettings, step: int, steps: int) -> float:
    """The rate at ``step`` of ``steps``: a short linear warm-up, then the schedule."""
    warm_up = min(WARM_UP_STEPS, max(1, steps // 10))
    rise = min(1.0, (step + 1) / warm_up)
    # Epochs may have a few more batches than the first, from which ``steps`` was computed.
    done = min(1.0, step / max(steps, 1))
    fall = {
        "constant": 1.0,
        "linear": 1.0 - done,
        "cosine": 0.5 * (1.0 + math.cos(math.pi * done)),
    }[settings.schedule]
    return settings.learning_rate * rise * fall


def update(
    model: Network, optimiser: torch.optim.Optimizer, batch: Batch, clip_norm: float
) -> float:
    """One update of the weights; returns the batch's loss.

    If the loss is not finite, nothing is changed.
    """
    batch_loss = model.loss(batch)
    value = float(batch_loss.detach())
    if math.isfinite(value):
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(batch_loss)
        if clip_norm > 0:
            clip(model.parameters(), clip_norm)
        optimiser.step()
    return value


def clip(parameters: Iterable[nn.Parameter], most: float) -> None:
    """Scale all gradients so that their total norm is at most ``most`` (Pascanu et al. 2013)."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    values = [grad._values() if grad.is_sparse else grad for grad in gradients]
    norm = nn.utils.get_total_norm(values)
    torch._foreach_mul_(values, (most / (norm + 1e-6)).clamp(max=1.0))
