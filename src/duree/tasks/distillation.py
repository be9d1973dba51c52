"""Distillation: the loss at each step, with another model's predictions in it."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import nll_loss

from duree.network.batches import IGNORED
from duree.network.contracts import Criterion
from duree.network.next_model import mean_of_steps

# The share of distillation in the loss; and the column of the previous state in targets, followed
# by the row of the other model's predictions.
DISTILLED, BEFORE = 0.5, 1


def distilled_loss(teacher: Tensor) -> Criterion:
    """The mean loss over steps, half of it distillation, which regularises (Hinton et al. 2015).

    A function of scores [batch, steps, outputs], targets [batch, steps, 3] and, optionally, row
    weights [batch]. ``teacher`` float32 [steps, outputs] holds predicted probabilities; the last
    column of targets is the row of each step. Without it, the log-loss alone is meant: validation.
    """

    def loss(scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        real = targets[:, :, 0] != IGNORED
        log_probabilities, answers = scores[real].log_softmax(dim=1), targets[real]
        losses = nll_loss(log_probabilities, answers[:, 0], reduction="none")
        if answers.shape[1] > BEFORE + 1:
            of_teacher = -(teacher[answers[:, BEFORE + 1]] * log_probabilities).sum(dim=1)
            losses = (1 - DISTILLED) * losses + DISTILLED * of_teacher
        return mean_of_steps(losses, weights, real)

    return loss
