"""Decoding: the most probable outputs of transducers, by greedy or beam search.

All rows of a batch, and all beams of a row, take a step together; states are carried from step to
step, so that the cost of a step does not depend on what is already written. Several networks decode
together: their probabilities are averaged at each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duree.network.attention import Source
from duree.network.batches import Batch, cut_by_length, pad
from duree.network.length_limit import LengthLimit
from duree.network.recurrent import State
from duree.sequences.ragged import END, Ragged

# Outputs are compared by log p / units ** LENGTH_POWER (Wu et al. 2016, without their constant, and
# 0.6 for translation). For words 1 is worse: on the development parts of French sounds and of
# German spelling, 0.5 has 0.6 and 0.4 points more right outputs among the best five.
LENGTH_POWER = 0.5
# Rows that are decoded together.
AT_ONCE = 256
# Rows that are done are left out of further steps when they are at least this share.
DONE_SHARE = 0.25

# An output's codes, without END, and its log-probability, with that of END.
Decoded = tuple[NDArray[np.int64], float]


class Decodes(Protocol):
    """A network that writes outputs step by step."""

    limit: LengthLimit

    def read(self, codes: Tensor, lengths: Tensor) -> tuple[Source, State]:
        """The sources, and the states [layers, batch, hidden] before the first unit."""
        ...

    def step(self, codes: Tensor, state: State, source: Source) -> tuple[Tensor, State]:
        """Probabilities float [batch, beams, any] of the unit after ``codes`` [batch, beams]."""
        ...

    def code_of(self, slots: Tensor, source: Source) -> Tensor:
        """The codes of places in these probabilities, int64 [batch, any]."""
        ...

    def log_probabilities(self, batch: Batch) -> Tensor:
        """log p of each unit of known targets, float [batch, steps]; 0 in padding."""
        ...


def decode(networks: Sequence[Decodes], batch: Batch, beam: int, n: int) -> list[list[Decoded]]:
    """The best outputs of each row, the best first.

    Parameters
    ----------
    networks : sequence of Decodes
        With the same vocabulary, outputs and length limit; their probabilities are averaged.
    batch : Batch
    beam : int
        Partial outputs considered at once; 1 is greedy search.
    n : int
        The most outputs of each row, at most ``beam``. There may be fewer, but at least one.

    An output never has more units than the networks' limit allows for its source: there it ends.
    """
    if not 1 <= n <= beam:
        raise ValueError(f"n must be from 1 to beam ({beam}), not {n}")
    with torch.inference_mode():
        search = _Search.begin(networks, batch, beam, n)
        while len(search.rows):
            search.take_step()
    return [search.found(row) for row in range(len(batch.inputs))]


def decode_rows(
    networks: Sequence[Decodes], sequences: Ragged, beam: int, n: int
) -> list[list[Decoded]]:
    """``decode`` for encoded rows in their order, in batches of similar length."""
    found: list[list[Decoded]] = [[] for _ in range(len(sequences))]
    for rows in cut_by_length(np.arange(len(sequences)), sequences.lengths, AT_ONCE):
        decoded = decode(networks, Batch(*pad(sequences, rows)), beam, n)
        for row, outputs in zip(rows.tolist(), decoded, strict=True):
            found[row] = outputs
    return found


def score(networks: Sequence[Decodes], batch: Batch) -> NDArray[np.float64]:
    """The log-probability of the batch's targets, as in ``decode``: float64 [rows]."""
    with torch.inference_mode():
        each = torch.stack([network.log_probabilities(batch).double() for network in networks])
        found: NDArray[np.float64] = each.exp().mean(0).log().sum(1).numpy()
    return found


class _Ended(NamedTuple):
    """An output that has ended.

    Attributes
    ----------
    value, log_probability : float
        With and without regard to its length.
    units : int
        Its length, without END.
    beam : int
        The beam that held it after its last unit.
    """

    value: float
    log_probability: float
    units: int
    beam: int


@dataclass
class _Search:
    """A search in progress; ``rows`` are those that are not done.

    Attributes
    ----------
    networks, sources, states : list
    n : int
    rows : int64 [rows]
        Their places among all rows.
    most : int64 [rows]
        The most units of each.
    live : float [rows, beams]
        The log-probability of each partial output.
    last : int64 [rows, beams]
        Its last unit.
    best : float [rows, n]
        The values of the best outputs that have ended.
    ended : list of list of _Ended
        Those of all rows.
    steps : list of (int64 [all rows, beams], int64 [all rows, beams])
        At each step, the beam that each beam continued and the unit that it wrote.
    """

    networks: list[Decodes]
    sources: list[Source]
    states: list[State]
    n: int
    rows: Tensor
    most: Tensor
    live: Tensor
    last: Tensor
    best: Tensor
    ended: list[list[_Ended]]
    steps: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=list)

    @classmethod
    def begin(cls, networks: Sequence[Decodes], batch: Batch, beam: int, n: int) -> _Search:
        """Before the first unit: one beam of each row is alive."""
        rows = len(batch.inputs)
        read = [network.read(batch.inputs, batch.lengths) for network in networks]
        live = torch.full((rows, beam), -torch.inf)
        live[:, 0] = 0.0
        return cls(
            networks=list(networks),
            sources=[source for source, _ in read],
            states=[tuple(s.repeat_interleave(beam, dim=1) for s in state) for _, state in read],
            n=n,
            rows=torch.arange(rows),
            most=networks[0].limit.of(batch.lengths),
            live=live,
            last=torch.full((rows, beam), END),
            best=torch.full((rows, n), -torch.inf),
            ended=[[] for _ in range(rows)],
        )

    def take_step(self) -> None:
        """Extend every beam by one unit, end those whose unit is END, leave out rows when done."""
        rows, beam = self.live.shape
        found = self._log_probabilities()
        # Each beam has one way to end, so at least ``beam`` of twice as many candidates go on.
        values, places = (self.live[:, :, None] + found).flatten(1).topk(2 * beam, dim=1)
        parents = places // found.shape[2]
        codes = self.networks[0].code_of(places % found.shape[2], self.sources[0])
        self._end(values[:, :beam], parents[:, :beam], codes[:, :beam] == END)
        self.live, chosen = values.masked_fill(codes == END, -torch.inf).topk(beam, dim=1)
        self.last, parents = codes.gather(1, chosen), parents.gather(1, chosen)
        self._record(parents)
        continued = (torch.arange(rows)[:, None] * beam + parents).flatten()
        self.states = [tuple(s.index_select(1, continued) for s in state) for state in self.states]
        self._leave_out()

    def found(self, row: int) -> list[Decoded]:
        """The best outputs of one of all rows."""
        best = sorted(self.ended[row], key=lambda one: -one.value)[: self.n]
        return [(self._codes(row, one), one.log_probability) for one in best]

    def _log_probabilities(self) -> Tensor:
        """Of each way to continue each beam, [rows, beams, any]; only END at a row's limit."""
        total: Tensor | None = None
        for place, (network, source) in enumerate(zip(self.networks, self.sources, strict=True)):
            found, self.states[place] = network.step(self.last, self.states[place], source)
            total = found if total is None else total + found
        assert total is not None
        at_limit = self.most <= len(self.steps)
        if bool(at_limit.any()):
            slots = torch.arange(total.shape[2]).expand(len(self.rows), -1)
            others = self.networks[0].code_of(slots, self.sources[0]) != END
            total = total.masked_fill((at_limit[:, None] & others)[:, None], 0.0)
        return (total / len(self.networks)).log()

    def _end(self, values: Tensor, parents: Tensor, ends: Tensor) -> None:
        """Note the outputs that end at this step, among the best candidates of each row."""
        ends = ends & (values > -torch.inf)
        units = len(self.steps)
        worth = (values / (units + 1) ** LENGTH_POWER).masked_fill(~ends, -torch.inf)
        self.best = torch.cat([self.best, worth], dim=1).topk(self.n, dim=1).values
        which = ends.nonzero(as_tuple=True)
        listed = (self.rows[which[0]], worth[which], values[which], parents[which])
        for row, value, log_probability, beam in zip(*map(Tensor.tolist, listed), strict=True):
            self.ended[row].append(_Ended(value, log_probability, units, beam))

    def _record(self, parents: Tensor) -> None:
        shape = (len(self.ended), self.live.shape[1])
        kept = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        kept[0][self.rows.numpy()], kept[1][self.rows.numpy()] = parents.numpy(), self.last.numpy()
        self.steps.append(kept)

    def _leave_out(self) -> None:
        """Leave out the rows whose best output, and probably the others, have ended."""
        # log p can only fall, so no live output can become worth more than this.
        bound = self.live[:, 0] / (self.most + 1) ** LENGTH_POWER
        worth = self.live[:, 0] / (len(self.steps) + 1) ** LENGTH_POWER
        # How many have ended says nothing: unlikely ends are among the candidates from the start.
        going = (bound > self.best[:, 0]) | (worth > self.best[:, -1])
        if self.live.shape[1] == 1:  # greedy search ends where an end is most probable
            going = self.best[:, 0] == -torch.inf
        remaining = int(going.sum())
        if remaining == 0:
            self.rows = self.rows[:0]
        elif remaining <= (1 - DONE_SHARE) * len(going):
            beams = torch.arange(self.live.shape[1])
            kept = going.nonzero()[:, 0]
            places = (kept[:, None] * len(beams) + beams).flatten()
            self.states = [tuple(s.index_select(1, places) for s in state) for state in self.states]
            self.sources = [source.take(kept) for source in self.sources]
            self.rows, self.most = self.rows[kept], self.most[kept]
            self.live, self.last, self.best = self.live[kept], self.last[kept], self.best[kept]

    def _codes(self, row: int, one: _Ended) -> NDArray[np.int64]:
        codes, beam = np.zeros(one.units, dtype=np.int64), one.beam
        for step in range(one.units - 1, -1, -1):
            parents, written = self.steps[step]
            codes[step], beam = written[row, beam], parents[row, beam]
        return codes
