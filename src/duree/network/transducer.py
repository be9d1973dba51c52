"""Transducer: from one sequence to another of its own length.

An encoder reads the source in both directions; a decoder reads what is already written, and at each
step attends to the source (Bahdanau et al. 2015, Luong et al. 2015). Attention comes after the
decoder and is not fed back to it, so that in training the whole target is one call of the recurrent
layers. The output layer is tied to the embedding (Press & Wolf 2017). A copy gate (Gu et al. 2016;
See et al. 2017, eq. 9) lets the network write units of the source that it has never seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import embedding

from duree.network import kernels
from duree.network.attention import NEVER, Attention, Source
from duree.network.batches import IGNORED, Batch, Examples, batch_of
from duree.network.decoding import decode
from duree.network.kernels.rows import look_up
from duree.network.length_limit import LengthLimit
from duree.network.likelihood import log_likelihood
from duree.network.model import EMBEDDING_DEVIATION, distinct, recurrent_layers
from duree.network.network import Network, scoring_batches
from duree.network.recurrent import Recurrent, State, dropout_alike, tuple_of
from duree.recipe.settings import ModelSettings
from duree.sequences.ragged import EMPTY, END, PADDING, UNKNOWN

# A target of lower probability than this (an unseen unit that is not in the source) counts as this
# in losses, which must be finite.
LEAST = 1e-30


class Answer(NamedTuple):
    """What the decoder says at each step.

    Attributes
    ----------
    readout : float [batch, steps, embedding]
        Multiplied by the embedding of each output it gives the output's score.
    copying : float [batch, steps, source steps]
        The share of attention to each source step, if the unit is copied.
    gate : float [batch, steps]
        The probability that the unit is not copied.
    """

    readout: Tensor
    copying: Tensor
    gate: Tensor


class Transducer(Network):
    """An encoder and a decoder with attention and a copy gate.

    Parameters
    ----------
    settings : ModelSettings
        ``bidirectional`` is ignored: sources are read in both directions.
    vocabulary_size : int
        Number of known codes, shared by sources and targets; higher codes are of unseen characters.
    outputs : sequence of int
        The codes that occur in targets. Others can only be copied.
    limit : LengthLimit
    """

    outputs: Tensor
    place: Tensor

    def __init__(
        self,
        settings: ModelSettings,
        *,
        vocabulary_size: int,
        outputs: Sequence[int],
        limit: LengthLimit,
    ) -> None:
        super().__init__()
        self.settings, self.vocabulary_size, self.limit = settings, vocabulary_size, limit
        size, hidden = settings.embedding_size, settings.hidden_size
        codes = sorted({END, *(code for code in outputs if code > END)})
        # The place of each code among the outputs; the number of outputs for those that are none.
        place = torch.full((vocabulary_size + 1,), len(codes))
        place[codes] = torch.arange(len(codes))
        self.register_buffer("outputs", torch.tensor(codes), persistent=False)
        self.register_buffer("place", place, persistent=False)
        self.embeddings = nn.Parameter(torch.randn(vocabulary_size, size) * EMBEDDING_DEVIATION)
        both = settings.model_copy(update={"bidirectional": True})
        forwards = settings.model_copy(update={"bidirectional": False})
        self.encoder = recurrent_layers(both, size)
        self.decoder = recurrent_layers(forwards, size)
        self.bridge = nn.Linear(2 * hidden, self.decoder.states * settings.num_layers * hidden)
        self.attention = Attention(settings.attention, hidden, 2 * hidden)
        # The two halves of one layer of context and state (Luong et al. 2015, eq. 5). That of the
        # context is applied to the source, before attention: it is linear.
        self.of_context = nn.Linear(2 * hidden, size, bias=False)
        self.of_state = nn.Linear(hidden, size)
        self.gate = nn.Linear(size, 1) if settings.copying else None
        self.bias = nn.Parameter(torch.zeros(len(codes)))

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """The encoder's states, float [batch, steps, 2 * hidden], of codes int64 [batch, steps]."""
        return self._states(self.encoder, inputs, lengths)[0]

    def loss(self, batch: Batch) -> Tensor:
        """The mean of -log p over the units of the targets, with label smoothing.

        Rows count by ``batch.weights``. Smoothing is that of Szegedy et al. 2016, on the units that
        are not copied.
        """
        found, uniform, real = self._log_probabilities(batch)
        share = self.settings.label_smoothing if self.training else 0.0
        losses = -(1 - share) * found - share * uniform
        if batch.weights is None:
            return losses.mean()
        weights = batch.weights[:, None].expand_as(real)[real]
        return (losses * weights).sum() / weights.sum()

    def predict(self, batch: Batch) -> NDArray[np.float32]:
        """The best output of each row, float32 [batch, 2 + limit.longest].

        Its probability, its length, then its codes, 0 after the length. Greedy while the network is
        being trained, otherwise by beam search.
        """
        beam = self.settings.beam if self.criterion is None else 1
        found = np.zeros((len(batch.inputs), 2 + self.limit.longest), dtype=np.float32)
        for row, ((codes, log_probability), *_) in enumerate(decode([self], batch, beam, 1)):
            found[row, :2] = np.exp(log_probability), len(codes)
            found[row, 2 : 2 + len(codes)] = codes
        return found

    def validation_loss(self, validation: Examples, predicted: NDArray[np.float32]) -> float:
        """The mean loss per unit of the true targets, each read after the true ones before it."""
        total = weight = 0.0
        self.eval()
        with torch.no_grad():
            for rows in scoring_batches(validation.sequences):
                batch = batch_of(validation, rows)
                assert batch.target_lengths is not None
                counts = batch.target_lengths.double()
                counts = counts if batch.weights is None else counts * batch.weights
                total += float(self.loss(batch)) * float(counts.sum())
                weight += float(counts.sum())
        return total / max(weight, 1e-9)

    def log_probabilities(self, batch: Batch) -> Tensor:
        """log p of each unit of the targets, float [batch, target steps]; 0 in padding."""
        found, _, real = self._log_probabilities(batch)
        return found.new_zeros(real.shape).masked_scatter(real, found)

    def read(self, codes: Tensor, lengths: Tensor) -> tuple[Source, State]:
        """The sources as the decoder reads them, and its first states [layers, batch, hidden]."""
        memory, finals = self._states(self.encoder, codes, lengths)
        # The last layer's state after the last step in each direction.
        final = torch.cat(list(finals[0][-2:]), dim=1)  # (B, 2H)
        layers = torch.tanh(self.bridge(final)).view(len(final), -1, self.settings.hidden_size)
        states = layers.transpose(0, 1).chunk(self.decoder.states)
        real = torch.arange(codes.shape[1], device=codes.device) < lengths[:, None]
        copied = real & (codes != UNKNOWN) & (codes != EMPTY)
        source = Source(codes, real, copied, self.attention.keys(memory), self.of_context(memory))
        return source, tuple(map(Tensor.contiguous, states))

    def step(self, codes: Tensor, state: State, source: Source) -> tuple[Tensor, State]:
        """One further step of several outputs per row.

        Parameters
        ----------
        codes : int64 [batch, beams]
            The previous unit of each; END before the first.
        state : tuple of float [layers, batch * beams, hidden]
        source : Source

        Returns
        -------
        probabilities : float [batch, beams, outputs + source steps]
            Of each output, then of each source step whose code is none of the outputs.
        state
        """
        flat = codes.reshape(-1, 1)
        ones = torch.ones(len(flat), dtype=torch.int64)
        states, final = self._states(self.decoder, flat, ones, state)
        answer = self.answer(states.view(*codes.shape, -1), source)
        scores = answer.readout @ self.embeddings[self.outputs].T + self.bias
        written = torch.softmax(scores, dim=2) * answer.gate[:, :, None]
        places, beams = self._slots(source.codes), codes.shape[1]
        found = torch.cat([written, torch.zeros_like(answer.copying)], dim=2)
        copied = answer.copying * (1 - answer.gate[:, :, None])
        found.scatter_add_(2, places[:, None].expand(-1, beams, -1), copied)
        return found, final

    def code_of(self, slots: Tensor, source: Source) -> Tensor:
        """The codes of places in ``step``'s probabilities, int64 [batch, any]."""
        count = len(self.outputs)
        copied = source.codes.gather(1, (slots - count).clamp(min=0))
        return torch.where(slots < count, self.outputs[slots.clamp(max=count - 1)], copied)

    def answer(self, states: Tensor, source: Source) -> Answer:
        """What the decoder's states [batch, steps, hidden] say, with attention to the source."""
        scores = self.attention.scores(states, source.keys, source.real)
        weights = torch.softmax(scores, dim=2)  # (B, T, S)
        readout = torch.tanh(torch.bmm(weights, source.values) + self.of_state(states))
        readout = dropout_alike(readout, self.settings.output_dropout, self.training)
        if self.gate is None:
            return Answer(readout, torch.zeros_like(weights), weights.new_ones(weights.shape[:2]))
        if not torch.equal(source.copied, source.real):
            weights = torch.softmax(scores.masked_fill(~source.copied[:, None], NEVER), dim=2)
        gate = torch.sigmoid(self.gate(readout)[:, :, 0])
        return Answer(readout, weights, gate.masked_fill(~source.copied.any(1)[:, None], 1.0))

    def _log_probabilities(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """log p of each real unit and the mean log p of all outputs there, float [units]; and which
        steps are real, bool [batch, steps]."""
        assert batch.targets is not None
        targets = batch.targets
        real = targets != IGNORED
        source, state = self.read(batch.inputs, batch.lengths)
        before = torch.full_like(targets, END)
        before[:, 1:] = targets[:, :-1].masked_fill(~real[:, :-1], PADDING)
        states, _ = self._states(self.decoder, before, real.sum(1), state)
        answer = self.answer(states, source)
        place = self._places(targets[real])
        written, uniform = log_likelihood(
            answer.readout[real], self.embeddings[self.outputs], self.bias, place
        )
        is_copy = (targets[:, :, None] == source.codes[:, None]) & source.copied[:, None]
        copied = (answer.copying * is_copy).sum(2)[real]
        gate = answer.gate[real]
        chance = gate * (written.exp() * (place < len(self.outputs))) + (1 - gate) * copied
        return chance.clamp(min=LEAST).log(), uniform, real

    def _states(
        self, layers: Recurrent, codes: Tensor, lengths: Tensor, initial: State | None = None
    ) -> tuple[Tensor, State]:
        """The states of recurrent layers at each step of codes [batch, steps], and the last."""
        known = codes.masked_fill(codes >= self.vocabulary_size, UNKNOWN)
        dropout = self.settings.input_dropout if self.training else 0.0
        if self.training and self.settings.word_dropout > 0:
            hidden = torch.rand(codes.shape, device=codes.device) < self.settings.word_dropout
            known = known.masked_fill(hidden & (known > END), UNKNOWN)
        if not kernels.serves(self.embeddings):
            x = dropout_alike(embedding(known, self.embeddings), dropout, self.training)
            output, final = layers(x, lengths, initial)
        elif dropout > 0:  # a unit then differs from row to row
            x = dropout_alike(look_up(self.embeddings, known), dropout, self.training)
            output, final = layers(x, lengths, initial)
        else:
            units, places = distinct(known, self.vocabulary_size)
            projected = layers.project(self.embeddings[units])
            output, final = layers.forward_of_words(places, projected, lengths, initial)
        return output, tuple_of(final)

    def _places(self, codes: Tensor) -> Tensor:
        """The place of each code among the outputs; their number for those that are none."""
        return self.place[codes.clamp(max=self.vocabulary_size)]

    def _slots(self, codes: Tensor) -> Tensor:
        """The place of each source step in ``step``'s probabilities, int64 [batch, steps]."""
        places = self._places(codes)
        first = (codes[:, :, None] == codes[:, None]).int().argmax(2)  # of equal codes
        return torch.where(places < len(self.outputs), places, len(self.outputs) + first)
