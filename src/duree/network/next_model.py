"""StepModel: from each prefix of a sequence of states to the next state.

Besides the state, the network reads what a cell would have to count: the time point, the season,
and the duration of the current state. The season (or the time point, if there is none) and the
state also contribute directly to the scores: a linear part as in Cheng et al. 2016, here a Markov
chain by season.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, nll_loss

from duree.network.batches import IGNORED, Batch
from duree.network.model import EMBEDDING_DEVIATION, recurrent_layers
from duree.network.network import Network
from duree.network.output_layer import cross_entropy
from duree.network.pooling import make_pooling
from duree.network.recurrent import State, dropout_alike
from duree.network.step_embedding import StepEmbedding
from duree.recipe.settings import ModelSettings
from duree.sequences.ragged import PADDING, UNKNOWN

# The state of a cell: h, and for an LSTM h and c; [layers, batch, hidden].
Carried = Tensor | State
# For each table the index of its row at each step: int64 [batch, steps]; for step features
# int64 [batch, steps, features].
Places = dict[str, Tensor]
# Classes of duration: each is longer than the previous one by a factor of sqrt(2).
DURATIONS = 24
# The most weights of the direct table; if more were needed, there is none.
MOST_WEIGHTS = 4_000_000
# With more outputs, training makes no matrix of scores: a step of 16 rows of 100 steps then takes
# 0.87 of the time with 300 outputs, 0.83 with 1,000, 0.73 with 10,000 (one thread, AVX-512).
MANY_OUTPUTS = 300


def log_loss_of_steps(scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """The mean log-loss over steps, in nats.

    Parameters
    ----------
    scores : float [batch, steps, outputs]
    targets : int64 [batch, steps, 1 or more]
        The first is the true output, or IGNORED.
    weights : float [batch], optional
        A step has the weight of its row.
    """
    real = targets[:, :, 0] != IGNORED
    losses = nll_loss(scores[real].log_softmax(dim=1), targets[real][:, 0], reduction="none")
    return mean_of_steps(losses, weights, real)


def mean_of_steps(losses: Tensor, weights: Tensor | None, real: Tensor) -> Tensor:
    """The weighted sum of the losses of the real steps, divided by their number."""
    if weights is not None:
        losses = losses * weights[:, None].expand_as(real)[real]
    return losses.sum() / max(len(losses), 1)


class StepModel(Network):
    """A recurrent network with scores at each step of a sequence of tokens.

    Parameters
    ----------
    settings : ModelSettings
        ``bidirectional`` is ignored: the network would read what it predicts.
    vocabulary_size : int
    outputs : int
        Number of scores per step.
    times : int
        Number of time points common to all sequences; 0 if steps have no common time.
    period : int
        Time points in a seasonal cycle; 0 if there is none.
    covariates : sequence of int
        Number of values of each covariate, given at each step.
    step_features : sequence of (int, bool)
        For each feature of the steps the number of its classes, and whether they are ordered.
    """

    def __init__(
        self,
        settings: ModelSettings,
        *,
        vocabulary_size: int,
        outputs: int,
        times: int = 0,
        period: int = 0,
        covariates: Sequence[int] = (),
        step_features: Sequence[tuple[int, bool]] = (),
    ) -> None:
        super().__init__()
        self.settings, self.times, self.period = settings, times, period
        size = settings.embedding_size
        places = {"time": times, "season": period, "duration": DURATIONS}
        self.places = {name: count for name, count in places.items() if count}
        self.covariates = [f"covariate {place}" for place in range(len(covariates))]
        rows = {"state": vocabulary_size, **self.places}
        rows |= dict(zip(self.covariates, covariates, strict=True))
        self.embeddings = nn.ParameterDict(
            {name: torch.randn(count, size) * EMBEDDING_DEVIATION for name, count in rows.items()}
        )
        self.step_features = StepEmbedding(step_features, size) if step_features else None
        direct = "season" if period else "time"
        self.direct = nn.ParameterDict(
            {
                name: torch.zeros(vocabulary_size * count, outputs)
                for name, count in self.places.items()
                if name == direct
                and settings.wide
                and vocabulary_size * count * outputs <= MOST_WEIGHTS
            }
        )
        forwards = settings.model_copy(update={"bidirectional": False})
        self.recurrent = recurrent_layers(forwards, size)
        self.pooling = make_pooling(settings.pooling, settings.hidden_size, 1)
        self.head = nn.Linear(settings.hidden_size, outputs)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Scores float [batch, steps, outputs].

        ``values`` are tokens int64 [batch, steps]; or [batch, steps, 1 + covariates + features],
        with the covariates of the row and the features of the step.
        """
        if values.shape[1] == 0:
            return self.head.weight.new_zeros(len(values), 0, self.head.out_features)
        places = self.places_of(values)
        return self._answer(places, self.recurrent.hidden_states(self._vectors(places), lengths))

    def loss(self, batch: Batch) -> Tensor:
        """The mean training loss; with many outputs, computed without a matrix of scores."""
        few = self.direct or self.head.out_features <= MANY_OUTPUTS or batch.inputs.shape[1] == 0
        if few or batch.targets is None or self.criterion is not log_loss_of_steps:
            return super().loss(batch)
        real = batch.targets[:, :, 0] != IGNORED
        states = self.states(batch.inputs, batch.lengths)
        states = dropout_alike(states, self.settings.output_dropout, self.training)
        answers = batch.targets[real][:, 0]
        losses = cross_entropy(states[real], self.head.weight, self.head.bias, answers)
        return mean_of_steps(losses, batch.weights, real)

    def states(self, values: Tensor, lengths: Tensor) -> Tensor:
        """The hidden states of all steps, float [batch, steps, hidden]."""
        return self.recurrent.hidden_states(self._vectors(self.places_of(values)), lengths)

    def summary(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Each sequence as one vector: the mean of its hidden states, [batch, hidden]."""
        states = self.states(values, lengths)  # zero past each length
        return states.sum(dim=1) / lengths.clamp(min=1)[:, None]

    def places_of(self, values: Tensor) -> Places:
        """The row of each table at each step of each sequence."""
        tokens = values if values.ndim == 2 else values[:, :, 0]
        steps = torch.arange(tokens.shape[1]).expand_as(tokens)
        changed = torch.ones_like(tokens, dtype=torch.bool)
        changed[:, 1:] = tokens[:, 1:] != tokens[:, :-1]
        lasted = steps - torch.where(changed, steps, 0).cummax(dim=1).values
        return self._places(values, tokens, steps, lasted)

    def begin(self, values: Tensor) -> tuple[Tensor, Carried, Tensor]:
        """The state from which ``step`` continues, after rows of equal length.

        Returns
        -------
        scores : float [batch, outputs]
            Of the step after the last one.
        state
        lasted : int64 [batch]
            Number of steps before the last one in the same state.
        """
        lengths = torch.full((len(values),), values.shape[1])
        places = self.places_of(values)
        output, final = self.recurrent(self._vectors(places), lengths)
        tokens = places["state"]
        lasted = (tokens == tokens[:, -1:]).flip(1).long().cumprod(1).sum(1) - 1
        return self._answer(places, output)[:, -1], final, lasted

    def step(
        self, values: Tensor, time: int, lasted: Tensor, state: Carried
    ) -> tuple[Tensor, Carried]:
        """One further step of each row, as ``forward`` would compute it.

        Parameters
        ----------
        values : int64 [batch, 1] or [batch, 1, 1 + covariates + features]
        time : int
            The position of the step in its row, from 0.
        lasted : int64 [batch]
            Number of steps before this one in the same state.
        state
            As ``begin`` or the previous step returned it.

        Returns
        -------
        scores : float [batch, outputs]
        state
        """
        tokens = values if values.ndim == 2 else values[:, :, 0]
        places = self._places(values, tokens, torch.full_like(tokens, time), lasted[:, None])
        ones = torch.ones(len(values), dtype=torch.int64)
        output, final = self.recurrent(self._vectors(places), ones, state)
        return self._answer(places, output)[:, 0], final

    def _places(self, values: Tensor, tokens: Tensor, steps: Tensor, lasted: Tensor) -> Places:
        found = {"state": tokens}
        found["duration"] = (2 * torch.log2(lasted.float() + 1)).long().clamp(max=DURATIONS - 1)
        if self.times:
            found["time"] = steps.clamp(max=self.times - 1)
        if self.period:
            found["season"] = steps % self.period
        columns = enumerate(self.covariates, start=1)
        found |= {name: values[:, :, place] for place, name in columns}
        return found | (
            {"step_features": values[:, :, 1 + len(self.covariates) :]}
            if self.step_features
            else {}
        )

    def _vectors(self, places: Places) -> Tensor:
        """The input of the cell, float [batch, steps, embedding]."""
        tokens = places["state"]
        if self.training and self.settings.word_dropout > 0:
            hidden = torch.rand(tokens.shape) < self.settings.word_dropout
            tokens = tokens.masked_fill(hidden & (tokens != PADDING), UNKNOWN)
        vectors = embedding(tokens, self.embeddings["state"])
        for name in (*self.places, *self.covariates):
            vectors = vectors + embedding(places[name], self.embeddings[name])
        if self.step_features is not None:
            vectors = vectors + self.step_features(places["step_features"])
        return dropout_alike(vectors, self.settings.input_dropout, self.training)

    def _answer(self, places: Places, states: Tensor) -> Tensor:
        states = dropout_alike(states, self.settings.output_dropout, self.training)
        scores: Tensor = self.head(states)
        for name, table in self.direct.items():
            place = places["state"] * self.places[name] + places[name]
            scores = scores + embedding(place, table)
        return scores
