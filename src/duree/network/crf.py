"""Linear-chain conditional random field: exact likelihood, best path and marginals.

Source: Lafferty, McCallum & Pereira 2001; Lample et al. 2016, section 2.2, for the chain above
recurrent layers; Rabiner 1989 for the recursions, which use logarithms and run forwards and
backwards over a whole batch at once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

# The score of a forbidden transition: its exponential is 0 in float32, and sums stay finite.
NEVER = -1e4


class CRF(nn.Module):
    """A chain on top of a network that scores each tag at each step.

    Parameters
    ----------
    tags : int
    allowed : bool [tags + 1, tags], optional
        The tags that may follow each tag; the last row: those that may come first. None: all.

    Attributes
    ----------
    transitions : float [tags, tags]
        ``transitions[i, j]`` is added if tag j follows tag i.
    first, last : float [tags]
        Added for the first and the last tag of a sequence.
    """

    forbidden: Tensor

    def __init__(self, tags: int, allowed: Tensor | None = None) -> None:
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        self.first = nn.Parameter(torch.zeros(tags))
        self.last = nn.Parameter(torch.zeros(tags))
        if allowed is None:
            allowed = torch.ones(tags + 1, tags, dtype=torch.bool)
        self.register_buffer("forbidden", (~allowed).float() * NEVER)

    def log_likelihood(self, scores: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
        """The logarithm of the probability of each row's tags, float [batch].

        Parameters
        ----------
        scores : float [batch, steps, tags]
        targets : int64 [batch, steps]
            Values past a length are ignored.
        lengths : int64 [batch], each at least 1
        """
        found: Tensor = _LogLikelihood.apply(scores, *self._chain(), targets, lengths)  # type: ignore[no-untyped-call]
        return found

    @torch.no_grad()
    def best(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """The most probable tags of each row, int64 [batch, steps]; 0 past each length.

        Source: Viterbi 1967.
        """
        transitions, first, last = self._chain()
        rows, steps = torch.arange(len(scores)), scores.shape[1]
        reached = [scores[:, 0] + first]
        came_from = []
        for t in range(1, steps):
            highest, where = (reached[-1][:, :, None] + transitions).max(dim=1)
            reached.append(highest + scores[:, t])
            came_from.append(where)
        tag = (torch.stack(reached, dim=1)[rows, lengths - 1] + last).argmax(dim=1)
        path = torch.zeros(scores.shape[:2], dtype=torch.int64)
        for t in range(steps - 1, -1, -1):
            path[:, t] = tag.masked_fill(t >= lengths, 0)
            if t > 0:
                tag = torch.where(t < lengths, came_from[t - 1][rows, tag], tag)
        return path

    @torch.no_grad()
    def log_marginals(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """The logarithm of each tag's probability at each step, float [batch, steps, tags]."""
        ahead, back, partition = _recursions(scores, *self._chain(), lengths)
        return ahead + back - scores - partition[:, None, None]

    def _chain(self) -> tuple[Tensor, Tensor, Tensor]:
        """Transitions, first and last scores, including the forbidden ones."""
        return self.transitions + self.forbidden[:-1], self.first + self.forbidden[-1], self.last


class _LogLikelihood(torch.autograd.Function):
    """The log-likelihood with its gradient, observed minus expected, in closed form."""

    @staticmethod
    def forward(
        ctx: Any,
        scores: Tensor,
        transitions: Tensor,
        first: Tensor,
        last: Tensor,
        targets: Tensor,
        lengths: Tensor,
    ) -> Tensor:
        ahead, back, partition = _recursions(scores, transitions, first, last, lengths)
        rows, real = torch.arange(len(scores)), _real(scores, lengths)
        ends = lengths - 1
        tags = targets.masked_fill(~real, 0)
        before, after, pairs = tags[:, :-1], tags[:, 1:], real[:, 1:]
        path = (scores.gather(2, tags[:, :, None])[:, :, 0] * real).sum(dim=1)
        path += (transitions[before, after] * pairs).sum(dim=1)
        path += first[tags[:, 0]] + last[tags[rows, ends]]
        ctx.save_for_backward(
            scores, transitions, ahead, back, partition, tags, before, after, lengths
        )
        return path - partition

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None, None]:
        scores, transitions, ahead, back, partition, tags, before, after, lengths = (
            ctx.saved_tensors
        )
        rows, real = torch.arange(len(scores)), _real(scores, lengths)
        partition = partition[:, None, None]
        expected = _probability(ahead + back - scores - partition, real[:, :, None])
        of_scores = torch.zeros_like(scores).scatter_(2, tags[:, :, None], 1.0)
        of_scores = (of_scores * real[:, :, None] - expected) * gradient[:, None, None]
        pairs = ahead[:, :-1, :, None] + transitions + back[:, 1:, None, :]
        expected = _probability(pairs - partition[..., None], real[:, 1:, None, None])
        of_pairs = -torch.einsum("btij,b->ij", expected, gradient)
        seen = (real[:, 1:] * gradient[:, None]).flatten()
        of_pairs.index_put_((before.flatten(), after.flatten()), seen, accumulate=True)
        of_first = of_scores[:, 0].sum(dim=0)
        of_last = of_scores[rows, lengths - 1].sum(dim=0)
        return of_scores, of_pairs, of_first, of_last, None, None


def _recursions(
    scores: Tensor, transitions: Tensor, first: Tensor, last: Tensor, lengths: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Log-sums over all paths to and from each tag at each step, and over all paths.

    ``ahead`` and ``back`` [batch, steps, tags] both hold the step's own score; ``partition``
    [batch]. Past a length they hold finite, meaningless numbers.
    """
    steps = torch.arange(scores.shape[1])
    mirrored = lengths[:, None] - 1 - steps
    mirror = torch.where(mirrored >= 0, mirrored, steps)[:, :, None].expand_as(scores)
    # Backwards is forwards over the mirrored row, with transposed transitions.
    both = torch.stack([scores, scores.gather(1, mirror)])  # (2, B, T, K)
    turned = torch.stack([transitions, transitions.T])[:, None]  # (2, 1, K, K)
    sums = [both[:, :, 0] + torch.stack([first, last])[:, None]]
    for t in range(1, len(steps)):
        sums.append((sums[-1][..., None] + turned).logsumexp(dim=2) + both[:, :, t])
    ahead, back = torch.stack(sums, dim=2)  # (B, T, K) each
    ends = ahead[torch.arange(len(scores)), lengths - 1] + last
    return ahead, back.gather(1, mirror), ends.logsumexp(dim=1)


def _real(scores: Tensor, lengths: Tensor) -> Tensor:
    """True for the steps within each length, bool [batch, steps]."""
    return torch.arange(scores.shape[1]) < lengths[:, None]


def _probability(logarithms: Tensor, real: Tensor) -> Tensor:
    """Probabilities, 0 past a length."""
    return logarithms.masked_fill(~real, float("-inf")).exp_()
