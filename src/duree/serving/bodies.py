"""Bodies: what requests and answers hold, and how the service tells of them."""

# FastAPI and pydantic read these annotations: they may not be strings.
from typing import Annotated, Any, TypeVar

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from duree.report.records import Estimate

T = TypeVar("T", bound=BaseModel)

JSON, ARROW = "application/json", "application/vnd.apache.arrow.stream"
ROWS = 1000  # of one request

Cell = str | int | float | bool | None
Row = Annotated[dict[str, Cell], Field(description="One row: its columns and their values.")]


class Asked(BaseModel):
    """Rows to predict."""

    model_config = ConfigDict(extra="forbid")
    rows: list[Row] = Field(min_length=1, max_length=ROWS)


class AskedWhy(BaseModel):
    """A row to explain."""

    model_config = ConfigDict(extra="forbid")
    row: Row


class Prediction(BaseModel):
    """What is predicted of a row: an answer with its probabilities, or a number with its range."""

    prediction: str | float
    probability: dict[str, float] | None = None
    low: float | None = None
    high: float | None = None


class Predictions(BaseModel):
    """Predictions in the order of the rows."""

    predictions: list[Prediction]


class Word(BaseModel):
    """A unit of a text: where it stands, and what it added."""

    unit: str
    begin: int
    end: int
    attribution: float


class Explanation(Prediction):
    """A prediction, and what each word added to the log-odds of ``answer``, or to the number."""

    answer: str
    words: list[Word]


class Card(BaseModel):
    """What a served model is, and how good."""

    name: str
    duree: str
    task: str
    cell: str
    columns: dict[str, str]
    answers: list[str]
    rows: dict[str, int]
    figures: dict[str, Estimate]
    verdict: str


class Refusal(BaseModel):
    """Why a request was refused."""

    detail: Any


REFUSALS: dict[int | str, dict[str, Any]] = {
    404: {"model": Refusal, "description": "There is no such run."},
    413: {"model": Refusal, "description": "The body is too long."},
    422: {"model": Refusal, "description": "The rows do not fit."},
    503: {"model": Refusal, "description": "Too many rows are waiting; see Retry-After."},
}
TABLE = {"schema": {"type": "string", "format": "binary", "description": "An Arrow IPC stream."}}
PREDICTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {ARROW: TABLE}},
    404: REFUSALS[404],
    503: REFUSALS[503],
}


def parsed(kind: type[T], body: bytes) -> T:
    """A body as it should be; FastAPI's own way takes twice the time of the network's answer."""
    try:
        # NaN and infinity are no JSON, though many a parser takes them.
        return kind.model_validate(from_json(body, allow_inf_nan=False))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise HTTPException(422, faults) from None
    except ValueError as error:
        raise HTTPException(422, f"the body is not JSON: {error}") from None


def body_of(
    kind: type[BaseModel], example: dict[str, Any], needed: frozenset[str]
) -> dict[str, Any]:
    """How the description tells of a body that the route itself parses.

    ``needed`` are the columns that every row must have: where all runs read the same ones, these.
    """
    schema = kind.model_json_schema()
    for row in (schema["properties"].get("row"), schema["properties"].get("rows", {}).get("items")):
        if row and needed:
            row["required"] = sorted(needed)
    return {"schema": schema, "example": example}
