"""The settings of a recipe, section by section: what each is called, may be, and means."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

# What the column is called in which state columns are told as one (duree.tables.layouts.states).
STATES = "states"
# What the values of series are called where several columns hold them.
VALUE = "value"
# The column that holds numeric series, a row each, where they are classified (see
# duree.tables.layouts.numeric_series).
NUMBERS = "numbers"
# Tasks that read series, by time.
OF_SERIES = frozenset({"forecast"})
# Tasks with an answer for each row, also where it is a series of numbers.
OF_ROWS = frozenset({"classify", "regress", "multilabel"})
# And that in which the words of a sentence are told, where each row is a token.
TOKENS = "tokens"


class Section(BaseModel):
    """Settings that cannot be changed once made, nor misspelt."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DataSettings(Section):
    """Which table, which columns, and how its rows are parted."""

    files: tuple[str, ...] = Field((), description="Files or folders that make the table.")
    test_file: str | None = Field(None, description="A file of test rows; none: part them off.")
    validation_file: str | None = Field(
        None, description="A file of rows to choose by, beside a test file; none: part them off."
    )
    text: str | None = Field(None, description="The column that holds the texts.")
    states: tuple[str, ...] = Field(
        (), description="Columns with a state for each time point, in place of text (a:b, a*)."
    )
    state: str | None = Field(None, description="The state, where each row is a spell in one.")
    start: str | None = Field(None, description="When each spell begins: whole numbers or dates.")
    end: str | None = Field(None, description="When each ends; none: where the next begins.")
    event: tuple[str, ...] = Field(
        (), description="What happened, where each row is an event; several columns name it too."
    )
    attribute: tuple[str, ...] = Field(
        (), description="What else is told of each event: read at each step, never foretold."
    )
    series: tuple[str, ...] = Field(
        (),
        description="Columns of numbers over time: those to forecast, a series each; or, where "
        "there is a target, what is read at each time, or the time points side by side (a:b, a*).",
    )
    covariate: tuple[str, ...] = Field(
        (), description="What is known of a sequence of states throughout, as categories."
    )
    token: str | None = Field(
        None, description="The words, where each row is one; auto: those of a CoNLL file."
    )
    target: str | None = Field(
        None, description="The column to predict; of tokens also several, as in upos,feats,lemma."
    )
    id: str | None = Field(
        None,
        description="Names each row, or whose it is (spells, events, series, tokens); never an "
        "input.",
    )
    group: str | None = Field(
        None, description="Rows that share a value here (author, speaker) stay in one part."
    )
    time: str | None = Field(
        None,
        description="Train on what came before, test on what came after; of events and series: "
        "their order.",
    )
    weight: str | None = Field(
        None, description="How much each row or sequence counts: a positive number."
    )
    label_separator: str | None = Field(
        None, description="What parts several labels in one cell (as in 'war; trade')."
    )
    encoding: str | None = Field(None, description="Text encoding; none: found out and told.")
    delimiter: str | None = Field(None, description="Column delimiter; none: found out and told.")
    drop_bad: bool = Field(
        False, description="Leave out rows that cannot be used (and list them) instead of stopping."
    )
    note: str | None = Field(None, description="A sentence about the data, shown atop the report.")
    test_share: float = Field(0.2, gt=0, lt=1, description="Share of the rows kept for the test.")
    validation_share: float = Field(
        0.1, gt=0, lt=1, description="Share of the training rows kept for choosing."
    )

    @property
    def reads_states(self) -> bool:
        return bool(self.states or self.state or self.event)

    @property
    def reads_numbers(self) -> bool:
        return bool(self.series) and self.text == NUMBERS

    @property
    def has_long_rows(self) -> bool:
        if self.reads_numbers:
            return self.time is not None
        return (self.reads_states and not self.states) or self.token is not None

    @model_validator(mode="after")
    def _spells_are_whole(self) -> DataSettings:
        read = {"states": self.states, "state": self.state, "event": self.event}
        if len(given := [name for name, value in read.items() if value]) > 1:
            raise ValueError(f"{' and '.join(f'data.{one}' for one in given)}: choose one")
        if self.attribute and not self.event:
            raise ValueError("data.attribute goes with data.event: it is told of single events")
        if (self.state is None) != (self.start is None) or (self.end and not self.state):
            raise ValueError("data.state, data.start and data.end go together")
        if self.validation_file and not self.test_file:
            raise ValueError("data.validation_file goes with data.test_file: set both")
        if (self.state or self.event) and self.id is None:
            raise ValueError("data.id must name whose spells or events they are")
        return self


class TextSettings(Section):
    """How a text becomes a sequence of numbers."""

    segmenter: Literal["auto", "words", "characters", "jieba", "states"] = Field(
        "auto",
        description="How scripts without spaces are parted; auto: jieba for Chinese if installed. "
        "states: each state of a sequence is a unit.",
    )
    lowercase: bool = Field(True, description="Fold case.")
    numbers: Literal["keep", "digits", "one"] = Field(
        "keep", description="Keep numbers, write every digit as 0, or every number as 0."
    )
    max_features: int = Field(30_000, ge=1, description="Most frequent units that get an index.")
    max_length: int = Field(1000, ge=1, description="Longest sequence, in units.")
    keep: Literal["head", "tail", "both"] = Field(
        "both", description="Which end of a longer text is kept; both: half from each."
    )


class ForecastSettings(Section):
    """What is forecast of a series, from what, and how it is steadied first."""

    horizon: int | None = Field(
        None, ge=1, description="Steps to forecast; none: as many as a wide test file holds."
    )
    season: int | None = Field(
        None, ge=1, description="Steps until the season comes round; none: by the calendar, or 1."
    )
    naive_season: int | None = Field(
        None,
        ge=1,
        description="The season of MASE and Naive2; none: the season. The M4: 1 if weekly.",
    )
    past: tuple[str, ...] = Field(
        (), description="Columns that are read too, known up to the origin of a forecast."
    )
    known: tuple[str, ...] = Field(
        (), description="Columns that are read too, known beforehand for the steps to come."
    )
    calendar: bool = Field(
        True, description="Read where in the year, the week and the day each step lies."
    )
    origins: int | None = Field(
        None, ge=1, description="Test forecasts of each series; none: 1, more of few series."
    )
    window: int | None = Field(
        None, ge=2, description="Steps that the network reads; none: by horizon, season, lengths."
    )
    windows: int = Field(50_000, ge=1, description="Training windows at most, the latest rather.")
    transform: Literal["auto", "none", "log", "boxcox"] = Field(
        "auto",
        description="What steadies the values; auto: the logarithm of positive ones, counts.",
    )
    difference: Literal["auto", "none", "first", "seasonal", "both"] = Field(
        "auto", description="What forecasts start from; auto: what lay nearest in training windows."
    )
    distribution: Literal["quantiles", "gaussian", "student", "negative_binomial"] = Field(
        "quantiles", description="What is said of each step; negative_binomial: counts."
    )


class ModelSettings(Section):
    """The network."""

    cell: Literal["gru", "lstm", "rnn"] = Field("lstm", description="The recurrent cell.")
    embedding_size: int = Field(128, ge=1, description="Numbers that stand for one unit.")
    hidden_size: int = Field(64, ge=1, description="Size of the state, each direction.")
    num_layers: int = Field(1, ge=1, description="Recurrent layers, one above the other.")
    bidirectional: bool = Field(True, description="Read from both ends.")
    pooling: Literal["last", "mean", "max", "attention"] = Field(
        "max", description="How the states of all steps become one."
    )
    memory: int | None = Field(
        None,
        ge=2,
        description="Steps over which gates remember before they have learned; none: a few.",
    )
    word_dropout: float = Field(
        0.2, ge=0, lt=1, description="Share of units hidden as unknown while training."
    )
    input_dropout: float = Field(
        0.3, ge=0, lt=1, description="Share of embedding numbers hidden, one mask per sequence."
    )
    layer_dropout: float = Field(0.0, ge=0, lt=1, description="The same between layers.")
    recurrent_dropout: float = Field(
        0.0, ge=0, lt=1, description="The same on the state from step to step (Gal & Ghahramani)."
    )
    output_dropout: float = Field(0.5, ge=0, lt=1, description="The same on the pooled state.")
    wide: bool = Field(
        True,
        description="Join a linear score to the network's: of the bag of words; of tokens, of what "
        "one sees of a word and its neighbours.",
    )
    characters: Literal["recurrent", "convolution", "none"] = Field(
        "recurrent", description="What reads the characters of each token, where tokens get tags."
    )
    chain: bool = Field(
        True, description="Choose the tags of a sentence together (a CRF), not one by one."
    )

    @model_validator(mode="after")
    def _dropout_has_a_place(self) -> ModelSettings:
        if self.layer_dropout > 0 and self.num_layers == 1:
            raise ValueError("layer_dropout needs num_layers of at least 2")
        return self

    @model_validator(mode="after")
    def _memory_has_gates(self) -> ModelSettings:
        if self.memory is not None and self.cell == "rnn":
            raise ValueError("memory needs a cell with gates: gru or lstm")
        return self


class TrainingSettings(Section):
    """How the network learns."""

    optimiser: Literal["adam", "adamw", "sgd", "rmsprop"] = Field(
        "adam", description="The update rule."
    )
    learning_rate: float = Field(2e-3, gt=0, description="Its largest value.")
    weight_decay: float = Field(0.0, ge=0, description="Pull of the weights towards zero.")
    schedule: Literal["constant", "cosine", "linear"] = Field(
        "cosine", description="How the learning rate falls over the epochs."
    )
    clip_norm: float = Field(1.0, ge=0, description="Largest norm of a gradient; 0: no limit.")
    batch_size: int = Field(64, ge=1, description="Sequences per step.")
    epochs: int | None = Field(
        None,
        ge=1,
        description="Passes over the training rows; none: 700 steps, in 5 to 50 passes "
        "(what comes next: 3,500, in up to 100).",
    )
    patience: int = Field(10, ge=1, description="Epochs without gain on validation before the end.")
    averaging: bool = Field(True, description="Judge and keep a moving average of the weights.")
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: rare classes count as much as common ones."
    )
    max_minutes: float | None = Field(None, gt=0, description="Stop training after so long.")
    checkpoint_seconds: float = Field(30.0, gt=0, description="Lose at most so much of the work.")


class EvaluationSettings(Section):
    """Beside what, and how surely, the network is judged."""

    baselines: bool = Field(True, description="Train the baselines too.")
    forest_trees: int = Field(1000, ge=1, description="Trees of the random forest.")
    bootstrap: int = Field(2000, ge=100, description="Resamples behind each interval.")
    seeds: int = Field(1, ge=1, description="Networks to train, each from a seed of its own.")


class EpochBudget(NamedTuple):
    """How long to train where the recipe leaves the epochs open: for so many steps, or epochs."""

    steps: int = 700
    epochs: int = 50


DEFAULT_BUDGET = EpochBudget()
