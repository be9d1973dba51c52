"""What ``explanations.json`` of a run folder holds: what the network learned, and how surely."""

from __future__ import annotations

from pydantic import Field

from duree.explain.gates import Forgetting, Memory
from duree.explain.words import Neighbour
from duree.results.run_files import Estimate, Record


class Shading(Record):
    """One text with what each of its units was given.

    ``row`` is its place among the test rows, from 0; ``places`` are begin and end of each unit in
    the text; ``values`` what it adds to the log-odds of ``said``, or to the number.
    """

    row: int
    said: str
    sure: float
    places: list[tuple[int, int]]
    values: list[float]


class Telling(Record):
    """A word that spoke much for an answer: in how many rows, how much in each on average."""

    word: str
    answer: str
    rows: int
    mean: float
    neighbours: list[Neighbour]
    place: tuple[float, float]


class Span(Record):
    """The recurrent part's figure when its states have seen so many steps at most."""

    steps: int
    figure: Estimate


class Order(Record):
    """The network's figure in order and in random order, and the difference."""

    rows: int
    in_order: Estimate
    shuffled: Estimate
    difference: Estimate


class Curves(Record):
    """How faithful the attributions are; see ``duree.explain.faithfulness``."""

    rows: int
    shares: list[float]
    deletion: list[float]
    insertion: list[float]
    random_deletion: list[float]
    random_insertion: list[float]
    areas: dict[str, float]
    incomplete: float
    agreement: list[float] = Field(default_factory=list)


class ArcData(Record):
    """The longest text's arc; see ``duree.explain.arcs``. ``turns`` quotes it at each change."""

    row: int
    said: str
    units: int
    values: list[float]
    smooth: list[float]
    low: list[float]
    high: list[float]
    changes: list[int]
    turns: list[str]
    p_value: float
    passage: int
    window: int


class Explanations(Record):
    """All of it. What a run has no use for is None or empty."""

    rows: int
    metric: str
    examples: list[Shading] = Field(default_factory=list)
    words: list[Telling] = Field(default_factory=list)
    order: Order | None = None
    memory_rows: int = 0
    memory: list[Span] = Field(default_factory=list)
    curves: Curves | None = None
    arc: ArcData | None = None
    gate_rows: int = 0
    units: list[Memory] = Field(default_factory=list)
    forgetting: list[Forgetting] = Field(default_factory=list)
