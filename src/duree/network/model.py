"""SequenceModel: embedding → recurrent layers → pooling → one linear layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from duree.network.pooling import make_pooling
from duree.network.recurrent import GRU, LSTM, RNN, Recurrent, dropout_alike
from duree.recipe import ModelSettings
from duree.sequences.ragged import PADDING, UNKNOWN

CELLS: dict[str, type[Recurrent]] = {"gru": GRU, "lstm": LSTM, "rnn": RNN}

# Near the size of the states, so that neither drowns the other when training begins.
EMBEDDING_DEVIATION = 0.1


class SequenceModel(nn.Module):
    """A recurrent network from sequences to scores.

    Parameters
    ----------
    settings : ModelSettings
    vocabulary_size : int or None
        Number of token indices; None where the input is numeric.
    channels : int or None
        Channels of a numeric input; None where the input is tokens.
    outputs : int
        Scores for each row.
    """

    def __init__(
        self,
        settings: ModelSettings,
        *,
        vocabulary_size: int | None = None,
        channels: int | None = None,
        outputs: int,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.embedding: nn.Embedding | None = None
        if vocabulary_size is not None:
            self.embedding = nn.Embedding(vocabulary_size, settings.embedding_size, PADDING)
            nn.init.normal_(self.embedding.weight, std=EMBEDDING_DEVIATION)
            nn.init.zeros_(self.embedding.weight.data[PADDING])
        self.recurrent = CELLS[settings.cell](
            settings.embedding_size if channels is None else channels,
            settings.hidden_size,
            settings.num_layers,
            settings.bidirectional,
            settings.layer_dropout,
            settings.recurrent_dropout,
        )
        size = settings.hidden_size * self.recurrent.directions
        self.pooling = make_pooling(settings.pooling, size, self.recurrent.directions)
        self.head = nn.Linear(size, outputs)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Scores float [batch, outputs].

        ``values`` are tokens int64 [batch, steps] or numbers float [batch, steps, channels];
        ``lengths`` int64 [batch]. What stands past a row's length never matters.
        """
        settings = self.settings
        if values.shape[1] == 0:  # poolings need a step to look at, be it padding
            values = values.new_zeros(len(values), 1, *values.shape[2:])
        x = self._embed(values)  # (B, T, I)
        x = dropout_alike(x, settings.input_dropout, self.training)
        states = self.recurrent.hidden_states(x, lengths)  # (B, T, D*H)
        pooled: Tensor = self.pooling(states, lengths)  # (B, D*H)
        pooled = dropout_alike(pooled[:, None], settings.output_dropout, self.training)[:, 0]
        scores: Tensor = self.head(pooled)
        return scores

    def _embed(self, values: Tensor) -> Tensor:
        if self.embedding is None:
            return values
        if self.training and self.settings.word_dropout > 0:
            hidden = torch.rand(values.shape, device=values.device) < self.settings.word_dropout
            values = values.masked_fill(hidden & (values != PADDING), UNKNOWN)
        embedded: Tensor = self.embedding(values)
        return embedded
