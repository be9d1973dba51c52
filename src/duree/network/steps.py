"""StepModel: from each prefix of a sequence of states to what comes next.

Beside the state itself the network is told what every reader of a life course sees at a glance, and
what a cell would have to count: which time point it is, which phase of the year, and for how long
the state has lasted. The same three, each together with the state, also speak directly, past the
cell: a linear part as in Cheng et al. 2016, here a Markov chain by time, by season and by duration.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from duree.network.memory import remember
from duree.network.model import CELLS, EMBEDDING_DEVIATION
from duree.network.pooling import make_pooling
from duree.network.recurrent import State, dropout_alike
from duree.sequences.ragged import PADDING, UNKNOWN
from duree.settings import ModelSettings

# What a cell remembers: h, and for an LSTM h and c; [layers, batch, hidden].
Carried = Tensor | State
# Classes of duration: each is longer than the one before by the factor sqrt(2).
DURATIONS = 24
# Weights of one direct table, at most; beyond it there is none.
MOST_WEIGHTS = 4_000_000


class StepModel(nn.Module):
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
    """

    def __init__(
        self,
        settings: ModelSettings,
        *,
        vocabulary_size: int,
        outputs: int,
        times: int = 0,
        period: int = 0,
    ) -> None:
        super().__init__()
        self.settings, self.times, self.period = settings, times, period
        size = settings.embedding_size
        places = {"time": times, "season": period, "duration": DURATIONS}
        self.places = {name: count for name, count in places.items() if count}
        rows = {"state": vocabulary_size, **self.places}
        self.told = nn.ParameterDict(
            {name: torch.randn(count, size) * EMBEDDING_DEVIATION for name, count in rows.items()}
        )
        self.direct = nn.ParameterDict(
            {
                name: torch.zeros(vocabulary_size * count, outputs)
                for name, count in self.places.items()
                if settings.wide and vocabulary_size * count * outputs <= MOST_WEIGHTS
            }
        )
        self.recurrent = CELLS[settings.cell](
            size,
            settings.hidden_size,
            settings.num_layers,
            False,
            settings.layer_dropout,
            settings.recurrent_dropout,
        )
        if settings.memory is not None:
            remember(self.recurrent, settings.memory)
        self.pooling = make_pooling(settings.pooling, settings.hidden_size, 1)
        self.head = nn.Linear(settings.hidden_size, outputs)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Scores float [batch, steps, outputs] for tokens int64 [batch, steps]."""
        if values.shape[1] == 0:
            return values.new_zeros((len(values), 0, self.head.out_features), dtype=torch.float32)
        places = self.places_of(values)
        states = self.recurrent.hidden_states(self._vectors(values, places), lengths)
        return self._answer(values, places, states)

    def states(self, values: Tensor, lengths: Tensor) -> Tensor:
        """The hidden states of all steps, float [batch, steps, hidden]."""
        return self.recurrent.hidden_states(self._vectors(values, self.places_of(values)), lengths)

    def places_of(self, values: Tensor) -> dict[str, Tensor]:
        """Time point, phase and class of duration of each step, int64 [batch, steps] of each."""
        steps = torch.arange(values.shape[1]).expand_as(values)
        changed = torch.ones_like(values, dtype=torch.bool)
        changed[:, 1:] = values[:, 1:] != values[:, :-1]
        lasted = steps - torch.where(changed, steps, 0).cummax(dim=1).values
        return self._classes(steps, lasted)

    def begin(self, values: Tensor) -> tuple[Tensor, Carried, Tensor]:
        """What ``step`` goes on from, after rows of the same length: int64 [batch, steps].

        Returns
        -------
        scores : float [batch, outputs]
            Of what comes after the last step.
        state
        lasted : int64 [batch]
            For how many steps before the last one the row has been in its state.
        """
        steps = values.shape[1]
        lengths = torch.full((len(values),), steps)
        places = self.places_of(values)
        output, final = self.recurrent(self._vectors(values, places), lengths)
        scores = self._answer(values, places, output)[:, -1]
        return scores, final, (values == values[:, -1:]).flip(1).long().cumprod(1).sum(1) - 1

    def step(
        self, token: Tensor, time: int, lasted: Tensor, state: Carried
    ) -> tuple[Tensor, Carried]:
        """One step more of each row, as ``forward`` would take it.

        Parameters
        ----------
        token : int64 [batch]
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
        values = token[:, None]
        places = self._classes(torch.full_like(values, time), lasted[:, None])
        ones = torch.ones(len(token), dtype=torch.int64)
        output, final = self.recurrent(self._vectors(values, places), ones, state)
        return self._answer(values, places, output)[:, 0], final

    def _classes(self, steps: Tensor, lasted: Tensor) -> dict[str, Tensor]:
        duration = (2 * torch.log2(lasted.float() + 1)).long().clamp(max=DURATIONS - 1)
        found = {"duration": duration}
        if self.times:
            found["time"] = steps.clamp(max=self.times - 1)
        if self.period:
            found["season"] = steps % self.period
        return found

    def _vectors(self, values: Tensor, places: dict[str, Tensor]) -> Tensor:
        """What the cell reads, float [batch, steps, embedding]."""
        if self.training and self.settings.word_dropout > 0:
            hidden = torch.rand(values.shape) < self.settings.word_dropout
            values = values.masked_fill(hidden & (values != PADDING), UNKNOWN)
        vectors = embedding(values, self.told["state"])
        for name in self.places:
            vectors = vectors + embedding(places[name], self.told[name])
        return dropout_alike(vectors, self.settings.input_dropout, self.training)

    def _answer(self, values: Tensor, places: dict[str, Tensor], states: Tensor) -> Tensor:
        states = dropout_alike(states, self.settings.output_dropout, self.training)
        scores: Tensor = self.head(states)
        for name, table in self.direct.items():
            scores = scores + embedding(values * self.places[name] + places[name], table)
        return scores
