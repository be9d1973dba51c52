"""SequenceModel: embedding → recurrent layers → pooling → one linear layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from duree.network import kernels
from duree.network.chrono_init import remember
from duree.network.kernels.rows import look_up
from duree.network.network import Network
from duree.network.pooling import make_pooling
from duree.network.recurrent import GRU, LSTM, RNN, Recurrent, dropout_alike
from duree.network.step_embedding import StepEmbedding
from duree.recipe.settings import ModelSettings
from duree.sequences.ragged import PADDING, UNKNOWN

CELLS: dict[str, type[Recurrent]] = {"gru": GRU, "lstm": LSTM, "rnn": RNN}

# Near the scale of the states, so that neither dominates when training begins.
EMBEDDING_DEVIATION = 0.1


class SequenceModel(Network):
    """A recurrent network from sequences to scores.

    Parameters
    ----------
    settings : ModelSettings
    vocabulary_size : int or None
        Number of token indices; None where the input is numeric.
    channels : int or None
        Channels of a numeric input; None where the input is tokens.
    outputs : int
        Number of scores per row.
    step_features : sequence of (int, bool)
        For each feature of the steps the number of its classes, and whether they are ordered.
    """

    def __init__(
        self,
        settings: ModelSettings,
        *,
        vocabulary_size: int | None = None,
        channels: int | None = None,
        outputs: int,
        step_features: Sequence[tuple[int, bool]] = (),
    ) -> None:
        super().__init__()
        self.settings = settings
        self.embedding: nn.Embedding | None = None
        self.table: list[Tensor] | None = None
        if vocabulary_size is not None:
            self.embedding = nn.Embedding(vocabulary_size, settings.embedding_size, PADDING)
            nn.init.normal_(self.embedding.weight, std=EMBEDDING_DEVIATION)
            nn.init.zeros_(self.embedding.weight.data[PADDING])
        self.step_features = (
            StepEmbedding(step_features, settings.embedding_size) if step_features else None
        )
        self.recurrent = recurrent_layers(
            settings, settings.embedding_size if channels is None else channels
        )
        size = settings.hidden_size * self.recurrent.directions
        self.pooling = make_pooling(settings.pooling, size, self.recurrent.directions)
        self.head = nn.Linear(size, outputs)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Scores float [batch, outputs].

        ``values`` are tokens int64 [batch, steps], or [batch, steps, 1 + features] with the classes
        of step features, or numbers float [batch, steps, channels]; ``lengths`` int64 [batch].
        Values past a row's length are ignored.
        """
        if values.shape[1] == 0:  # pooling needs a step, even if it is padding
            values = values.new_zeros(len(values), 1, *values.shape[2:])
        return self.answer(self.states(values, lengths), lengths)

    @property
    def word_table(self) -> nn.Embedding | None:
        return self.embedding

    def answer(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Scores [batch, outputs] from hidden states [batch, steps, directions * hidden]."""
        pooled: Tensor = self.pooling(states, lengths)  # (B, D*H)
        if self.training:
            pooled = dropout_alike(pooled[:, None], self.settings.output_dropout, True)[:, 0]
        scores: Tensor = self.head(pooled)
        return scores

    def summary(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Each sequence as one vector: its pooled hidden states, [batch, directions * hidden]."""
        pooled: Tensor = self.pooling(self.states(values, lengths), lengths)
        return pooled

    def vectors(self, values: Tensor) -> Tensor:
        """The input of the recurrent layers: word vectors [batch, steps, size], or numbers."""
        if self.embedding is None:
            return values
        if self.step_features is None:
            vectors: Tensor = self.embedding(values)
            return vectors
        others: Tensor = self.step_features(values[:, :, 1:])
        return self._words(values[:, :, 0]) + others

    def states(self, values: Tensor, lengths: Tensor) -> Tensor:
        """The hidden states of all steps, float [batch, steps, directions * hidden]."""
        recurrent, dropout = self.recurrent, self.settings.input_dropout
        if self.embedding is None:
            return recurrent.hidden_states(dropout_alike(values, dropout, self.training), lengths)
        if self.table is not None:
            return recurrent.hidden_states_of_words(values, self.table, lengths)
        if self.training and self.settings.word_dropout > 0:
            values = self._with_words_hidden(values)
        if self.step_features is not None or not kernels.serves(self.embedding.weight):
            x = dropout_alike(self.vectors(values), dropout, self.training)
            return recurrent.hidden_states(x, lengths)
        words, places = distinct(values, self.embedding.num_embeddings)
        vectors = self.embedding(words)  # (W, I)
        if self.training and dropout > 0:  # a word then differs from sequence to sequence
            x = dropout_alike(look_up(vectors, places), dropout, self.training)
            return recurrent.hidden_states(x, lengths)
        return recurrent.hidden_states_of_words(places, recurrent.project(vectors), lengths)

    def _words(self, tokens: Tensor) -> Tensor:
        """The vectors of words, with one gradient for all occurrences of a word."""
        assert self.embedding is not None
        if not kernels.serves(self.embedding.weight):
            plain: Tensor = self.embedding(tokens)
            return plain
        words, places = distinct(tokens, self.embedding.num_embeddings)
        return look_up(self.embedding(words), places)

    def _with_words_hidden(self, values: Tensor) -> Tensor:
        """The values with some words replaced by the unknown word."""
        tokens = values if values.ndim == 2 else values[:, :, 0]
        hidden = torch.rand(tokens.shape, device=tokens.device) < self.settings.word_dropout
        tokens = tokens.masked_fill(hidden & (tokens != PADDING), UNKNOWN)
        return tokens if values.ndim == 2 else torch.cat([tokens[:, :, None], values[:, :, 1:]], 2)


def recurrent_layers(settings: ModelSettings, input_size: int) -> Recurrent:
    """The recurrent layers that the settings describe, for inputs of ``input_size`` numbers."""
    layers = CELLS[settings.cell](
        input_size,
        settings.hidden_size,
        settings.num_layers,
        settings.bidirectional,
        settings.layer_dropout,
        settings.recurrent_dropout,
    )
    if settings.memory is not None:
        remember(layers, settings.memory)
    return layers


@contextmanager
def tabulated(model: nn.Module, tokens: int) -> Iterator[None]:
    """Within the context, words are projected once for all batches, if ``tokens`` justifies it.

    The projection of a word does not depend on its position. Weights must not change meanwhile.
    """
    networks = [
        (network, network.embedding.weight)
        for network in model.modules()
        if isinstance(network, SequenceModel)
        and network.embedding is not None
        and network.step_features is None  # with them a word differs from step to step
        and network.table is None  # otherwise an outer context made it and removes it
        and tokens >= network.embedding.num_embeddings
        and kernels.serves(network.embedding.weight)
    ]
    for network, words in networks:
        network.table = network.recurrent.project(words)
    try:
        yield
    finally:
        for network, _ in networks:
            network.table = None


def distinct(tokens: Tensor, vocabulary_size: int) -> tuple[Tensor, Tensor]:
    """The distinct words in ascending order, int64 [words], and the index of each token."""
    occurs = torch.zeros(vocabulary_size, dtype=torch.bool)
    occurs[tokens] = True
    words = occurs.nonzero()[:, 0]
    place = torch.empty(vocabulary_size, dtype=torch.int64)
    place[words] = torch.arange(len(words))
    return words, place[tokens]
