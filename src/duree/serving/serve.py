"""Serve: start the service and let it end in order."""

from __future__ import annotations

import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from duree.errors import ExtraError

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
    import uvicorn

    from duree.serving.guard import Guard
    from duree.serving.service import create_service

    # Who listens to all the world is asked by names that cannot be known here.
    hosts = LOOPBACK | {host} if host in LOOPBACK | {"::1"} else {"*"}
    app = Guard(create_service(folders), hosts)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=GRACE,
        server_header=False,
    )
    # When all is answered, uvicorn raises the signal once more: it shall end the process in order.
    signal.signal(signal.SIGTERM, _end)
    uvicorn.Server(config).run()


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
