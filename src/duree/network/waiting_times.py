"""How long until the next event: a second answer of a network that foretells which it is.

A waiting time is told as one of some classes, each of as many waits of training as ties allow, so
that nothing is supposed of their distribution; its median follows from their probabilities. The
network that foretells events is not changed: a small head reads its hidden states.
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
        Rising: class ``i`` holds waits from ``edges[i]`` up to, but without, ``edges[i + 1]``; the
        last class all that are as long as the last edge, or longer.
    longest : float
        The longest wait of training.
    """

    edges: tuple[float, ...]
    longest: float

    @classmethod
    def of(cls, waiting_times: Floats) -> Self:
        """Learn the classes from the waits of training, float64 [answers], at least one."""
        edges = np.unique(np.append(0.0, edges_of(waiting_times)))
        return cls(tuple(edges.tolist()), float(waiting_times.max()))

    def __len__(self) -> int:
        return len(self.edges)

    def codes(self, waiting_times: Floats) -> NDArray[np.int64]:
        """The class of each wait, int64."""
        return np.searchsorted(self.edges, waiting_times, side="right").astype(np.int64) - 1

    def median(self, shares: Floats) -> Floats:
        """The waits that half of the probability lies below, float64 [answers].

        Parameters
        ----------
        shares : float64 [answers, classes]
        """
        ends = np.append(self.edges, max(self.longest, self.edges[-1]))
        below = np.cumsum(shares, axis=1)
        place = np.minimum((below < 0.5).sum(axis=1), len(self) - 1)
        own = np.take_along_axis(shares, place[:, None], axis=1)[:, 0]
        before = np.take_along_axis(below, place[:, None], axis=1)[:, 0] - own
        part = np.clip((0.5 - before) / np.maximum(own, 1e-12), 0.0, 1.0)
        return np.asarray(ends[place] + part * (ends[place + 1] - ends[place]))


class WaitHead(nn.Module):
    """From a step's event, hidden state and the wait before it to the wait after it.

    Untrained it gives the shares of waits after the same event; it learns what the past adds.

    Parameters
    ----------
    hidden : int
        Size of the hidden state.
    after : float32 [tokens, classes]
        Logarithms of the shares of waits after each event.
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
        """Scores of the classes, float32 [answers, classes].

        ``states`` float32 [answers, hidden]; ``before`` int64 [answers] are classes, the number
        after the last of them where nothing came before; ``tokens`` int64 [answers] the events.
        """
        hidden: Tensor = self.first(states) + embedding(before, self.before)
        scores: Tensor = self.last(torch.tanh(hidden))
        return scores + embedding(tokens, self.after)


# Hidden states float32 [answers, hidden]; the class of the wait before, the token of the event, and
# the class of the wait itself, int64 [answers] each.
Steps = tuple[Tensor, Tensor, Tensor, Tensor]


def train_waiting_times(train: Steps, validation: Steps, after: Tensor, seed: int) -> WaitHead:
    """Learn to tell waits; what the validation steps surprise least is kept.

    ``after`` is where it begins: see ``WaitHead``.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = WaitHead(train[0].shape[1], after)
        optimiser = torch.optim.Adam(head.parameters(), lr=LEARNING_RATE)
        best_weights, best, stale = _copy(head), _surprise(head, validation), 0
        for _ in range(EPOCHS):
            for rows in torch.split(torch.randperm(len(train[0])), BATCH):
                *read, came = (part[rows] for part in train)
                optimiser.zero_grad()
                torch.autograd.backward(cross_entropy(head(*read), came))
                optimiser.step()
            figure = _surprise(head, validation)
            stale += 1
            if figure < best:
                best_weights, best, stale = _copy(head), figure, 0
            if stale >= PATIENCE:
                break
    head.load_state_dict(best_weights)
    return head.eval()


def _surprise(head: WaitHead, steps: Steps) -> float:
    with torch.inference_mode():
        return float(cross_entropy(head(*steps[:3]), steps[3]))


def _copy(head: WaitHead) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in head.state_dict().items()}
