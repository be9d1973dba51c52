"""The service: a trained run behind HTTP, for programs that ask many rows a second.

    POST /predict   rows in, predictions out          GET /health, /ready   is it there, and able?
    POST /explain   what each word of a row added     GET /metrics          for Prometheus
    GET  /model     what it is and how good           GET /openapi.json       all of this, exactly

With several runs, ``?run=NAME`` names one; the first answers otherwise.
"""

# FastAPI reads the annotations of functions that stand within another: they may not be strings.
import asyncio
import time
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
import polars as pl
from fastapi import FastAPI, HTTPException, Query, Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json, to_json

from duree import __version__
from duree.explain.attribution import integrated_gradients
from duree.explaining import answer_names
from duree.network.model import tabulated
from duree.report.records import Estimate
from duree.run import Run
from duree.sequences.text import TextEncoder
from duree.serving.batching import WAITING, Batcher, Full
from duree.serving.guard import App, Receive, Scope, Send
from duree.trained import TrainedModel

T = TypeVar("T", bound=BaseModel)

JSON = "application/json"
ROWS = 1000  # of one request
# More tokens than any table of words costs, so that it is always made.
ALL = 2**62
RETRY_AFTER = 1  # seconds

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


class Served:
    """One run, loaded once."""

    def __init__(self, folder: Path, waiting: int) -> None:
        run = Run(folder)
        self.model = TrainedModel.of_run(run)
        self.name = run.folder.resolve().name
        self.waiting = waiting
        metrics = run.read_json("metrics.json")
        figures = metrics["models"]["network"]
        self.card = Card(
            name=self.name,
            duree=__version__,
            task=self.model.task.name,
            cell=metrics["cell"],
            columns=self.model.columns,
            answers=answer_names(self.model),
            rows=metrics["rows"],
            figures={name: Estimate(**f) for name, f in figures.items() if isinstance(f, dict)},
            verdict=metrics["verdict"],
        )

    def open(self) -> None:
        """Make ready to take requests, in the event loop that runs."""
        self.batcher = Batcher(self.answers, self.waiting)

    async def work(self) -> None:
        """Answer requests until the batcher is closed."""
        with tabulated(self.model.network, ALL):
            await self.batcher.run()

    def text(self, row: dict[str, Cell], number: int) -> str:
        """The text of a row; numbers as they are written, a missing one as nothing."""
        column = self.model.columns["text"]
        if column not in row:
            given = ", ".join(map(repr, row)) or "none"
            why = f"row {number} has no column {column!r}; its columns are {given}"
            raise HTTPException(422, why)
        value = row[column]
        return "" if value is None else str(value)

    def answers(self, texts: list[str]) -> list[dict[str, Any]]:
        """A prediction for each text, as the service tells it."""
        model = self.model
        predictions = model.predictions(model.encode(pl.Series("text", texts, dtype=pl.String)))
        columns = {column.name: column.to_list() for column in model.task.columns(predictions)}
        said, names = columns.pop("prediction"), model.task.classes
        if not names:
            rows = zip(said, columns["low"], columns["high"], strict=True)
            return [_finite(prediction=s, low=low, high=high) for s, low, high in rows]
        return [
            {"prediction": s, "probability": dict(zip(names, row, strict=True))}
            for s, row in zip(said, predictions.tolist(), strict=True)
        ]


class Figures:
    """What /metrics tells."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "duree_requests",
            "Requests by path and status",
            ["path", "status"],
            registry=self.registry,
        )
        self.rows = Counter("duree_rows", "Rows predicted", ["run"], registry=self.registry)
        self.seconds = Histogram(
            "duree_request_seconds", "Time of a request", ["path"], registry=self.registry
        )
        self.waiting = Gauge(
            "duree_rows_waiting", "Rows that wait", ["run"], registry=self.registry
        )


def create_service(folders: list[Path], waiting: int = WAITING) -> FastAPI:
    """The application that serves some runs.

    Parameters
    ----------
    folders : list of Path
        Run folders; the first answers where no run is named.
    waiting : int
        Rows that may wait for each of them.

    Raises
    ------
    RunError
        A folder holds no finished run.
    """
    loaded = [Served(folder, waiting) for folder in folders]
    runs = {served.name: served for served in loaded}
    figures = Figures()

    @asynccontextmanager
    async def working(app: FastAPI) -> AsyncIterator[None]:
        for served in runs.values():
            served.open()
            waiting = figures.waiting.labels(served.name)
            waiting.set_function(partial(getattr, served.batcher, "rows"))
        tasks = [asyncio.create_task(served.work()) for served in runs.values()]
        yield
        for served in runs.values():
            served.batcher.close()
        await asyncio.gather(*tasks)

    app = FastAPI(
        title="Durée",
        version=__version__,
        description=__doc__,
        lifespan=working,
        docs_url=None,  # these pages would load scripts from elsewhere
        redoc_url=None,
        responses={code: REFUSALS[code] for code in (413, 422)},
    )

    def chosen(run: str | None) -> Served:
        if run is None:
            return loaded[0]
        if run not in runs:
            raise HTTPException(404, f"there is no run {run!r}; there are {', '.join(runs)}")
        return runs[run]

    Name = Annotated[str | None, Query(description="Which run; the first, if not given.")]
    columns = {served.model.columns["text"] for served in loaded}
    example = {"rows": [{loaded[0].model.columns["text"]: "No rain, no rainbow."}]}

    @app.post(
        "/predict",
        response_model=Predictions,
        responses={code: REFUSALS[code] for code in (404, 503)},
        openapi_extra=_body_of(Asked, example, columns),
    )
    async def predict(request: Request, run: Name = None) -> Response:
        """Predict some rows."""
        asked = _parsed(Asked, await request.body())
        served = chosen(run)
        texts = [served.text(row, number) for number, row in enumerate(asked.rows, start=1)]
        found = await _predicted(served, texts)
        figures.rows.labels(served.name).inc(len(texts))
        return Response(to_json({"predictions": found}), media_type=JSON)

    @app.post(
        "/explain",
        responses={code: REFUSALS[code] for code in (404, 503)},
        openapi_extra=_body_of(AskedWhy, {"row": example["rows"][0]}, columns),
    )
    async def explain(request: Request, run: Name = None) -> Explanation:
        """Predict one row, and tell what each of its words added."""
        asked = _parsed(AskedWhy, await request.body())
        served = chosen(run)
        text = served.text(asked.row, 1)
        found = await _predicted(served, [text])
        loop = asyncio.get_running_loop()
        why = await loop.run_in_executor(served.batcher.thread, _explained, served.model, text)
        return Explanation(**found[0], **why)

    @app.get("/model", responses={404: REFUSALS[404]})
    async def model(run: Name = None) -> Card:
        """What the model is, what it was trained on, and how good it is."""
        return chosen(run).card

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Whether the service is there."""
        return {"status": "ok"}

    @app.get("/ready", responses={503: REFUSALS[503]})
    async def ready() -> dict[str, str]:
        """Whether it takes requests."""
        if any(served.batcher.closing for served in runs.values()):
            raise HTTPException(503, "closing")
        return {"status": "ready"}

    app.add_middleware(_Counted, figures=figures)

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Figures for Prometheus."""
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return Response(generate_latest(figures.registry), media_type=kind)

    return app


def _body_of(kind: type[BaseModel], example: dict[str, Any], columns: set[str]) -> dict[str, Any]:
    """How the description tells of a body that the route itself parses.

    Where all runs read the same column, every row must have it.
    """
    schema = kind.model_json_schema()
    for row in (schema["properties"].get("row"), schema["properties"].get("rows", {}).get("items")):
        if row and len(columns) == 1:
            row["required"] = sorted(columns)
    content = {"schema": schema, "example": example}
    return {"requestBody": {"required": True, "content": {JSON: content}}}


def _parsed(kind: type[T], body: bytes) -> T:
    """A body as it should be; FastAPI's own way takes twice the time of the network's answer."""
    try:
        # NaN and infinity are no JSON, though many a parser takes them.
        return kind.model_validate(from_json(body, allow_inf_nan=False))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise HTTPException(422, faults) from None
    except ValueError as error:
        raise HTTPException(422, f"the body is not JSON: {error}") from None


class _Counted:
    """An ASGI application around another, which counts and times its answers."""

    def __init__(self, app: App, figures: Figures) -> None:
        self.app, self.figures = app, figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()

        async def told(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                # A path that nobody serves could be anything: it is not kept.
                path = scope["path"] if scope.get("route") else "other"
                self.figures.requests.labels(path, message["status"]).inc()
                self.figures.seconds.labels(path).observe(time.perf_counter() - began)
            await send(message)

        await self.app(scope, receive, told)


async def _predicted(served: Served, texts: list[str]) -> list[dict[str, Any]]:
    try:
        return await served.batcher.answers(texts)
    except Full:
        headers = {"Retry-After": str(RETRY_AFTER)}
        raise HTTPException(503, "too many rows are waiting", headers) from None


def _explained(model: TrainedModel, text: str) -> dict[str, Any]:
    assert isinstance(model.encoder, TextEncoder)
    given = integrated_gradients(model, model.encode(pl.Series("text", [text])))
    words = zip(
        model.encoder.units(text),
        model.encoder.places(text),
        given.values.values.tolist(),
        strict=True,
    )
    return {
        "answer": answer_names(model)[int(given.outputs[0])],
        "words": [
            {"unit": unit, "begin": begin, "end": end, "attribution": attribution}
            for unit, (begin, end), attribution in words
        ],
    }


def _finite(**values: float) -> dict[str, float | None]:
    """JSON has no infinity: a range without an end has none."""
    return {name: value if np.isfinite(value) else None for name, value in values.items()}
