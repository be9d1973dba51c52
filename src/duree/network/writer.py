"""Writers: from a decoder's states and a source to the probability of each unit of an output.

A unit is one of the outputs that occur in training, or a copy of a step of the source (Gu et al.
2016; See et al. 2017, eq. 9), and both may be the same unit. The output layer is tied to the
embedding (Press & Wolf 2017).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from duree.network.attention import NEVER, Attention, Source
from duree.network.batches import IGNORED
from duree.network.output_layer import log_likelihood
from duree.network.recurrent import State, dropout_alike
from duree.recipe.settings import ModelSettings
from duree.sequences.ragged import EMPTY, END, UNKNOWN

# A target of lower probability than this (an unseen unit that is not in the source) counts as this,
# since losses must be finite.
LEAST = 1e-30


class Writer(nn.Module, ABC):
    """What all writers share: the outputs, attention, readout and copy gate.

    Parameters
    ----------
    settings : ModelSettings
    vocabulary_size : int
        Number of known codes; higher ones are of unseen characters, and can only be copied.
    outputs : sequence of int
        The codes that occur in targets; END is always among them.
    attention : {"dot", "additive"}
    """

    outputs: Tensor
    place: Tensor

    def __init__(
        self,
        settings: ModelSettings,
        vocabulary_size: int,
        outputs: Sequence[int],
        attention: str,
    ) -> None:
        super().__init__()
        hidden, size = settings.hidden_size, settings.embedding_size
        codes = sorted({END, *(code for code in outputs if code > END)})
        # The place of each code among the outputs; their number for those that are none.
        place = torch.full((vocabulary_size + 1,), len(codes))
        place[codes] = torch.arange(len(codes))
        self.register_buffer("outputs", torch.tensor(codes), persistent=False)
        self.register_buffer("place", place, persistent=False)
        self.vocabulary_size, self.dropout = vocabulary_size, settings.output_dropout
        self.attention = Attention(attention, hidden, 2 * hidden)
        # The two halves of one layer of context and state (Luong et al. 2015, eq. 5). That of the
        # context is linear, so it is applied to the source once, before attention.
        self.of_context = nn.Linear(2 * hidden, size, bias=False)
        self.of_state = nn.Linear(hidden, size)
        self.gate = nn.Linear(size, 1) if settings.copying else None
        self.bias = nn.Parameter(torch.zeros(len(codes)))

    def source(self, codes: Tensor, lengths: Tensor, memory: Tensor) -> Source:
        """What is read of sources int64 [batch, steps] with states [batch, steps, 2 * hidden]."""
        real = torch.arange(codes.shape[1], device=codes.device) < lengths[:, None]
        copied = real & (codes != UNKNOWN) & (codes != EMPTY)
        return Source(codes, real, copied, self.attention.keys(memory), self.of_context(memory))

    def begin(self, source: Source) -> State:
        """What ``step`` carries besides the decoder's state, before the first unit."""
        return ()

    @abstractmethod
    def log_probabilities(
        self, states: Tensor, source: Source, targets: Tensor, vectors: Tensor
    ) -> tuple[Tensor, Tensor]:
        """log p of each real target, and the mean log p of all outputs there: float [units] each.

        Parameters
        ----------
        states : float [batch, steps, hidden]
            The decoder's, which has read the targets before each step.
        source : Source
        targets : int64 [batch, steps]
            Padded with IGNORED.
        vectors : float [outputs, embedding]
            The embedding of each output.
        """

    @abstractmethod
    def attended(self, states: Tensor, source: Source, targets: Tensor, vectors: Tensor) -> Tensor:
        """The weight of each step of the source at each target, [batch, steps, source steps]."""

    @abstractmethod
    def step(
        self, states: Tensor, codes: Tensor, carried: State, source: Source, vectors: Tensor
    ) -> tuple[Tensor, State]:
        """The probability of each way to continue several outputs per row.

        Parameters
        ----------
        states : float [batch, beams, hidden]
        codes : int64 [batch, beams]
            The previous unit of each.
        carried : tuple of float [any, batch * beams, any]
        source : Source
        vectors : float [outputs, embedding]

        Returns
        -------
        probabilities : float [batch, beams, outputs + source steps]
            Of each output, then of each source step whose code is none of the outputs.
        carried
        """

    def code_of(self, slots: Tensor, source: Source) -> Tensor:
        """The codes of places in ``step``'s probabilities, int64 [batch, any]."""
        count = len(self.outputs)
        copied = source.codes.gather(1, (slots - count).clamp(min=0))
        return torch.where(slots < count, self.outputs[slots.clamp(max=count - 1)], copied)

    def places(self, codes: Tensor) -> Tensor:
        """The place of each code among the outputs; their number for those that are none."""
        return self.place[codes.clamp(0, self.vocabulary_size)]

    def joined(self, written: Tensor, copied: Tensor, source: Source) -> Tensor:
        """The probabilities of ``step``: of outputs [batch, beams, outputs], and of copies of each
        source step [batch, beams, source steps], added up by code."""
        codes, count = source.codes, len(self.outputs)
        places = self.places(codes)
        first = (codes[:, :, None] == codes[:, None]).int().argmax(2)  # of equal codes
        slots = torch.where(places < count, places, count + first)
        found = torch.cat([written, torch.zeros_like(copied)], dim=2)
        return found.scatter_add_(2, slots[:, None].expand_as(copied), copied)


class SoftWriter(Writer):
    """Reads the mean of the source, weighted by attention (Luong et al. 2015)."""

    def log_probabilities(
        self, states: Tensor, source: Source, targets: Tensor, vectors: Tensor
    ) -> tuple[Tensor, Tensor]:
        real = targets != IGNORED
        readout, copying, gate = self._read(states, source)
        place = self.places(targets[real])
        written, uniform = log_likelihood(readout[real], vectors, self.bias, place)
        chance = gate[real] * written.exp() * (place < len(self.outputs))
        if self.gate is not None:
            copied = (copying * is_copy(targets, source)).sum(2)
            chance = chance + (1 - gate[real]) * copied[real]
        return chance.clamp(min=LEAST).log(), uniform

    def attended(self, states: Tensor, source: Source, targets: Tensor, vectors: Tensor) -> Tensor:
        return torch.softmax(self.attention.scores(states, source.keys, source.real), dim=2)

    def step(
        self, states: Tensor, codes: Tensor, carried: State, source: Source, vectors: Tensor
    ) -> tuple[Tensor, State]:
        readout, copying, gate = self._read(states, source)
        written = torch.softmax(readout @ vectors.T + self.bias, dim=2) * gate[:, :, None]
        return self.joined(written, copying * (1 - gate[:, :, None]), source), carried

    def _read(self, states: Tensor, source: Source) -> tuple[Tensor, Tensor, Tensor]:
        """What the states [batch, steps, hidden] read of the source.

        Returns
        -------
        readout : float [batch, steps, embedding]
            Multiplied by the vector of each output it gives the output's score.
        copying : float [batch, steps, source steps]
            Which step is copied, if the unit is a copy.
        gate : float [batch, steps]
            The probability that it is no copy.
        """
        scores = self.attention.scores(states, source.keys, source.real)
        weights = torch.softmax(scores, dim=2)
        readout = torch.tanh(torch.bmm(weights, source.values) + self.of_state(states))
        readout = dropout_alike(readout, self.dropout, self.training)
        if self.gate is None:
            return readout, torch.zeros_like(weights), weights.new_ones(weights.shape[:2])
        if not torch.equal(source.copied, source.real):
            weights = torch.softmax(scores.masked_fill(~source.copied[:, None], NEVER), dim=2)
        gate = torch.sigmoid(self.gate(readout)[:, :, 0])
        return readout, weights, gate.masked_fill(~source.copied.any(1)[:, None], 1.0)


def is_copy(targets: Tensor, source: Source) -> Tensor:
    """Whether each target is the unit of each source step, bool [batch, steps, source steps]."""
    return (targets[:, :, None] == source.codes[:, None]) & source.copied[:, None]
