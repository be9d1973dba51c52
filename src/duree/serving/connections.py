"""Connections: how many are held at once, and how long each may take to say what it wants.

Who opens them by the thousand, or sends a request a byte at a time, must keep nobody else out.
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as Protocol
else:
    # httptools' where it is installed, else h11's: they differ in nothing that is used here.
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as Protocol

# Connections of a server; seconds in which the headers of a request must have come whole, and bytes
# that they may have.
MOST, SECONDS, HEADERS = 1000, 10.0, 65_536


class Connection(Protocol):
    """A connection that is idle until the headers of a request have come, and after the answer.

    Where too many are open, the one that was idle longest is closed; all are closed that are idle
    too long, also such as never read their answer.
    """

    most: ClassVar[int]
    idle: ClassVar[OrderedDict[Connection, None]]  # the longest first

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > self.most:
            longest = next(iter(self.idle))  # this one, where all others are busy
            longest._close()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait_no_more()
            return
        self.heard += len(data)
        if self.heard > HEADERS:
            self._close()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:  # else the next request has come already
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._wait_no_more()

    def _wait(self) -> None:
        self.heard = 0
        self.idle[self] = None
        self.deadline = self.loop.call_later(SECONDS, self._close)

    def _wait_no_more(self) -> None:
        self.idle.pop(self, None)
        self.deadline.cancel()

    def _close(self) -> None:
        self._wait_no_more()
        self.transport.abort()  # without waiting until the client has read what was sent


def connections() -> type[Connection]:
    """The connections of one server, which know of each other."""

    class OfOneServer(Connection):
        most = capacity()
        idle: ClassVar[OrderedDict[Connection, None]] = OrderedDict()

    return OfOneServer


def capacity() -> int:
    """How many connections to hold: at most half as many as the process may open files.

    The others are for what comes at once, which is taken before the oldest can be closed.
    """
    if sys.platform == "win32":  # which has no such limit
        return MOST
    import resource

    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if files == resource.RLIM_INFINITY else min(MOST, files // 2)
