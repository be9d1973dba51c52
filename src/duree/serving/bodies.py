"""Bodies of requests and responses, and their OpenAPI description."""

# FastAPI and pydantic read these annotations: they may not be strings.
import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from fastapi import HTTPException
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from duree.errors import DataError
from duree.results.run_files import Estimate
from duree.tasks import Task

T = TypeVar("T", bound=BaseModel)
V = TypeVar("V")

JSON, ARROW = "application/json", "application/vnd.apache.arrow.stream"
ROWS = 1000  # per request
LONGEST_SHOWN = 40  # characters of a value in a message
# Of texts that are written: characters of the prompt, codes of a text, texts.
LONGEST_PROMPT, LONGEST_TEXT, MOST_TEXTS = 20_000, 1000, 16

# A number like 1e400 is valid JSON, and infinite as a float.
Finite = Annotated[float, Field(allow_inf_nan=False)]
Cell = str | int | Finite | bool | None
Row = Annotated[dict[str, Cell], Field(description="A row: column names and values.")]
# A cell of a sentence, a series, or a row of events with attributes.
Line = Cell | list[Cell]
Lines = Annotated[
    dict[str, Line],
    Field(description="A sentence, a series or events: column names, and one value per step."),
]


class Asked(BaseModel):
    """Rows to predict."""

    model_config = ConfigDict(extra="forbid")
    rows: list[Row] = Field(min_length=1, max_length=ROWS)


class AskedLists(BaseModel):
    """Sentences to tag, series to forecast, or events with their attributes."""

    model_config = ConfigDict(extra="forbid")
    rows: list[Lines] = Field(min_length=1, max_length=ROWS)


class AskedWhy(BaseModel):
    """A row to explain."""

    model_config = ConfigDict(extra="forbid")
    row: Lines


class AskedSurprisal(BaseModel):
    """Texts whose surprisal is asked for, and by which parts."""

    model_config = ConfigDict(extra="forbid")
    rows: list[Row] = Field(min_length=1, max_length=ROWS)
    by: Literal["unit", "word", "sentence"] = "unit"


class AskedTexts(BaseModel):
    """Texts to write: they continue the prompt, as ``duree generate`` does."""

    model_config = ConfigDict(extra="forbid")
    prompt: str = Field("", max_length=LONGEST_PROMPT)
    length: int = Field(300, ge=1, le=LONGEST_TEXT)
    temperature: Finite = Field(1.0, gt=0)
    top_p: Finite = Field(1.0, gt=0, le=1)
    count: int = Field(1, ge=1, le=MOST_TEXTS)
    seed: int = Field(0, ge=0)


class Prediction(BaseModel):
    """Prediction for a row: a class with its probabilities, or a number with its 95 % interval."""

    prediction: str | float
    probability: dict[str, float] | None = None
    low: float | None = None
    high: float | None = None
    unseen: float | None = None
    warning: str | None = None


class Tags(BaseModel):
    """Prediction for a sentence: a tag for each word, with its probability; for further layers as
    ``prediction_LAYER`` and ``probability_LAYER``."""

    model_config = ConfigDict(extra="allow")
    prediction: list[str]
    probability: list[float]


class Forecast(BaseModel):
    """Forecast of a series, for each step: time, median, 95 % and 80 % intervals."""

    time: list[str]
    prediction: list[float | None]
    low: list[float | None]
    high: list[float | None]
    low_80: list[float | None]
    high_80: list[float | None]


class Sums(BaseModel):
    """The surprisal of a text, in bits, and what it is divided by; the end of a text is a unit."""

    bits: float
    units: int
    characters: int
    perplexity: float
    unseen: float | None = None
    warning: str | None = None


class Part(BaseModel):
    """A unit, word or sentence of a text, and its surprisal in bits. The end of the text belongs to
    the last part; among units it stands alone, with an empty text."""

    text: str
    begin: int
    end: int
    units: int
    bits: float


class PartsOfText(Sums):
    """The surprisal of a text and of its parts, which add up to it."""

    parts: list[Part]


class Surprisals(BaseModel):
    """The surprisal of texts in the order of the rows."""

    surprisal: list[PartsOfText]


class Span(BaseModel):
    """A passage of a text, in characters."""

    begin: int
    end: int


class TextThatGoesOn(BaseModel):
    """A text without its prompt; ``ended``: not cut at the length; ``copied``: the passages that
    stand in the training text, null where that is gone."""

    text: str
    ended: bool
    units: int
    bits: float
    copied: list[Span] | None


class TextsThatGoOn(BaseModel):
    """Texts that continue a prompt."""

    texts: list[TextThatGoesOn]
    warning: str | None = None


class Predictions(BaseModel):
    """Predictions in the order of the rows."""

    predictions: list[Prediction | Tags | Forecast | Sums]


class Word(BaseModel):
    """A unit of a text: its position and its attribution."""

    unit: str
    begin: int
    end: int
    attribution: float


class Explanation(Prediction):
    """A prediction, with each word's attribution to the log-odds of ``answer`` or to the number."""

    answer: str
    words: list[Word]


class Card(BaseModel):
    """A served model: its task, the columns that every row needs (``inputs``), and its metrics."""

    name: str
    duree: str
    task: str
    cell: str
    columns: dict[str, str]
    inputs: list[str]
    answers: list[str]
    rows: dict[str, int]
    figures: dict[str, Estimate]
    verdict: str


class Refusal(BaseModel):
    """Why a request was refused."""

    detail: Any


REFUSALS: dict[int | str, dict[str, Any]] = {
    404: {"model": Refusal, "description": "There is no such run."},
    406: {"model": Refusal, "description": "Tags and forecasts are JSON only."},
    413: {"model": Refusal, "description": "The body is too large."},
    415: {"model": Refusal, "description": "Sentences and series must be sent as JSON."},
    422: {"model": Refusal, "description": "The rows are invalid."},
    503: {"model": Refusal, "description": "Too many rows are waiting; see Retry-After."},
}
TABLE = {"schema": {"type": "string", "format": "binary", "description": "An Arrow IPC stream."}}
PREDICTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {ARROW: TABLE}},
    **{code: REFUSALS[code] for code in (404, 406, 415, 503)},
}


def parsed(kind: type[T], body: bytes) -> T:
    """A validated body; FastAPI's own parsing takes twice the time of the prediction."""
    try:
        # NaN and infinity are not JSON, though many parsers accept them.
        return kind.model_validate(from_json(body, allow_inf_nan=False))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise HTTPException(422, faults) from None
    except ValueError as error:
        raise HTTPException(422, f"the body is not JSON: {error}") from None


def column_of(row: Mapping[str, V], name: str, number: int) -> V:
    """A column of a row; 422 if it is missing."""
    if name not in row:
        given = ", ".join(map(repr, row)) or "none"
        raise HTTPException(422, f"row {number} has no column {name!r}; its columns are {given}")
    return row[name]


def steps_of(cells: Line, name: str, number: int) -> list[Any]:
    """The values of column ``name`` at each step; 422 if they are not a list."""
    if not isinstance(cells, list) or not cells:
        raise unfit(number, f"{name!r} is to be a list, from the first step to the last")
    return cells


def unfit(number: int, why: str) -> HTTPException:
    """The response to an invalid row, and why it is invalid."""
    return HTTPException(422, f"row {number}: {why}")


def finite_number(cell: object, name: str, number: int) -> float | None:
    """A number of column ``name`` as a float, None for none; 422 if it is none or too large."""
    if cell is None:
        return None
    try:
        if isinstance(cell, bool) or not isinstance(cell, int | float):
            raise TypeError
        return float(cell)
    except (TypeError, OverflowError):  # whole numbers of more than 308 digits
        raise unfit(number, f"{name!r} holds {_shown(cell)}: give numbers, null for none") from None


def _shown(cell: object) -> str:
    """A value in a message, shortened."""
    written = repr(cell)
    return written if len(written) <= LONGEST_SHOWN else f"{written[:LONGEST_SHOWN]}..."


def answers_of(task: Task, predictions: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Predictions [rows, outputs] as JSON data; DataError if one is not a number."""
    if np.isnan(predictions).any():
        raise DataError(
            "the network gives no prediction for a row",
            fix="check its values: some may be too large",
        )
    columns = {column.name: column.to_list() for column in task.columns(predictions)}
    classes = task.classes
    if not classes:
        rows = zip(*columns.values(), strict=True)
        return [dict(zip(columns, finite(row), strict=True)) for row in rows]
    return [
        {"prediction": predicted, "probability": dict(zip(classes, row, strict=True))}
        for predicted, row in zip(columns["prediction"], predictions.tolist(), strict=True)
    ]


def finite(values: Iterable[float | str | None]) -> list[float | str | None]:
    """Values for JSON, which has no infinity: None in its place."""
    return [
        None if isinstance(value, float) and not math.isfinite(value) else value for value in values
    ]


def body_of(
    kind: type[BaseModel], example: dict[str, Any], needed: frozenset[str]
) -> dict[str, Any]:
    """The description of a body that the route itself parses.

    ``needed`` are the columns that every row needs, if they are the same for all runs.
    """
    schema = kind.model_json_schema()
    for row in (schema["properties"].get("row"), schema["properties"].get("rows", {}).get("items")):
        if row and needed:
            row["required"] = sorted(needed)
    return {"schema": schema, "example": example}
