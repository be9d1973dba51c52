"""What ``explanations.json`` of a run folder holds: what the network learned, and how surely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import AliasChoices, Field, model_validator

from duree.results.run_files import Estimate, Record


class Shading(Record):
    """One text with what each of its units was given.

    ``row`` is its place among the test rows, from 0; ``places`` are begin and end of each unit in
    the text; ``values`` what it adds to the log-odds of ``answer``, or to the number.
    """

    row: int
    answer: str = Field(validation_alias=AliasChoices("answer", "said"))
    sure: float
    places: list[tuple[int, int]]
    values: list[float]


class PredictiveWord(Record):
    """A word that spoke much for an answer: in how many rows, how much in each on average."""

    word: str
    answer: str = Field(validation_alias=AliasChoices("answer", "said"))
    rows: int
    mean: float
    neighbours: list[Neighbour]
    place: tuple[float, float]


class Chance(Record):
    """What listed words exceed; see ``duree.explain.chance``.

    Attributes
    ----------
    rows, shuffles : int
        Test rows, and shuffles of their answers.
    quantile : float
        The share of shuffles, and of random vectors, that is exceeded.
    cosine : float
        The similarity to their nearest word that this share of random vectors does not exceed.
    without_marks : bool
        Whether punctuation and numbers are left out: of words they are, of states not.
    """

    rows: int
    shuffles: int
    quantile: float
    cosine: float
    without_marks: bool = True


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
    answer: str = Field(validation_alias=AliasChoices("answer", "said"))
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
    words: list[PredictiveWord] = Field(default_factory=list)
    chance: Chance | None = None
    order: Order | None = None
    memory_rows: int = 0
    memory: list[Span] = Field(default_factory=list)
    curves: Curves | None = None
    arc: ArcData | None = None
    gate_rows: int = 0
    units: list[Memory] = Field(default_factory=list)
    forgetting: list[Forgetting] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _names_of_version_0_1(cls, found: Any) -> Any:
        given = found.get("forgetting") if isinstance(found, dict) else None
        if not isinstance(given, list) or not all(
            isinstance(word, dict) and "kept" in word for word in given
        ):
            return found
        words = [{"retained": word.pop("kept"), **word} for word in map(dict, given)]
        return found | {"forgetting": words}


@dataclass(frozen=True)
class Memory:
    """How long the units of one layer and direction remember.

    Attributes
    ----------
    layer, direction
        Counted from 0; "forward" or "backward".
    median, longest : float
        Half-lives in steps: of the unit in the middle, and of the one that only a tenth outlast.
    shuffled_median, shuffled_longest : float
        The same on rows whose steps stand in random order.
    seeds : list of (float, float)
        The longest half-life of each other network, in order and shuffled.
    finding : bool
        Whether order makes the units keep more or less than shuffling does, by more than chance,
        and to the same side in every network.
    """

    layer: int
    direction: str
    median: float
    longest: float
    shuffled_median: float
    shuffled_longest: float
    seeds: list[tuple[float, float]]
    finding: bool


@dataclass(frozen=True)
class Forgetting:
    """What a word does to the memory.

    Attributes
    ----------
    word : str
    rows : int
        Rows that hold it.
    retained : float
        The keeping gate at the word minus the mean of its row: below 0, the word makes forget.
    shuffled : float
        The same on rows whose steps stand in random order.
    seeds : list of float
        ``retained`` in each other network.
    finding : bool
        Whether ``retained`` and ``shuffled`` differ by more than chance (Bonferroni's correction
        for all words), to the same side in every network, and ``retained`` has one sign in all.
    """

    word: str
    rows: int
    retained: float
    shuffled: float
    seeds: list[float]
    finding: bool


@dataclass(frozen=True)
class Neighbour:
    """A word and its cosine similarity, from -1 to 1."""

    word: str
    cosine: float


@dataclass(frozen=True)
class Flip:
    """A set of steps without which the decision is another one.

    Attributes
    ----------
    steps : list of int
        In the order of the sequence; empty where no set was found.
    before, after : str
        What is predicted with all steps, and without these.
    smallest : bool
        Whether it is proved that no smaller set does it: true of a single step. A larger set is
        minimal (each of its steps is needed), but another, smaller one may exist.
    by_chance : float
        The share of random sets of the same size without which the decision is another one too.
    """

    steps: list[int]
    before: str
    after: str
    smallest: bool
    by_chance: float = 0.0


class ExplainedRow(Record):
    """What an explained text or series has besides its explanation.

    ``row`` counts from 1, among the rows that the network reads. ``source_row`` is its number in
    its file, from 1, and ``source_file`` that file, if there are several; ``true`` is the value in
    the target's column. Each is None where it is not known. ``unseen`` is the share of its words or
    states that do not occur in training; None if it has none, or is a series. ``is_empty`` tells
    whether it has none.
    """

    row: int
    source_row: int | None = None
    source_file: str | None = None
    true: str | None = None
    unseen: float | None = None
    is_empty: bool = False


class RowData(ExplainedRow):
    """One explained row, as its JSON file holds it.

    ``start`` and ``score`` are what is explained, of a text without content and of this one: the
    log-odds of ``shading.answer``, or the number. ``attributions`` are by method, ``by_sentence``
    what taking out the sentence of each unit loses; ``faithful`` are areas by method (see
    ``duree.explain.faithfulness``), ``gates`` means over units (``duree.explain.gates``);
    ``step_features`` are the features of each unit, by column.
    """

    text: str
    units: list[str]
    predicted: dict[str, Any]
    shading: Shading
    by_sentence: list[float]
    attributions: dict[str, list[float]]
    start: float
    score: float
    faithful: dict[str, dict[str, float]]
    seeds: list[float]
    flip: Flip | None = None
    gates: dict[str, list[float]] | None = None
    arc: ArcData | None = None
    step_features: dict[str, list[str | float | None]] = Field(
        default_factory=dict, validation_alias=AliasChoices("step_features", "beside")
    )


class Read(Record):
    """One channel of a series: its values (None where missing), and what each of them added."""

    name: str
    values: list[float | None]
    attributions: list[float]


class SeriesData(ExplainedRow):
    """One explained series, as its JSON file holds it.

    ``start`` and ``score`` are what is explained, of a series that is its training mean throughout
    and of this one: the log-odds of ``answer``, or the number. ``faithful`` are areas by method
    (see ``duree.explain.faithfulness``), ``seeds`` rank correlations with networks of other seeds.
    """

    predicted: dict[str, Any]
    answer: str = Field(validation_alias=AliasChoices("answer", "said"))
    steps: list[str]
    channels: list[Read]
    start: float
    score: float
    faithful: dict[str, dict[str, float]]
    seeds: list[float]


class OutputSourcesFacts(Record):
    """Where the outputs of test rows came from, as ``outputs.json`` holds it.

    ``agreement`` is the mean correlation of influence and attention over ``rows`` test rows,
    ``by_chance`` the 95 % quantile of the same with attention to positions in another order.
    """

    rows: int
    agreement: float
    by_chance: float
    examples: list[OutputData]


class OutputData(ExplainedRow):
    """One explained output, as its JSON file holds it; see ``duree.explain.outputs``.

    ``alone`` tells whether the network alone chose the output. ``outputs`` are the units of the
    output, ``units`` those of the source; ``influence`` and
    ``attention`` have a row for each unit of the output and a column for each of the source.
    """

    predicted: dict[str, Any]
    alone: bool
    units: list[str]
    outputs: list[str]
    influence: list[list[float]]
    attention: list[list[float]]
    agreement: float | None
    by_chance: float | None
