"""The loss of steps: how surprising each was, and how far from what a teacher says of it."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import nll_loss

from duree.network.batches import IGNORED
from duree.network.contracts import Criterion

# The share of the loss that is learned from a teacher, where there is one; and the place of the
# state before a step in its target, after which stands its place at the teacher's.
DISTILLED, BEFORE = 0.5, 1


def loss_of_steps(teacher: Tensor | None = None) -> Criterion:
    """The mean over the steps of (scores [batch, steps, outputs], targets [batch, steps, 2 or 3]),
    by weights [batch] of the rows where there are any.

    Of ``teacher``, float32 [steps, outputs], the line is asked that a step's target names; it holds
    a small network back from learning by heart (Hinton et al. 2015).
    """

    def loss(scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        is_real = targets[:, :, 0] != IGNORED
        log_probabilities, answers = scores[is_real].log_softmax(dim=1), targets[is_real]
        if weights is not None:
            # A step counts as its row does.
            log_probabilities = (
                log_probabilities * weights[:, None].expand_as(is_real)[is_real][:, None]
            )
        total = nll_loss(log_probabilities, answers[:, 0], reduction="sum")
        if teacher is not None and answers.shape[1] > BEFORE + 1:
            distilled_loss = -(teacher[answers[:, BEFORE + 1]] * log_probabilities).sum()
            total = (1 - DISTILLED) * total + DISTILLED * distilled_loss
        return total / max(len(answers), 1)

    return loss
