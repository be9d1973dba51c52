"""The JSON files of a run folder: ``duree.pipeline`` writes them, the report reads them."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, JsonValue, model_validator

MOST_THREADS = 65_536
PARTS = ("train", "validation", "test")


class Record(BaseModel):
    """A piece of a JSON file. Unknown keys are ignored, as newer versions only add some."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Estimate(Record):
    """A figure with the ends of its 95 % interval; the ends are None where none is defined."""

    value: float
    low: float | None = None
    high: float | None = None


class Check(Record):
    """One finding about the data (``checks.json``).

    ``rows`` are counted from 0 in the table as it was used, ``where`` names them as the files count
    them; ``what``, ``fix`` and ``values`` are the parts of the message.
    """

    check: str
    level: str
    message: str
    message_zh: str = ""
    rows: list[int] = []
    where: str = ""
    where_zh: str = ""
    what: str = ""
    fix: str = ""
    values: dict[str, JsonValue] = {}


class SplitData(Record):
    """How the rows were split (``split.json``).

    ``class_counts`` is ``{part: {class: rows}}``, ``ranges`` ``{part: [first, last]}`` in time,
    ``group_counts`` ``{part: groups}``; each is empty where it does not apply.
    """

    method: str
    method_zh: str = ""
    seed: int
    counts: dict[str, int]
    class_counts: dict[str, dict[str, int]] = {}
    ranges: dict[str, list[str]] = {}
    group_counts: dict[str, int] = {}


Ending = Literal["epochs", "patience", "time", "request"]


class Epoch(Record):
    """One line of ``history.jsonl``; a higher ``metric`` is better.

    ``ended``, in the last line: why training ended. All epochs were done, the metric had not
    improved for ``training.patience`` epochs, the time limit was reached, or the user ended it.
    """

    epoch: int
    train_loss: float
    validation_loss: float
    metric: float
    learning_rate: float = 0.0
    rows_per_second: float = 0.0
    seconds: float = 0.0
    ended: Ending | None = None


class Source(Record):
    """One file of the data; ``given`` is the name that a table uploaded to the studio had there."""

    path: str
    format: str
    rows: int
    sha256: str
    encoding: str | None = None
    delimiter: str | None = None
    given: str = ""

    @property
    def name(self) -> str:
        """The file's name without its folders, which may be private."""
        return (self.given or self.path).replace("\\", "/").rstrip("/").rpartition("/")[2]


class DataFacts(Record):
    """``data.json``.

    ``source_row`` and ``source_file`` are the columns of ``predictions.parquet`` with the number of
    each row in its file, from 1, and the name of that file; None where there is no such column.
    """

    sources: list[Source] = Field([], min_length=1)
    columns: dict[str, str] = {}
    versions: dict[str, str] = {}
    threads: int | None = Field(None, ge=0, le=MOST_THREADS)
    platform: str = ""
    note: str | None = Field(None, validation_alias=AliasChoices("note", "simulated"))
    source_row: str | None = None
    source_file: str | None = None


class Sequences(Record):
    """Sequences to draw, each as indices of states; -1 where the state is missing."""

    rows: list[list[int]]


class StateFacts(Record):
    """``states.json``; see ``duree.tables.describe.states``, which writes it."""

    times: list[str]
    states: list[str]
    rows: int
    missing: float
    distribution: list[list[float]]
    entropy: list[float | None]
    transitions: list[list[float]]
    by_class: dict[str, list[list[float]]] = {}
    class_rows: dict[str, int] = {}
    index: Sequences
    mean_time: dict[str, float]

    @model_validator(mode="after")
    def _check_sizes(self) -> StateFacts:
        """Every figure has a value for each state and each time point."""
        tables = [self.distribution, *self.by_class.values()]
        lengths = {len(self.entropy), *map(len, tables), *map(len, self.index.rows)}
        widths = {len(self.transitions), len(self.states), *map(len, self.transitions)}
        widths |= {len(shares) for table in tables for shares in table}
        numbers = {number for row in self.index.rows for number in row}
        if (
            self.mean_time.keys() != {*self.states}
            or self.class_rows.keys() != self.by_class.keys()
        ):
            raise ValueError("it does not hold every state and class")
        if lengths != {len(self.times)} or widths != {len(self.states)}:
            raise ValueError("it does not hold a value for each state and time")
        if not numbers <= {-1, *range(len(self.states))}:
            raise ValueError("a sequence holds a state that is not there")
        return self


class Origin(Record):
    """Predictions of the last state from one earlier time point, after ``steps`` observed steps."""

    seen: str
    steps: int
    ahead: int
    models: dict[str, Estimate]

    @property
    def best(self) -> str:
        """The model that was right most often; the first of several."""
        return max(self.models, key=lambda name: self.models[name].value)


class Simulation(Record):
    """``simulation.json``: predictions of the last of ``times`` states from earlier ones."""

    rows: int
    paths: int
    times: int = 0
    last: str
    origins: list[Origin]

    @property
    def models(self) -> list[str]:
        """The models, the network first."""
        return list(self.origins[0].models) if self.origins else []


class Fan(Record):
    """A forecast to draw: past and actual values, and quantiles [horizon][levels]."""

    series: str
    origin: str
    last: str
    past: list[float | None]
    actual: list[float | None]
    quantiles: list[list[float]]
    mase: float | None


class Missed(Record):
    """A forecast with a large error; ``naive`` is the MASE of Naive2."""

    series: str
    origin: str
    mase: float
    smape: float
    naive: float


class StepErrors(Record):
    """Mean errors of each step of the horizon."""

    mase: list[float | None]
    smape: list[float | None]


class Stationarity(Record):
    """In how many of ``series`` ADF does not reject a unit root, and KPSS rejects stationarity."""

    series: int
    values: dict[str, int]
    changes: dict[str, int]

    @model_validator(mode="after")
    def _check_tests(self) -> Stationarity:
        """Both tests have a result for the values and for their changes."""
        if not {"unit_root", "wanders"} <= self.values.keys() & self.changes.keys():
            raise ValueError("it does not hold the results of both tests")
        return self


class SeasonSearch(Record):
    """In how many of ``series`` the season that was used, and not set, was found."""

    seasonal: int
    series: int


class ForecastFacts(Record):
    """``forecasts.json``; see ``duree.pipeline.forecast_diagnostics``, which writes it."""

    horizon: int
    window: int
    season: int
    naive_season: int
    season_search: SeasonSearch | None = None
    transform: dict[str, float]
    difference: str
    distribution: str
    past: list[str] = []
    known: list[str] = []
    calendar: bool = False
    series: int
    origins: int
    stationarity: Stationarity | None = None
    steps: dict[str, StepErrors]
    levels: list[float]
    below: dict[str, list[float | None]]
    fans: list[Fan]
    worst: list[Missed] = []

    @model_validator(mode="after")
    def _check_sizes(self) -> ForecastFacts:
        """Every figure has a value for each step of the horizon and each quantile."""
        horizons = {len(found) for one in self.steps.values() for found in (one.mase, one.smape)}
        horizons |= {len(found) for fan in self.fans for found in (fan.actual, fan.quantiles)}
        levels = {len(found) for found in self.below.values()}
        levels |= {len(step) for fan in self.fans for step in fan.quantiles}
        if horizons != {self.horizon} or levels != {len(self.levels)}:
            raise ValueError("it does not hold a value for each step and quantile")
        if self.steps.keys() != self.below.keys():
            raise ValueError("it does not hold every model")
        return self


class Wait(Record):
    """How well one model predicts waiting times."""

    bits: Estimate
    median_error: float


class WaitFacts(Record):
    """``waiting_times.json``; see ``duree.pipeline.waiting_times``, which writes it."""

    steps: int
    classes: int
    models: dict[str, Wait]


class TextFacts(Record):
    """``encoding.json``: what an encoder of texts learned from the training texts.

    ``segmenter`` is never "auto"; ``version`` is that of the package which segments, if there is
    one; ``units`` is the size of the vocabulary. Of pairs of texts, ``segmenter`` is that of
    sources, and ``merges`` is the number of byte pairs that were learned.
    """

    segmenter: str
    version: str | None = None
    units: int
    target_segmenter: str | None = None
    merges: int = 0


class VectorFacts(Record):
    """``vectors.json``: the word vectors that the embeddings started from.

    ``in_file`` is the number of words in the file; of the ``words`` of the training rows ``found``
    have a vector, which occur with the ``share`` of all occurrences. ``figures`` are the metrics of
    the validation set with vectors that are ``frozen`` or ``tuned``, of which ``chosen`` is better.
    """

    file: str
    sha256: str
    size: int
    in_file: int
    words: int
    found: int
    share: float
    figures: dict[str, float] = {}
    chosen: Literal["", "frozen", "tuned"] = ""


class StepFeature(Record):
    """A feature of each event: how many classes it has, and whether they are ranges of a number."""

    classes: int
    is_number: bool


# What an encoder describes of itself in one file.
Described = TextFacts | dict[str, StepFeature]


class Bin(Record):
    """Rows of similar confidence, and the share of them that is correct, with its interval."""

    rows: int
    confidence: float
    observed: float
    low: float
    high: float
