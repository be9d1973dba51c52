"""LanguageModel: the probability of each unit of a text, given all units before it.

embedding → recurrent layers → projection to the size of the embedding → scores of all units, by the
embedding itself (tied weights: Press & Wolf 2017; Inan et al. 2017).

In training, recurrent weights are dropped (one mask a step of training: DropConnect), word vectors
as wholes, and inputs and outputs with one mask for all steps: Merity, Keskar & Socher 2018,
"Regularizing and optimizing LSTM language models", section 4.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import dropout, linear, log_softmax

from duree.network.batches import IGNORED, Batch, Examples
from duree.network.model import EMBEDDING_DEVIATION, recurrent_layers
from duree.network.network import Network
from duree.network.output_layer import cross_entropy
from duree.network.recurrent import State, dropout_alike, tuple_of
from duree.network.sampled_softmax import sampled_cross_entropy
from duree.recipe.settings import ModelSettings
from duree.sequences.language_encoder import divide_unknown
from duree.sequences.ragged import END

# Steps of all rows of a batch that are scored at once: memory does not grow with the documents.
AT_ONCE = 4_096
# With more codes than these, training draws candidates for the softmax. With 30,000 words a step
# takes a fifth of the time (benchmarks/sampled_softmax.py).
MANY_CODES, SAMPLES = 20_000, 8_192


class LanguageModel(Network):
    """A recurrent network that predicts each unit of a document from those before it.

    Parameters
    ----------
    settings : ModelSettings
        ``recurrent_dropout`` is the share of recurrent weights that are dropped, ``word_dropout``
        that of units whose vectors are. ``bidirectional`` and ``pooling`` are not used.
    vocabulary_size : int

    Attributes
    ----------
    samples : int
        Candidates of the softmax in training; 0: all codes.
    carried : {str: Tensor}
        In training, the states after the previous batch, [layers, batch, hidden].
    """

    def __init__(self, settings: ModelSettings, *, vocabulary_size: int) -> None:
        super().__init__()
        self.settings = settings
        size = settings.embedding_size
        self.embedding = nn.Parameter(torch.randn(vocabulary_size, size) * EMBEDDING_DEVIATION)
        plain = {"bidirectional": False, "recurrent_dropout": 0.0}
        self.recurrent = recurrent_layers(settings.model_copy(update=plain), size)
        same = settings.hidden_size == size
        self.projection = None if same else nn.Linear(settings.hidden_size, size, bias=False)
        self.samples = SAMPLES if vocabulary_size > MANY_CODES else 0
        # A sample teaches the frequencies of units slowly: they begin as Zipf's law has them.
        begin = -torch.arange(1.0, vocabulary_size + 1).log() if self.samples else None
        self.bias = nn.Parameter(torch.zeros(vocabulary_size) if begin is None else begin)

    def loss(self, batch: Batch) -> Tensor:
        """The mean loss of a batch of chunks, in nats per unit; carries the states on."""
        assert batch.targets is not None
        output, self.carried = self._go_on(batch)
        real = batch.targets != IGNORED
        losses = self._training_losses(output[real], batch.targets[real])
        if batch.weights is None:
            return losses.mean()
        weights = batch.weights[:, None].expand_as(real)[real]
        return (losses * weights).sum() / weights.sum()

    @torch.no_grad()
    def predict(self, batch: Batch) -> NDArray[np.float32]:
        """The log-probability, in nats, of each unit given all units before it in its document.

        ``inputs`` are the codes of whole documents, int64 [batch, steps]. The probability of
        ``UNKNOWN`` is divided among all characters that Unicode assigns.

        Returns
        -------
        float32 [batch, steps, 1]
        """
        codes, lengths = batch.inputs, batch.lengths
        before = torch.cat([torch.full((len(codes), 1), END), codes[:, :-1]], dim=1)
        found = torch.zeros(codes.shape)
        state, steps = None, max(1, AT_ONCE // max(len(codes), 1))
        for begin in range(0, codes.shape[1], steps):
            part = slice(begin, begin + steps)
            left = (lengths - begin).clamp(0, codes[:, part].shape[1])
            output, state = self.recurrent(self._vectors(before[:, part]), left, state)
            real = torch.arange(output.shape[1]) < left[:, None]
            found[:, part][real] = -self._losses(output[real], codes[:, part][real])
        return divide_unknown(found.numpy(), codes.numpy())[:, :, None]

    @torch.no_grad()
    def read(self, codes: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read further units of each text, and predict the next.

        Parameters
        ----------
        codes : int64 [batch, steps]
            ``END`` stands before the first unit of a text.
        state : tuple of Tensor, optional
            As the previous call returned it; None: nothing has been read.

        Returns
        -------
        log_probabilities : float [batch, vocabulary_size]
            Of the next unit, in nats.
        state
        """
        lengths = torch.full((len(codes),), codes.shape[1])
        output, final = self.recurrent(self._vectors(codes), lengths, state)
        scores = linear(self._projected(output[:, -1]), self.embedding, self.bias)
        return log_softmax(scores, dim=1), tuple_of(final)

    def validation_loss(self, validation: Examples, predicted: NDArray[np.float32]) -> float:
        """The mean loss of the validation documents, in nats per code."""
        weights = [validation.each(weights) for weights in validation.weighed]
        return -float(np.average(predicted[:, 0], weights=weights[0] if weights else None))

    def _go_on(self, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The hidden states of a training batch, and those that are carried on."""
        x = dropout_alike(self._vectors(batch.inputs), self.settings.input_dropout, self.training)
        given = (x, batch.lengths, self._begin(batch))
        output, final = functional_call(self.recurrent, self._dropped_weights(), given)
        output = dropout_alike(output, self.settings.output_dropout, self.training)
        return output, {str(n): each.detach() for n, each in enumerate(tuple_of(final))}

    def _begin(self, batch: Batch) -> State | None:
        """The state of each row before its chunk: carried from the previous batch, or zeros."""
        if not self.carried or batch.carries is None:
            return None
        goes_on = (batch.carries >= 0)[:, None]
        rows = batch.carries.clamp(min=0)
        return tuple(self.carried[str(n)][:, rows] * goes_on for n in range(self.recurrent.states))

    def _vectors(self, codes: Tensor) -> Tensor:
        """The vectors of units, float [batch, steps, size]."""
        vectors = nn.functional.embedding(codes, self.embedding)
        share = self.settings.word_dropout
        if not self.training or share == 0:
            return vectors
        return vectors * dropout(torch.ones(len(self.embedding), 1), share)[codes]

    def _dropped_weights(self) -> dict[str, Tensor]:
        """The recurrent weights, of which some are dropped in training."""
        share = self.settings.recurrent_dropout if self.training else 0.0
        return {
            name: dropout(weight, share) if share > 0 and "weight_hh" in name else weight
            for name, weight in self.recurrent.named_parameters()
        }

    def _projected(self, states: Tensor) -> Tensor:
        """Hidden states as vectors of units: float [..., size]."""
        projected: Tensor = states if self.projection is None else self.projection(states)
        return projected

    def _training_losses(self, states: Tensor, targets: Tensor) -> Tensor:
        """The loss of each target, float [rows]: of many codes, among a sample of them."""
        if not (self.samples and self.training):
            return self._losses(states, targets)
        read = self._projected(states), self.embedding, self.bias
        return sampled_cross_entropy(*read, targets, None, self.samples)

    def _losses(self, states: Tensor, targets: Tensor) -> Tensor:
        """Minus the log-probability of each target, float [rows]."""
        return cross_entropy(self._projected(states), self.embedding, self.bias, targets, None)
