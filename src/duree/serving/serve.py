"""Serve: start the service and let it end in order."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from duree.errors import RunError, require_packages

if TYPE_CHECKING:
    import uvicorn

    from duree.serving.guard import App

LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
# Seconds that requests which were taken may need when the service is told to end.
GRACE = 30


def serve(folders: list[Path], host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve some runs until the process is told to end; what was taken is answered first.

    SIGHUP loads the runs anew; one that cannot be loaded goes on as it was.

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
        A folder holds no finished run, or the port is taken.
    """
    require_packages(("fastapi", "uvicorn", "prometheus_client"), "serve", "serving a run")
    from duree.serving.guard import Guard
    from duree.serving.service import create_service

    address = listening(host, port)
    service = create_service(folders)
    _reload_on_hangup(service.state.reload.set)
    run(Guard(service, names_of(host)), address)


def names_of(host: str) -> set[str]:
    """The names by which one may be asked who listens at an address; "*" for any."""
    # Who listens to all the world is asked by names that cannot be known here.
    return LOOPBACK | {host} if host in LOOPBACK | {"::1"} else {"*"}


def run(app: App, address: socket.socket, grace: int = GRACE) -> None:
    """Answer at an address until the process is told to end (SIGINT, SIGTERM).

    Answers that were begun have ``grace`` seconds to come to their end then.
    """
    import uvicorn

    # When all is answered, uvicorn raises the signal once more: it shall end the process in order.
    signal.signal(signal.SIGTERM, _end)
    uvicorn.Server(settings(app, grace)).run([address])


def listening(host: str, port: int) -> socket.socket:
    """The address, taken; RunError where another program has it, or it is not ours to take."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise RunError(
            "port {port} of {host} cannot be taken: {reason}",
            fix="choose another one: --port {other}",
            port=port,
            host=host,
            reason=error.strerror or str(error),
            other=port + 1,
        ) from None


def settings(app: App, grace: int = GRACE) -> uvicorn.Config:
    """How an application is served: few connections, none for long, and in order at the end."""
    import uvicorn

    from duree.serving.connections import connections

    http = connections()
    return uvicorn.Config(
        app,
        http=http,
        ws="none",
        proxy_headers=False,  # who asks makes no difference
        # So many are taken at once: among them none may be the oldest, that is closed.
        backlog=http.most // 2,
        log_level="warning",
        timeout_graceful_shutdown=grace,
        server_header=False,
    )


def _reload_on_hangup(reload: Callable[[], None]) -> None:
    """SIGHUP loads the runs anew, unless it tells that the terminal was closed: that is the end."""
    if sys.platform == "win32":
        return
    terminal = os.isatty(0)

    def hung_up(number: int, frame: FrameType | None) -> None:
        if terminal and not os.isatty(0):
            signal.raise_signal(signal.SIGTERM)
        else:
            reload()

    signal.signal(signal.SIGHUP, hung_up)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
