"""Hard monotonic attention: each unit is written from one step of the source, never going back.

The step is not observed: its probability is summed over, exactly, as in a hidden Markov model (Wu &
Cotterell 2019, "Exact hard monotonic attention"). Moves by so many steps have a learned score as
well, as in the alignment model of Vogel et al. 1996, so that little data suffices. For spelling,
sounds and forms of words: time and memory are those of a softmax for each unit and each step.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.utils.checkpoint import checkpoint

from duree.network.attention import NEVER, Source
from duree.network.batches import IGNORED
from duree.network.output_layer import log_likelihood
from duree.network.recurrent import State, dropout_alike
from duree.network.writer import LEAST, Writer, is_copy
from duree.recipe.settings import ModelSettings
from duree.sequences.ragged import END

# The first scores of moves by 0, 1, ... steps, the last for all longer moves: mostly one step.
MOVES = (0.0, 2.0, 0.0, -1.0, -2.0)
# Numbers of the recursion in memory at once, 400 MB: only rows far longer than words need more.
MOST_NUMBERS = 100_000_000
# Gradients of the probability of a step, at most. What follows may favour a step of probability 0
# over all others by more than float32 holds, and infinity times 0 would be no number.
MOST_GRADIENT = 1e18


class MonotonicWriter(Writer):
    """Writes each unit from one step of the source, not before that of the previous unit.

    ``carried`` is one tensor [source steps, batch * beams, outputs + 1]: the probability that the
    previous unit was written from a step and is one of the outputs, or is copied from there.
    """

    def __init__(
        self, settings: ModelSettings, vocabulary_size: int, outputs: Sequence[int]
    ) -> None:
        super().__init__(settings, vocabulary_size, outputs, "dot")
        self.moves = nn.Parameter(torch.tensor(MOVES))

    def begin(self, source: Source) -> State:
        """As if END had been written from the first step."""
        rows, steps = source.codes.shape
        before = self.bias.new_zeros(steps, rows, len(self.outputs) + 1)
        before[0, :, self.place[END]] = 1.0
        return (before,)

    def log_probabilities(
        self, states: Tensor, source: Source, targets: Tensor, vectors: Tensor
    ) -> tuple[Tensor, Tensor]:
        found, uniform, priors, _ = self._forward(states, source, targets, vectors)
        real = targets != IGNORED
        return found[real].clamp(min=LEAST).log(), (uniform * priors).sum(2)[real]

    def attended(self, states: Tensor, source: Source, targets: Tensor, vectors: Tensor) -> Tensor:
        """The probability that each target was written from each step, given those before it."""
        return self._forward(states, source, targets, vectors)[3]

    def _forward(
        self, states: Tensor, source: Source, targets: Tensor, vectors: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """``_recursion``, of a few rows at a time where all of them would fill the memory."""
        (rows, units), steps = targets.shape, source.codes.shape[1]
        a_row = units * steps * (steps + vectors.shape[1] + len(vectors))
        size = max(1, MOST_NUMBERS // max(a_row, 1))
        if size >= rows:
            return self._recursion(states, source, targets, vectors)
        places = torch.split(torch.arange(rows, device=targets.device), size)
        parts = [self._piece(states, source, targets, vectors, some) for some in places]
        found, uniform, priors, posteriors = map(torch.cat, zip(*parts, strict=True))
        return found, uniform, priors, posteriors

    def _piece(
        self, states: Tensor, source: Source, targets: Tensor, vectors: Tensor, rows: Tensor
    ) -> list[Tensor]:
        """``_recursion`` of some rows, computed without their padding and again for gradients."""
        width, length = targets.shape[1], source.codes.shape[1]
        units = int((targets[rows] != IGNORED).sum(1).max())
        steps = int(source.real[rows].sum(1).max())
        some = Source(*(tensor[rows, :steps] for tensor in source))
        found, *others = checkpoint(
            self._recursion,
            states[rows, :units],
            some,
            targets[rows, :units],
            vectors,
            use_reentrant=False,
        )
        return [
            pad(found, (0, width - units)),
            *(pad(each, (0, length - steps, 0, width - units)) for each in others),
        ]

    def _recursion(
        self, states: Tensor, source: Source, targets: Tensor, vectors: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The forward recursion of hidden Markov models.

        Returns
        -------
        found : float [batch, steps]
            The probability of each target.
        uniform, priors, posteriors : float [batch, steps, source steps]
            The mean log p of all outputs at each step of the source, and its probability before and
            after the target is known.
        """
        readout, gate = self._read(states, source)  # (B, T, S, E), (B, T, S)
        place = self.places(targets)
        each = place[:, :, None].expand_as(gate)
        written, uniform = log_likelihood(readout.flatten(0, 2), vectors, self.bias, each.flatten())
        chance = gate * written.exp().view_as(gate) * (each < len(self.outputs))
        if self.gate is not None:
            chance = chance + (1 - gate) * is_copy(targets, source)
        moves = self._moves(states, source)  # (B, T, S, S)
        at = chance.new_zeros(len(targets), 1, chance.shape[2])
        at[:, 0, 0] = 1.0
        found, priors, posteriors = [], [], []
        for step in range(targets.shape[1]):
            prior = torch.bmm(at, moves[:, step])  # (B, 1, S)
            joint = _bounded(prior * chance[:, step, None])
            total = joint.sum(2, keepdim=True)
            # After a unit that cannot be written, as if nothing were known of its step.
            at = _bounded(torch.where(total > LEAST, joint / total.clamp(min=LEAST), prior))
            found.append(total[:, 0])
            priors.append(prior)
            posteriors.append(at)
        before, after = torch.cat(priors, dim=1), torch.cat(posteriors, dim=1)
        return torch.cat(found, dim=1), uniform.view_as(gate), before, after

    def step(
        self, states: Tensor, codes: Tensor, carried: State, source: Source, vectors: Tensor
    ) -> tuple[Tensor, State]:
        at = self._at(codes, carried[0], source)  # (B, K, S)
        prior = torch.matmul(at[:, :, None], self._moves(states, source))[:, :, 0]
        readout, gate = self._read(states, source)
        chances = torch.softmax(readout @ vectors.T + self.bias, dim=3)  # (B, K, S, O)
        written = chances * (prior * gate)[:, :, :, None]
        copied = prior * (1 - gate)
        joint = torch.cat([written, copied[:, :, :, None]], dim=3)
        found = self.joined(written.sum(2), copied, source)
        return found, (joint.flatten(0, 1).transpose(0, 1).contiguous(),)

    def _read(self, states: Tensor, source: Source) -> tuple[Tensor, Tensor]:
        """The readout at each pair of steps, float [batch, steps, source steps, embedding], and the
        probability that the unit is no copy."""
        readout = torch.tanh(self.of_state(states)[:, :, None] + source.values[:, None])
        flat = dropout_alike(readout.flatten(1, 2), self.dropout, self.training)
        readout = flat.view_as(readout)
        if self.gate is None:
            return readout, readout.new_ones(readout.shape[:3])
        gate = torch.sigmoid(self.gate(readout)[:, :, :, 0])
        return readout, gate.masked_fill(~source.copied[:, None], 1.0)

    def _moves(self, states: Tensor, source: Source) -> Tensor:
        """The probability to go from each step to each, [batch, steps, source steps, the same]."""
        scores = self.attention.scores(states, source.keys, source.real)
        steps = torch.arange(scores.shape[2], device=scores.device)
        by = steps - steps[:, None]
        moved = scores[:, :, None] + self.moves[by.clamp(0, len(MOVES) - 1)]
        return torch.softmax(moved.masked_fill(by < 0, NEVER), dim=3)

    def _at(self, codes: Tensor, joint: Tensor, source: Source) -> Tensor:
        """The probability that each previous unit was written from each step, [batch, beams, source
        steps]."""
        steps, count = source.codes.shape[1], len(self.outputs)
        place = self.places(codes)
        joint = joint.view(steps, *codes.shape, count + 1)
        chosen = place.clamp(max=count - 1).expand(steps, -1, -1)[:, :, :, None]
        written = joint[..., :count].gather(3, chosen)[..., 0] * (place < count)
        copied = joint[..., count] * (source.codes.T[:, :, None] == codes)
        at = (written + copied).permute(1, 2, 0)
        return at / at.sum(2, keepdim=True).clamp(min=LEAST)


def _bounded(chances: Tensor) -> Tensor:
    """The same, with gradients of at most ``MOST_GRADIENT``."""
    if chances.requires_grad:
        chances.register_hook(  # type: ignore[no-untyped-call]
            lambda gradient: gradient.clamp(-MOST_GRADIENT, MOST_GRADIENT)
        )
    return chances
