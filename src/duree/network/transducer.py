"""Transducer: from one sequence to another of its own length.

An encoder reads the source in both directions; a decoder reads what is already written (Cho et al.
2014), and a writer attends to the source and gives the next unit. Attention is not fed back to the
decoder, so that in training the whole target is one call of the recurrent layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import embedding

from duree.network import kernels
from duree.network.attention import Source
from duree.network.batches import IGNORED, Batch, Examples, batch_of
from duree.network.decoding import decode
from duree.network.kernels.rows import look_up
from duree.network.length_limit import LengthLimit
from duree.network.model import EMBEDDING_DEVIATION, distinct, recurrent_layers
from duree.network.monotonic_writer import MonotonicWriter
from duree.network.network import Network, scoring_batches
from duree.network.recurrent import Recurrent, State, dropout_alike, tuple_of
from duree.network.writer import SoftWriter, Writer
from duree.recipe.settings import ModelSettings
from duree.sequences.padded_outputs import padded_outputs
from duree.sequences.ragged import END, PADDING, UNKNOWN


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

    decodes: ClassVar[bool] = True

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
        self.embeddings = nn.Parameter(torch.randn(vocabulary_size, size) * EMBEDDING_DEVIATION)
        both = settings.model_copy(update={"bidirectional": True})
        forwards = settings.model_copy(update={"bidirectional": False})
        self.encoder = recurrent_layers(both, size)
        self.decoder = recurrent_layers(forwards, size)
        self.bridge = nn.Linear(2 * hidden, self.decoder.states * settings.num_layers * hidden)
        self.writer: Writer = (
            MonotonicWriter(settings, vocabulary_size, outputs)
            if settings.attention == "monotonic"
            else SoftWriter(settings, vocabulary_size, outputs, settings.attention)
        )

    @property
    def members(self) -> list[Transducer]:
        """The networks that write together: see ``Ensemble``."""
        return [self]

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
        return best_outputs([self], batch, self.settings.beam if self.criterion is None else 1)

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

    def attended(self, batch: Batch) -> Tensor:
        """The attention to each step of the source at each unit of the targets, float [batch,
        target steps, source steps]; it adds up to 1."""
        assert batch.targets is not None
        states, source = self._states_of_targets(batch, batch.targets)
        vectors = self.embeddings[self.writer.outputs]
        return self.writer.attended(states, source, batch.targets, vectors)

    def read(self, codes: Tensor, lengths: Tensor) -> tuple[Source, State]:
        """The sources as they are read, and the states before the first unit."""
        memory, finals = self._states(self.encoder, codes, lengths)
        # The last layer's state after the last step in each direction.
        final = torch.cat(list(finals[0][-2:]), dim=1)  # (B, 2H)
        layers = torch.tanh(self.bridge(final)).view(len(final), -1, self.settings.hidden_size)
        states = layers.transpose(0, 1).chunk(self.decoder.states)
        source = self.writer.source(codes, lengths, memory)
        return source, (*map(Tensor.contiguous, states), *self.writer.begin(source))

    def step(self, codes: Tensor, state: State, source: Source) -> tuple[Tensor, State]:
        """One further step of several outputs per row.

        Parameters
        ----------
        codes : int64 [batch, beams]
            The previous unit of each; END before the first.
        state : tuple of float [any, batch * beams, any]
            As ``read`` or the previous step returned it.
        source : Source

        Returns
        -------
        probabilities : float [batch, beams, outputs + source steps]
            Of each output, then of each source step whose code is none of the outputs.
        state
        """
        flat = codes.reshape(-1, 1)
        ones = torch.ones(len(flat), dtype=torch.int64)
        own = self.decoder.states
        states, final = self._states(self.decoder, flat, ones, state[:own])
        states = states.view(*codes.shape, -1)
        vectors = self.embeddings[self.writer.outputs]
        found, carried = self.writer.step(states, codes, state[own:], source, vectors)
        return found, (*final, *carried)

    def code_of(self, slots: Tensor, source: Source) -> Tensor:
        """The codes of places in ``step``'s probabilities, int64 [batch, any]."""
        return self.writer.code_of(slots, source)

    def _log_probabilities(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """log p of each real unit and the mean log p of all outputs there, float [units]; and which
        steps are real, bool [batch, steps]."""
        assert batch.targets is not None
        states, source = self._states_of_targets(batch, batch.targets)
        vectors = self.embeddings[self.writer.outputs]
        found, uniform = self.writer.log_probabilities(states, source, batch.targets, vectors)
        return found, uniform, batch.targets != IGNORED

    def _states_of_targets(self, batch: Batch, targets: Tensor) -> tuple[Tensor, Source]:
        """The decoder's state before each unit of the targets, and the sources."""
        real = targets != IGNORED
        source, state = self.read(batch.inputs, batch.lengths)
        before = torch.full_like(targets, END)
        before[:, 1:] = targets[:, :-1].masked_fill(~real[:, :-1], PADDING)
        own = state[: self.decoder.states]
        return self._states(self.decoder, before, real.sum(1), own)[0], source

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


def best_outputs(networks: Sequence[Transducer], batch: Batch, beam: int) -> NDArray[np.float32]:
    """The best output of each row by networks together, float32 [batch, 2 + limit.longest]."""
    best = (row[0] for row in decode(networks, batch, beam, 1))
    outputs = [(codes, float(np.exp(log_probability))) for codes, log_probability in best]
    return padded_outputs(outputs, networks[0].limit.longest).astype(np.float32)
