"""Waiting times until the next event, predicted from the states of a network for the next event.

Waiting times are divided into classes of about equal frequency in training, without assumptions on
their distribution; the median follows from the class probabilities. The network for events is not
changed: a small head reads its hidden states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding

from duree.network.model import EMBEDDING_DEVIATION
from duree.sequences.step_features import edges_of

HIDDEN, BATCH, EPOCHS, PATIENCE, LEARNING_RATE = 32, 1024, 20, 3, 0.005

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WaitClasses:
    """Classes of waiting times.

    Attributes
    ----------
    edges : tuple of float
        Ascending: class ``i`` contains times from ``edges[i]`` to ``edges[i + 1]``, exclusive; the
        last class all from the last edge on.
    longest : float
        The longest waiting time in training.
    """

    edges: tuple[float, ...]
    longest: float

    @classmethod
    def of(cls, waiting_times: Floats) -> Self:
        """The classes of the waiting times in training, float64 [events], at least one."""
        edges = np.unique(np.append(0.0, edges_of(waiting_times)))
        return cls(tuple(edges.tolist()), float(waiting_times.max()))

    def __len__(self) -> int:
        return len(self.edges)

    def codes(self, waiting_times: Floats) -> NDArray[np.int64]:
        """The class of each waiting time, int64."""
        return np.searchsorted(self.edges, waiting_times, side="right").astype(np.int64) - 1

    def median(self, shares: Floats) -> Floats:
        """The median waiting times, float64 [events].

        Parameters
        ----------
        shares : float64 [events, classes]
        """
        ends = np.append(self.edges, max(self.longest, self.edges[-1]))
        below = np.cumsum(shares, axis=1)
        place = np.minimum((below < 0.5).sum(axis=1), len(self) - 1)
        own = np.take_along_axis(shares, place[:, None], axis=1)[:, 0]
        before = np.take_along_axis(below, place[:, None], axis=1)[:, 0] - own
        part = np.clip((0.5 - before) / np.maximum(own, 1e-12), 0.0, 1.0)
        return np.asarray(ends[place] + part * (ends[place + 1] - ends[place]))


class WaitHead(nn.Module):
    """Scores of the next waiting time, from the event, its hidden state and the previous one.

    Untrained it gives the distribution after the same event; training adds the effect of history.

    Parameters
    ----------
    hidden : int
        Size of the hidden state.
    after : float32 [tokens, classes]
        Logarithms of the class shares after each event.
    """

    def __init__(self, hidden: int, after: Tensor) -> None:
        super().__init__()
        classes = after.shape[1]
        self.after = nn.Parameter(after.clone())
        self.before = nn.Parameter(torch.randn(classes + 1, HIDDEN) * EMBEDDING_DEVIATION)
        self.first = nn.Linear(hidden, HIDDEN)
        self.last = nn.Linear(HIDDEN, classes)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, states: Tensor, before: Tensor, tokens: Tensor) -> Tensor:
        """Scores of the classes, float32 [events, classes].

        ``states`` float32 [events, hidden]; ``before`` int64 [events]: the classes of the previous
        waiting times, or the number of classes if there is none; ``tokens`` int64 [events].
        """
        hidden: Tensor = self.first(states) + embedding(before, self.before)
        scores: Tensor = self.last(torch.tanh(hidden))
        return scores + embedding(tokens, self.after)


# Hidden states float32 [events, hidden]; the class of the previous waiting time, the token of the
# event, and the class of the waiting time after it, int64 [events] each.
Steps = tuple[Tensor, Tensor, Tensor, Tensor]


def train_waiting_times(train: Steps, validation: Steps, after: Tensor, seed: int) -> WaitHead:
    """Train a head; returns the one with the least loss on the validation steps.

    ``after`` is its initial distribution: see ``WaitHead``.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = WaitHead(train[0].shape[1], after)
        optimiser = torch.optim.Adam(head.parameters(), lr=LEARNING_RATE)
        best_weights, best, stale = _copy(head), _mean_loss(head, validation), 0
        for _ in range(EPOCHS):
            for rows in torch.split(torch.randperm(len(train[0])), BATCH):
                *read, came = (part[rows] for part in train)
                optimiser.zero_grad()
                torch.autograd.backward(cross_entropy(head(*read), came))
                optimiser.step()
            figure = _mean_loss(head, validation)
            stale += 1
            if figure < best:
                best_weights, best, stale = _copy(head), figure, 0
            if stale >= PATIENCE:
                break
    head.load_state_dict(best_weights)
    return head.eval()


def _mean_loss(head: WaitHead, steps: Steps) -> float:
    with torch.inference_mode():
        return float(cross_entropy(head(*steps[:3]), steps[3]))


def _copy(head: WaitHead) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in head.state_dict().items()}
