"""The service: a trained run behind HTTP, for programs that ask many rows a second.

    POST /predict   rows in, predictions out          GET /health, /ready   is it there, and able?
    POST /explain   what each word of a row added     GET /metrics          for Prometheus
    GET  /model     what it is and how good           GET /openapi.json       all of this, exactly

With several runs, ``?run=NAME`` names one; the first answers otherwise. Rows to predict come and go
as JSON, or as a table in Arrow's stream format.
"""

# FastAPI reads the annotations of functions that stand within another: they may not be strings.
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, MutableMapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
from fastapi import APIRouter, FastAPI, HTTPException, Query, Request, Response
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from duree.errors import RunError, translate
from duree.serving.arrow import read_column, write_table
from duree.serving.batching import WAITING, Full
from duree.serving.bodies import (
    ARROW,
    JSON,
    PREDICTED,
    REFUSALS,
    TABLE,
    AskedLists,
    AskedWhy,
    Card,
    Explanation,
    Predictions,
    body_of,
    parsed,
)
from duree.serving.guard import App, Receive, Scope, Send
from duree.serving.numbers import Numbers
from duree.serving.sentences import Sentences
from duree.serving.series import SeriesRows
from duree.serving.served import Rows, Served
from duree.version import __version__

RETRY_AFTER = 1  # seconds
# An explanation asks the network so often.
EXPLANATION = 64  # rows


def create_service(folders: list[Path], waiting: int = WAITING) -> FastAPI:
    """The application that serves some runs.

    Whoever sets ``state.reload``, an event, has all of them loaded anew.

    Parameters
    ----------
    folders : list of Path
        Run folders; the first answers where no run is named.
    waiting : int
        Rows that may wait for each of them.

    Raises
    ------
    RunError
        A folder holds no finished run, or two have the same name.
    """
    runs: dict[str, Served] = {}
    for folder in folders:
        served = Served(folder, waiting)
        if served.name in runs:
            raise RunError(
                "two of the runs are called {name!r}",
                fix="rename the folder of one: requests ask for a run by its name",
                name=served.name,
            )
        runs[served.name] = served
    first = next(iter(runs))
    figures, threads = Figures(), torch.get_num_threads()
    reload = asyncio.Event()
    working: set[asyncio.Task[None]] = set()

    def begin(served: Served) -> None:
        served.open(threads)
        figures.waiting.labels(served.name).set_function(partial(getattr, served.batcher, "rows"))
        runs[served.name] = served
        task = asyncio.create_task(served.batcher.run())
        working.add(task)
        task.add_done_callback(working.discard)

    async def reload_when_asked() -> None:
        while await reload.wait():
            reload.clear()
            for old in list(runs.values()):
                if new := await asyncio.to_thread(_loaded_anew, old):
                    begin(new)
                    old.batcher.close()  # it answers those who wait
            describe()

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        # A small batch is computed before another thread would have heard of it.
        torch.set_num_threads(1)
        for served in list(runs.values()):
            begin(served)
        reloading = asyncio.create_task(reload_when_asked())
        yield
        reloading.cancel()
        for served in runs.values():
            served.batcher.close()
        await asyncio.gather(*working)
        torch.set_num_threads(threads)

    app = FastAPI(
        title="Durée",
        version=__version__,
        description=__doc__,
        lifespan=alive,
        docs_url=None,  # these pages would load scripts from elsewhere
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours is /metrics
        responses={code: REFUSALS[code] for code in (413, 422)},
    )
    app.state.reload = reload

    def chosen(run: str | None) -> Served:
        name = first if run is None else run
        if name not in runs:
            raise HTTPException(404, f"there is no run {run!r}; there are {', '.join(runs)}")
        return runs[name]

    Name = Annotated[str | None, Query(description="Which run; the first, if not given.")]
    rows_body: dict[str, Any] = {ARROW: TABLE}
    row_body: dict[str, Any] = {}

    def describe() -> None:
        """Tell which column the runs need, as they are now."""
        columns = {frozenset(served.rows.needed) for served in runs.values()}
        needed = next(iter(columns)) if len(columns) == 1 else frozenset()
        row = runs[first].rows.example
        bodies = {served.rows.body for served in runs.values()}
        body = AskedLists if len(bodies) > 1 else bodies.pop()  # it takes what the other does
        rows_body[JSON] = body_of(body, {"rows": [row]}, needed)
        row_body[JSON] = body_of(AskedWhy, {"row": row}, needed)
        app.openapi_schema = None

    describe()

    direct = APIRouter(route_class=_Direct)

    @direct.post(
        "/predict",
        response_model=Predictions,
        responses=PREDICTED,
        openapi_extra={"requestBody": {"required": True, "content": rows_body}},
    )
    async def predict(request: Request, run: Name = None) -> Response:
        """Predict some rows: those of an object, or of a table."""
        body = await request.body()
        sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        wanted = request.headers.get("accept", "")
        served = chosen(run)
        rows = served.rows
        if isinstance(rows, Rows):
            asked: list[Any] = _of_table(rows, body) if sent == ARROW else _of_rows(rows, body)
        elif sent == ARROW:
            raise HTTPException(415, "sentences and series are sent as JSON alone")
        elif ARROW in wanted and JSON not in wanted:
            raise HTTPException(406, "answers for sentences and series come as JSON alone")
        else:  # laying them out takes longer than other requests should wait
            asked = await run_in_threadpool(_of_rows, rows, body)
        answers = await _predicted(served, asked)
        figures.rows.labels(served.name).inc(len(asked))
        if isinstance(rows, Rows) and (ARROW in wanted or (sent == ARROW and JSON not in wanted)):
            return Response(write_table(rows.as_columns(answers)), media_type=ARROW)
        return Response(to_json({"predictions": answers}), media_type=JSON)

    app.include_router(direct)

    @app.post(
        "/explain",
        responses={code: REFUSALS[code] for code in (404, 503)},
        openapi_extra={"requestBody": {"required": True, "content": row_body}},
    )
    async def explain(request: Request, run: Name = None) -> Explanation:
        """Predict one row, and tell what each of its words added."""
        asked = parsed(AskedWhy, await request.body())
        served = chosen(run)
        rows = served.rows
        if not isinstance(rows, Rows):
            raise HTTPException(422, "tags, forecasts and series are not explained word by word")
        text = rows.read(asked.row, 1)
        try:
            return Explanation(**await served.batcher.alone(rows.explained, text, EXPLANATION))
        except Full:
            raise _too_many() from None

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

    app.add_middleware(Counted, figures=figures)

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Figures for Prometheus."""
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return Response(generate_latest(figures.registry), media_type=kind)

    return app


class _Direct(APIRoute):
    """A route that is described as others are, and hands its function the request as it came.

    FastAPI's own way to the function takes longer than the network's answer.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def handle(request: Request) -> Response:
            response: Response = await self.endpoint(request, request.query_params.get("run"))
            return response

        return handle


def _of_rows(rows: Rows | Sentences | SeriesRows | Numbers, body: bytes) -> list[Any]:
    """What is asked in a body of JSON, row by row."""
    asked: Any = parsed(rows.body, body)
    return [rows.read(row, number) for number, row in enumerate(asked.rows, start=1)]


def _of_table(rows: Rows, body: bytes) -> list[str]:
    if rows.needed != rows.model.inputs:
        raise HTTPException(422, "attributes of events are lists: send the rows as JSON")
    try:
        columns = [read_column(body, column) for column in rows.needed]
        return [rows.text_of(row) for row in zip(*columns, strict=True)]
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


async def _predicted(served: Served, asked: list[Any]) -> list[dict[str, Any]]:
    try:
        return await served.batcher.answers(asked)
    except Full:
        raise _too_many() from None


def _too_many() -> HTTPException:
    headers = {"Retry-After": str(RETRY_AFTER)}
    return HTTPException(503, "too many rows are waiting", headers)


def _loaded_anew(old: Served) -> Served | None:
    """The same run as it is now; None, and a line on stderr, if it cannot be served."""
    try:
        return Served(old.folder, old.waiting)
    except Exception as error:  # whatever it is, the old one goes on
        text_of = "{name!r} was not loaded anew, what was loaded before goes on: {reason}"
        reason = str(error) or type(error).__name__
        print(translate(text_of).format(name=old.name, reason=reason), file=sys.stderr, flush=True)
        return None


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


class Counted:
    """An ASGI application around another, which counts and times its answers."""

    def __init__(self, app: App, figures: Figures) -> None:
        self.app, self.figures = app, figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()

        async def text_of(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                # A path that nobody serves could be anything: it is not kept.
                path = scope["path"] if scope.get("route") else "other"
                self.figures.requests.labels(path, message["status"]).inc()
                self.figures.seconds.labels(path).observe(time.perf_counter() - began)
                # What somebody sent may stand in an answer: no browser shall take it for a page.
                message["headers"].append((b"x-content-type-options", b"nosniff"))
            await send(message)

        await self.app(scope, receive, text_of)
