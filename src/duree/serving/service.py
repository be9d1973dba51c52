"""The service: trained runs over HTTP, for programs that send many rows per second.

    POST /predict   predict rows                      GET /health, /ready   liveness, readiness
    POST /explain   attributions of a row's words     GET /metrics          for Prometheus
    GET  /model     the model card                    GET /openapi.json     the OpenAPI description
    POST /surprisal bits of texts                     POST /generate        texts that go on

With several runs, ``?run=NAME`` selects one; the default is the first. Rows and predictions are
JSON, or a table in Arrow's stream format.
"""

# FastAPI reads the annotations of functions that stand within another: they may not be strings.
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, MutableMapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch
from fastapi import APIRouter, FastAPI, HTTPException, Query, Request, Response
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from duree.errors import DataError, RunError, translate
from duree.serving.batching import WAITING, Closed, Full
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
from duree.serving.language_routes import add_language_routes
from duree.serving.served import Served
from duree.version import __version__

T = TypeVar("T")

RETRY_AFTER = 1  # seconds
# An explanation takes as long as the prediction of so many rows.
EXPLANATION = 64


def create_service(folders: list[Path], waiting: int = WAITING) -> FastAPI:
    """The application that serves some runs.

    Setting the event ``state.reload`` reloads all of them.

    Parameters
    ----------
    folders : list of Path
        Run folders; the first is the default.
    waiting : int
        Maximum number of waiting rows per run.

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
                "two runs have the name {name!r}",
                fix="rename the folder of one: requests select runs by name",
                name=served.name,
            )
        runs[served.name] = served
    first = next(iter(runs))
    request_stats, threads = ServiceMetrics(), torch.get_num_threads()
    reload = asyncio.Event()
    working: set[asyncio.Task[None]] = set()

    def begin(served: Served) -> None:
        served.open(threads)
        request_stats.waiting.labels(served.name).set_function(
            partial(getattr, served.batcher, "rows")
        )
        runs[served.name] = served
        task = asyncio.create_task(served.batcher.run())
        working.add(task)
        task.add_done_callback(working.discard)

    async def reload_when_asked() -> None:
        while await reload.wait():
            reload.clear()
            for old in list(runs.values()):
                if new := await asyncio.to_thread(_reloaded, old):
                    begin(new)
                    old.batcher.close()  # waiting requests are still answered
            describe()

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        # A small batch is computed faster than another thread starts.
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
        docs_url=None,  # these pages would load scripts from other hosts
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours is /metrics
        responses={code: REFUSALS[code] for code in (413, 422)},
    )
    app.state.reload = reload

    def chosen(run: str | None) -> Served:
        name = first if run is None else run
        if name not in runs:
            raise HTTPException(404, f"there is no run {run!r}; the runs are {', '.join(runs)}")
        return runs[name]

    async def answered(run: str | None, ask: Callable[[Served], Awaitable[T]]) -> T:
        """What a run answers; asked again if it was loaded anew before it could."""
        while True:
            served = chosen(run)
            try:
                return await ask(served)
            except Closed:
                if runs[served.name] is served:
                    raise _too_many() from None
            except Full:
                raise _too_many() from None
            except DataError as error:
                raise HTTPException(422, error.message("en")) from None

    Name = Annotated[str | None, Query(description="Name of the run; default: the first.")]
    rows_body: dict[str, Any] = {ARROW: TABLE}
    row_body: dict[str, Any] = {}

    def describe() -> None:
        """Describe the columns that the runs need now."""
        columns = {frozenset(served.rows.needed) for served in runs.values()}
        needed = next(iter(columns)) if len(columns) == 1 else frozenset()
        row = runs[first].rows.example
        bodies = {served.rows.body for served in runs.values()}
        body = AskedLists if len(bodies) > 1 else bodies.pop()  # it accepts all that the other does
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
        """Predict the rows of a JSON object or of an Arrow table."""
        body = await request.body()
        sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        wanted = request.headers.get("accept", "")

        async def ask(served: Served) -> Response:
            rows = served.rows
            media_type = rows.media_type(sent, wanted)
            asked = await rows.receive(body, sent)
            answers = await served.batcher.answers(asked)
            request_stats.rows.labels(served.name).inc(len(asked))
            return Response(rows.send(answers, media_type), media_type=media_type)

        return await answered(run, ask)

    app.include_router(direct)

    @app.post(
        "/explain",
        responses={code: REFUSALS[code] for code in (404, 503)},
        openapi_extra={"requestBody": {"required": True, "content": row_body}},
    )
    async def explain(request: Request, run: Name = None) -> Explanation:
        """Predict one row, with the attribution of each of its words."""
        asked = parsed(AskedWhy, await request.body())

        async def ask(served: Served) -> Explanation:
            rows = served.rows
            if rows.explain is None:
                raise HTTPException(422, "tags, forecasts and series have no attributions of words")
            row = rows.read(asked.row, 1)
            return Explanation(**await served.batcher.alone(rows.explain, row, EXPLANATION))

        return await answered(run, ask)

    add_language_routes(app, answered)

    @app.get("/model", responses={404: REFUSALS[404]})
    async def model(run: Name = None) -> Card:
        """Model card: what the model predicts, its data and its metrics."""
        return chosen(run).card

    @app.get("/health")
    @app.head("/health", include_in_schema=False)
    async def health() -> dict[str, str]:
        """Liveness: the service is running."""
        return {"status": "ok"}

    @app.get("/ready", responses={503: REFUSALS[503]})
    @app.head("/ready", include_in_schema=False)
    async def ready() -> dict[str, str]:
        """Readiness: the service accepts requests."""
        if any(served.batcher.closing for served in runs.values()):
            raise HTTPException(503, "the service is shutting down")
        return {"status": "ready"}

    app.add_middleware(CountRequests, request_stats=request_stats)

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Metrics for Prometheus."""
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return Response(generate_latest(request_stats.registry), media_type=kind)

    return app


class _Direct(APIRoute):
    """A route that is in the description, but passes the raw request to its function.

    FastAPI's own parsing takes longer than the prediction.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def handle(request: Request) -> Response:
            response: Response = await self.endpoint(request, request.query_params.get("run"))
            return response

        return handle


def _too_many() -> HTTPException:
    headers = {"Retry-After": str(RETRY_AFTER)}
    return HTTPException(503, "too many rows are waiting", headers)


def _reloaded(old: Served) -> Served | None:
    """The run in its current state; None, and a line on stderr, if it cannot be loaded."""
    try:
        return Served(old.folder, old.waiting)
    except Exception as error:  # after any error the old state stays in use
        template = "{name!r} could not be reloaded, the loaded version stays in use: {reason}"
        reason = str(error) or type(error).__name__
        print(translate(template).format(name=old.name, reason=reason), file=sys.stderr, flush=True)
        return None


class ServiceMetrics:
    """The metrics of ``/metrics``."""

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
            "duree_request_seconds", "Duration of a request", ["path"], registry=self.registry
        )
        self.waiting = Gauge("duree_rows_waiting", "Waiting rows", ["run"], registry=self.registry)


class CountRequests:
    """ASGI middleware that counts and times requests."""

    def __init__(self, app: App, request_stats: ServiceMetrics) -> None:
        self.app, self.request_stats = app, request_stats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()

        async def counting_send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                # Unknown paths could be anything: they are not recorded.
                path = scope["path"] if scope.get("route") else "other"
                self.request_stats.requests.labels(path, message["status"]).inc()
                self.request_stats.seconds.labels(path).observe(time.perf_counter() - began)
                # Responses may repeat what was sent: no browser shall interpret them as HTML.
                message["headers"].append((b"x-content-type-options", b"nosniff"))
            await send(message)

        await self.app(scope, receive, counting_send)
