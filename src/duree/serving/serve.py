"""Serve: start the service and let it end in order."""

from __future__ import annotations

import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from duree.errors import ExtraError

if TYPE_CHECKING:
    import uvicorn

    from duree.serving.guard import App

LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
# Seconds that requests which were taken may need when the service is told to end.
GRACE = 30


def serve(folders: list[Path], host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve some runs until the process is told to end; what was taken is answered first.

    Parameters
    ----------
    folders : list of Path
        Run folders.
    host : str
        The address to listen at: loopback, unless told otherwise.
    port : int

    Raises
    ------
    ExtraError
        FastAPI, uvicorn or prometheus-client is not installed.
    RunError
        A folder holds no finished run.
    """
    for package in ("fastapi", "uvicorn", "prometheus_client"):
        if find_spec(package) is None:
            raise ExtraError(package, "serve", "serving a run")
    from duree.serving.guard import Guard
    from duree.serving.service import create_service

    # Who listens to all the world is asked by names that cannot be known here.
    hosts = LOOPBACK | {host} if host in LOOPBACK | {"::1"} else {"*"}
    run(Guard(create_service(folders), hosts), host, port)


def run(app: App, host: str, port: int) -> None:
    """Run an ASGI application until the process is told to end (SIGINT, SIGTERM)."""
    import uvicorn

    # When all is answered, uvicorn raises the signal once more: it shall end the process in order.
    signal.signal(signal.SIGTERM, _end)
    uvicorn.Server(settings(app, host, port)).run()


def settings(app: App, host: str, port: int) -> uvicorn.Config:
    """How an application is served: few connections, none for long, and in order at the end."""
    import uvicorn

    from duree.serving.connections import connections

    http = connections()
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=http,
        ws="none",
        # So many are taken at once: among them none may be the oldest, that is closed.
        backlog=http.most // 2,
        log_level="warning",
        timeout_graceful_shutdown=GRACE,
        server_header=False,
    )


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
