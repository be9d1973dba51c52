"""StepModel: from each prefix of a sequence of states to what comes next.

Beside the state itself the network is told what every reader of a life course sees at a glance, and
what a cell would have to count: which time point it is, which phase of the year, and for how long
the state has lasted. The phase (or the time point, where there is none) together with the state
also speaks directly, past the cell: a linear part as in Cheng et al. 2016, here a Markov chain by
season.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from duree.network.model import EMBEDDING_DEVIATION, recurrent_layers
from duree.network.network import Network
from duree.network.pooling import make_pooling
from duree.network.recurrent import State, dropout_alike
from duree.network.step_embedding import StepEmbedding
from duree.recipe.settings import ModelSettings
from duree.sequences.ragged import PADDING, UNKNOWN

# What a cell remembers: h, and for an LSTM h and c; [layers, batch, hidden].
Carried = Tensor | State
# For each table the row of it that each step of each sequence takes: int64 [batch, steps]; of what
# else stands beside, the rows of its tables: int64 [batch, steps, others].
Places = dict[str, Tensor]
# Classes of duration: each is longer than the one before by the factor sqrt(2).
DURATIONS = 24
# Weights of one direct table, at most; beyond it there is none.
MOST_WEIGHTS = 4_000_000


class StepModel(Network):
    """A recurrent network that answers at each step of a sequence of tokens.

    Parameters
    ----------
    settings : ModelSettings
        Reading from both ends is not for it: it would see what it is to foretell.
    vocabulary_size : int
    outputs : int
        Scores for each step.
    times : int
        Time points that all sequences share; 0 where a step has no place in time.
    period : int
        Time points after which the year begins again; 0 where there is none.
    covariates : sequence of int
        How many values each covariate has, that stand beside the token of each step.
    beside : sequence of (int, bool)
        Of what else stands there how many classes there are, and whether they have an order.
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

        ``values`` are tokens int64 [batch, steps]; or [batch, steps, 1 + covariates + others],
        where each token has the covariates of its row beside it, and what else is told of its step.
        """
        if values.shape[1] == 0:
            return self.head.weight.new_zeros(len(values), 0, self.head.out_features)
        places = self.places_of(values)
        return self._answer(places, self.recurrent.hidden_states(self._vectors(places), lengths))

    def states(self, values: Tensor, lengths: Tensor) -> Tensor:
        """The hidden states of all steps, float [batch, steps, hidden]."""
        return self.recurrent.hidden_states(self._vectors(self.places_of(values)), lengths)

    def summary(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Each sequence as one vector: the mean of its hidden states, [batch, hidden]."""
        states = self.states(values, lengths)  # zero past each length
        return states.sum(dim=1) / lengths.clamp(min=1)[:, None]

    def places_of(self, values: Tensor) -> Places:
        """Where each step of each row stands in each table."""
        tokens = values if values.ndim == 2 else values[:, :, 0]
        steps = torch.arange(tokens.shape[1]).expand_as(tokens)
        changed = torch.ones_like(tokens, dtype=torch.bool)
        changed[:, 1:] = tokens[:, 1:] != tokens[:, :-1]
        lasted = steps - torch.where(changed, steps, 0).cummax(dim=1).values
        return self._places(values, tokens, steps, lasted)

    def begin(self, values: Tensor) -> tuple[Tensor, Carried, Tensor]:
        """What ``step`` goes on from, after rows of the same length: ``values`` as for ``forward``.

        Returns
        -------
        scores : float [batch, outputs]
            Of what comes after the last step.
        state
        lasted : int64 [batch]
            For how many steps before the last one the row has been in its state.
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
        """One step more of each row, as ``forward`` would take it.

        Parameters
        ----------
        values : int64 [batch, 1] or [batch, 1, 1 + covariates + others]
        time : int
            The step's place in its row, from 0.
        lasted : int64 [batch]
            For how many steps before this one the row has been in the same state.
        state
            What ``begin``, or the step before, gave.

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
        """What the cell reads, float [batch, steps, embedding]."""
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
