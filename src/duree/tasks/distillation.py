"""The loss at each step: log-loss, and distillation from another model's predictions."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import nll_loss

from duree.network.batches import IGNORED
from duree.network.contracts import Criterion

# The share of distillation in the loss; and the column of the previous state in targets, followed
# by the row of the other model's predictions.
DISTILLED, BEFORE = 0.5, 1


def loss_of_steps(teacher: Tensor | None = None) -> Criterion:
    """The mean loss over steps, a function of scores [batch, steps, outputs], targets
    [batch, steps, 2 or 3] and, optionally, row weights [batch].

    ``teacher`` float32 [steps, outputs] holds predicted probabilities; the last column of targets
    is the row of each step. Distillation regularises the network (Hinton et al. 2015).
    """

    def loss(scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        is_real = targets[:, :, 0] != IGNORED
        log_probabilities, answers = scores[is_real].log_softmax(dim=1), targets[is_real]
        if weights is not None:
            # A step has the weight of its row.
            log_probabilities = (
                log_probabilities * weights[:, None].expand_as(is_real)[is_real][:, None]
            )
        total = nll_loss(log_probabilities, answers[:, 0], reduction="sum")
        if teacher is not None and answers.shape[1] > BEFORE + 1:
            distilled_loss = -(teacher[answers[:, BEFORE + 1]] * log_probabilities).sum()
            total = (1 - DISTILLED) * total + DISTILLED * distilled_loss
        return total / max(len(answers), 1)

    return loss
