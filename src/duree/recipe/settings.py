"""The settings of a recipe by section: names, allowed values and descriptions."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from duree.recipe.class_names import ClassNames, names_by_value
from duree.recipe.faults import Contradiction

# The column that holds whole state sequences (see duree.tables.layouts.states).
STATES = "states"
# The name of the values of series from several columns.
VALUE = "value"
# The column that holds numeric series to classify or regress, one per row (see
# duree.tables.layouts.numeric_series).
NUMBERS = "numbers"
# The column that holds the words of sentences in tables of tokens.
TOKENS = "tokens"


class Section(BaseModel):
    """The base of sections: immutable, without unknown names."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DataSettings(Section):
    """Which table and columns are read, and how rows are split."""

    files: tuple[str, ...] = Field((), description="Files or folders that make up the table.")
    test_file: str | None = Field(None, description="A file of test rows; none: split them off.")
    validation_file: str | None = Field(
        None,
        description="A file of validation rows, to be used with a test file; none: split them off.",
    )
    vectors: str | None = Field(
        None,
        description="A file of word vectors that embeddings start from: GloVe, word2vec (text or "
        "binary), fastText (.vec or .bin).",
    )
    text: str | None = Field(None, description="The column that holds the texts.")
    states: tuple[str, ...] = Field(
        (), description="Columns with a state for each time point, instead of text (a:b, a*)."
    )
    state: str | None = Field(None, description="The column of states, where each row is a spell.")
    start: str | None = Field(None, description="The start of each spell: whole numbers or dates.")
    end: str | None = Field(None, description="The end of each spell; none: the start of the next.")
    event: tuple[str, ...] = Field(
        (),
        description="The type of event, where each row is an event; several columns are combined.",
    )
    attribute: tuple[str, ...] = Field(
        (), description="Further attributes of each event: read at each step, never predicted."
    )
    series: tuple[str, ...] = Field(
        (),
        description="Columns of numbers over time: the series to forecast, one per column; "
        "or, with a target, the values at each time, or the time points side by "
        "side (a:b, a*).",
    )
    covariate: tuple[str, ...] = Field(
        (), description="Columns that describe a whole state sequence, read as categories."
    )
    token: str | None = Field(
        None,
        description="The column of words, where each row is a word; auto: that of a CoNLL file.",
    )
    target: str | None = Field(
        None, description="The column to predict; for tokens also several, as in upos,feats,lemma."
    )
    id: str | None = Field(
        None,
        description="The column that identifies each row, or the sequence to which it "
        "belongs (spells, events, series, tokens); never an input.",
    )
    group: str | None = Field(
        None,
        description="Rows with the same value in this column (author, speaker) stay in the same "
        "set.",
    )
    time: str | None = Field(
        None,
        description="Train on earlier rows, test on later ones; for events and series: their "
        "order.",
    )
    weight: str | None = Field(
        None, description="The weight of each row or sequence: a positive number."
    )
    label_separator: str | None = Field(
        None, description="The separator of several labels in one cell (as in 'war; trade')."
    )
    class_names: Annotated[
        dict[str, str], BeforeValidator(names_by_value), AfterValidator(ClassNames)
    ] = Field(
        {},
        description="Names of the classes by the values of the target, as in 0=negative, "
        "1=positive; values without a name are kept.",
    )
    missing_codes: tuple[str, ...] = Field(
        (),
        description="Cells that mean a missing value in states, events, series, attributes and "
        "covariates, as in ['NA', '*', '-99'].",
    )
    encoding: str | None = Field(None, description="Text encoding; none: detected and reported.")
    delimiter: str | None = Field(
        None, description="Column delimiter; none: detected and reported."
    )
    drop_bad: bool = Field(
        False, description="Leave out rows that cannot be used (and list them) instead of stopping."
    )
    note: str | None = Field(
        None, description="A sentence about the data, shown at the top of the report."
    )
    test_share: float = Field(0.2, gt=0, lt=1, description="Share of the rows for the test set.")
    validation_share: float = Field(
        0.1, gt=0, lt=1, description="Share of the training rows for the validation set."
    )

    @field_validator("missing_codes", mode="before")
    @classmethod
    def _codes_are_texts(cls, codes: object) -> object:
        """Codes from one text, separated by commas, or from a list that may hold numbers."""
        if isinstance(codes, str | int | float):
            return [code.strip() for code in str(codes).split(",")]
        if isinstance(codes, list | tuple):
            return [str(code) if isinstance(code, int | float) else code for code in codes]
        return codes

    @model_validator(mode="after")
    def _sources_are_consistent(self) -> DataSettings:
        read = {"states": self.states, "state": self.state, "event": self.event}
        if len(given := [name for name, value in read.items() if value]) > 1:
            named = ", ".join(f"data.{one}" for one in given)
            raise Contradiction("{settings} cannot all be given: choose one", settings=named)
        if self.attribute and not self.event:
            raise Contradiction("data.attribute goes with data.event: it describes single events")
        if (self.state is None) != (self.start is None) or (self.end and not self.state):
            raise Contradiction(
                "data.state, data.start and data.end go together: give --state, --start and --end"
            )
        if self.class_names and self.target is None:
            raise Contradiction("data.class_names goes with data.target: it names its values")
        if self.validation_file and not self.test_file:
            raise Contradiction(
                "data.validation_file goes with data.test_file: give --test as well as --validation"
            )
        if (self.state or self.event) and self.id is None:
            raise Contradiction("data.id must name the person of each spell or event")
        return self


class TextSettings(Section):
    """How texts are turned into sequences of tokens."""

    segmenter: Literal["auto", "words", "characters", "jieba", "states", "symbols", "subwords"] = (
        Field(
            "auto",
            description="How text without spaces between words is segmented; auto: jieba for "
            "Chinese if installed. states: each state of a sequence is a unit. For pairs of texts "
            "and language models: characters, symbols between blanks, subwords or words; auto: by "
            "the texts.",
        )
    )
    lowercase: bool = Field(True, description="Convert text to lower case.")
    numbers: Literal["keep", "digits", "one"] = Field(
        "keep", description="Keep numbers, replace every digit by 0, or every number by 0."
    )
    max_features: int = Field(
        30_000, ge=1, description="Vocabulary size: the number of most frequent units."
    )
    max_length: int = Field(1000, ge=1, description="Maximum length of a sequence, in units.")
    keep: Literal["head", "tail", "both"] = Field(
        "both", description="Which end of a longer text is read; both: half from each end."
    )


class ForecastSettings(Section):
    """What is forecast, from which inputs, and how series are transformed."""

    horizon: int | None = Field(
        None, ge=1, description="Steps to forecast; none: as many as a wide test file has."
    )
    season: int | None = Field(
        None,
        ge=1,
        description="Length of the season in steps; none: by the calendar, or found in the "
        "training values; 1: no season.",
    )
    naive_season: int | None = Field(
        None,
        ge=1,
        description="Season for MASE and Naive2; none: as season. M4 uses 1 for weekly series.",
    )
    past: tuple[str, ...] = Field(
        (), description="Further input columns, known up to the origin of a forecast."
    )
    known: tuple[str, ...] = Field(
        (), description="Further input columns, known in advance for the steps to forecast."
    )
    calendar: bool = Field(
        True, description="Read the position of each step in the year, week and day."
    )
    origins: int | None = Field(
        None,
        ge=1,
        description="Test forecasts per series; none: 1, or more if there are few series.",
    )
    window: int | None = Field(
        None,
        ge=2,
        description="Steps that the network reads; none: from horizon, season and lengths.",
    )
    windows: int = Field(
        50_000, ge=1, description="Maximum number of training windows; recent ones are preferred."
    )
    transform: Literal["auto", "none", "log", "boxcox"] = Field(
        "auto",
        description="Transformation of the values; auto: logarithm if all are positive, or counts.",
    )
    difference: Literal["auto", "none", "first", "seasonal", "both"] = Field(
        "auto",
        description="Reference that forecasts start from; auto: the closest in training windows.",
    )
    distribution: Literal["quantiles", "gaussian", "student", "negative_binomial"] = Field(
        "quantiles",
        description="Predictive distribution of each step; negative_binomial: for counts.",
    )


class ModelSettings(Section):
    """The network."""

    cell: Literal["gru", "lstm", "rnn"] = Field("lstm", description="The recurrent cell.")
    embedding_size: int = Field(128, ge=1, description="Size of the embedding of each unit.")
    hidden_size: int = Field(64, ge=1, description="Size of the hidden state, per direction.")
    num_layers: int = Field(1, ge=1, description="Number of recurrent layers.")
    bidirectional: bool = Field(True, description="Read sequences in both directions.")
    pooling: Literal["last", "mean", "max", "attention"] = Field(
        "max", description="How the hidden states of all steps are pooled."
    )
    memory: int | None = Field(
        None,
        ge=2,
        description="Chrono initialisation: steps that gates remember before training; none: a "
        "few.",
    )
    word_dropout: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="Share of units replaced by the unknown unit in training; "
        "language models: share of units whose embeddings are left out.",
    )
    input_dropout: float = Field(
        0.3, ge=0, lt=1, description="Dropout on the embeddings, with one mask per sequence."
    )
    layer_dropout: float = Field(
        0.0, ge=0, lt=1, description="Dropout between layers, with one mask per sequence."
    )
    recurrent_dropout: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Dropout on the recurrent state, with one mask per sequence (Gal & "
        "Ghahramani); language models: on the recurrent weights (Merity et al.).",
    )
    output_dropout: float = Field(0.5, ge=0, lt=1, description="Dropout on the pooled state.")
    wide: bool = Field(
        True,
        description="Add a wide part, a linear model: on words, pairs of words and characters of "
        "words; for tokens, on features of each word and its neighbours.",
    )
    characters: Literal["recurrent", "convolution", "none"] = Field(
        "recurrent", description="How the characters of each token are read, where tokens get tags."
    )
    chain: bool = Field(
        True, description="Predict the tags of a sentence jointly (with a CRF), not one by one."
    )
    attention: Literal["dot", "additive", "monotonic"] = Field(
        "dot",
        description="How an output attends to its source; additive: slower (Bahdanau et al.); "
        "monotonic: one step at a time, never going back, for words (Wu & Cotterell).",
    )
    copying: bool = Field(True, description="Let outputs copy units of their source.")
    label_smoothing: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Share of each unit of an output that is spread over all others.",
    )
    beam: int = Field(5, ge=1, description="Outputs considered at once in decoding; 1: greedy.")

    @model_validator(mode="after")
    def _layer_dropout_needs_layers(self) -> ModelSettings:
        if self.layer_dropout > 0 and self.num_layers == 1:
            raise Contradiction("layer_dropout needs num_layers of at least 2")
        return self

    @model_validator(mode="after")
    def _memory_needs_gates(self) -> ModelSettings:
        if self.memory is not None and self.cell == "rnn":
            raise Contradiction("memory needs a cell with gates: gru or lstm")
        return self


class TrainingSettings(Section):
    """How the network is trained."""

    optimiser: Literal["adam", "adamw", "sgd", "rmsprop"] = Field(
        "adam", description="The optimiser."
    )
    learning_rate: float = Field(2e-3, gt=0, description="The peak learning rate.")
    weight_decay: float = Field(0.0, ge=0, description="Weight decay.")
    schedule: Literal["constant", "cosine", "linear"] = Field(
        "cosine", description="How the learning rate decays over the epochs."
    )
    clip_norm: float = Field(1.0, ge=0, description="Maximum norm of the gradient; 0: no limit.")
    batch_size: int = Field(64, ge=1, description="Sequences per batch.")
    chunk_length: int = Field(
        100,
        ge=2,
        description="Language models: units read between two updates, with the state carried on.",
    )
    epochs: int | None = Field(
        None,
        ge=1,
        description="Epochs of training; none: 700 steps, in 5 to 50 epochs (3,500 in up to "
        "100 for the task next; 3,000, of sentences 12,000, in up to 40 for transduce; 4,500, of "
        "words 9,500, in up to 100 for language).",
    )
    patience: int = Field(
        10,
        ge=1,
        description="Epochs without improvement on the validation set before training stops.",
    )
    averaging: bool = Field(True, description="Evaluate and save a moving average of the weights.")
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: rare classes count as much as frequent ones."
    )
    max_minutes: float | None = Field(
        None,
        gt=0,
        description="Stop training after this many minutes; leave out baselines that "
        "would take longer.",
    )
    checkpoint_seconds: float = Field(30.0, gt=0, description="Seconds between checkpoints.")


class EvaluationSettings(Section):
    """Baselines, and the uncertainty of the evaluation."""

    baselines: bool = Field(True, description="Train the baselines as well.")
    metric: str | None = Field(
        None,
        description="The primary metric: accuracy, macro_f1, log_loss, ...: watched in training, "
        "tested in the verdict; classes are decided for it. none: that of the task.",
    )
    forest_trees: int = Field(1000, ge=1, description="Number of trees of the random forest.")
    bootstrap: int = Field(2000, ge=100, description="Bootstrap resamples for each interval.")
    seeds: int = Field(
        1,
        ge=1,
        description="Number of networks to train, each from its own seed; those that write "
        "outputs (`transduce`) write them together.",
    )


class EpochBudget(NamedTuple):
    """How long to train if the recipe sets no epochs: at most so many steps or epochs."""

    steps: int = 700
    epochs: int = 50


DEFAULT_BUDGET = EpochBudget()
