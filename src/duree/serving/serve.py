"""Start the service, and shut it down in order."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from duree.errors import RunError, require_packages, translate

if TYPE_CHECKING:
    import uvicorn

    from duree.serving.guard import App

LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
# Seconds for accepted requests to finish at shutdown.
GRACE = 30


def serve(folders: list[Path], host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve runs until the process is terminated; accepted requests are answered first.

    SIGHUP reloads the runs; a run that cannot be reloaded stays as it was.

    Parameters
    ----------
    folders : list of Path
        Run folders.
    host : str
        The address to listen on; loopback by default.
    port : int

    Raises
    ------
    ExtraError
        FastAPI, uvicorn or prometheus-client is not installed.
    RunError
        A folder holds no finished run, or the port is in use.
    """
    require_packages(("fastapi", "uvicorn", "prometheus_client"), "serve", "serving a run")
    from duree.serving.guard import Guard
    from duree.serving.service import create_service

    address = listening(host, port)
    service = create_service(folders)
    template = "serving at http://{host}:{port}; described at http://{host}:{port}/openapi.json"
    print(translate(template).format(host=host, port=port), file=sys.stderr, flush=True)
    if "*" in names_of(host):
        note = translate("every machine that reaches {host} may send requests, by any host name")
        print(note.format(host=host), file=sys.stderr, flush=True)
    _reload_on_hangup(service.state.reload.set)
    run(Guard(service, names_of(host)), address)


def names_of(host: str) -> set[str]:
    """The accepted host names of a service that listens on an address; "*" for any."""
    if not _is_loopback(host):  # it is reached by names that are unknown here
        return {"*"}
    return LOOPBACK | {f"[{host}]" if ":" in host else host.lower()}


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address, or a name of one."""
    try:
        found = {str(address[0]) for *_, address in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(ip_address(one.partition("%")[0]).is_loopback for one in found)


def run(app: App, address: socket.socket, grace: int = GRACE) -> None:
    """Serve an application until the process is terminated (SIGINT, SIGTERM).

    Responses that have begun then have ``grace`` seconds to finish.
    """
    import uvicorn

    # After the last response uvicorn raises the signal again: it shall end the process in order.
    signal.signal(signal.SIGTERM, _end)
    uvicorn.Server(settings(app, grace)).run([address])


def listening(host: str, port: int) -> socket.socket:
    """A listening socket; RunError if the port is in use or not permitted."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise RunError(
            "cannot listen on port {port} of {host}: {reason}"
            if error.errno != errno.EADDRINUSE
            else "cannot listen on port {port} of {host}: another program uses it",
            fix="choose another port: --port {other}",
            port=port,
            host=host,
            reason=error.strerror or str(error),
            other=port + 1,
        ) from None


def settings(app: App, grace: int = GRACE) -> uvicorn.Config:
    """Settings of uvicorn: limited connections, an orderly shutdown."""
    import uvicorn

    from duree.serving.connections import connections

    http = connections()
    return uvicorn.Config(
        app,
        http=http,
        ws="none",
        proxy_headers=False,  # the client address is not used
        # So many are accepted at once: the oldest, which is closed, must not be one of them.
        backlog=http.most // 2,
        log_level="warning",
        timeout_graceful_shutdown=grace,
        server_header=False,
    )


def _reload_on_hangup(reload: Callable[[], None]) -> None:
    """SIGHUP reloads the runs, unless the terminal was closed: then it ends the service."""
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
