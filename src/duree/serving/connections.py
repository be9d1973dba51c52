"""Limits on connections: their number, and the time in which a request must arrive.

A client that opens thousands of them, or sends a request byte by byte, must not keep others out.
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as Protocol
else:
    # That of httptools if installed, else that of h11: all that is used here is the same.
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as Protocol

# Connections of a server; seconds in which the headers of a request must arrive, and their maximum
# size in bytes.
MOST, SECONDS, HEADERS = 1000, 10.0, 65_536


class Connection(Protocol):
    """A connection that is idle until a request is whole, and after the response.

    If too many are open, the one that was idle longest is closed. Connections that are idle too
    long before the headers are whole, or after the response, are closed too; the application itself
    ends a body that is too slow.
    """

    most: ClassVar[int]
    idle: ClassVar[OrderedDict[Connection, None]]  # the longest idle first

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > self.most:
            longest = next(iter(self.idle))  # this one, if all others are busy
            longest._close()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self.deadline.cancel()
            self._note_body()
            return
        self.heard += len(data)
        if self.heard > HEADERS:
            self._close()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:
            self._wait()
        else:  # the headers of the next request have arrived already
            self._note_body()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._wait_no_more()

    def _wait(self) -> None:
        self.heard = 0
        self.idle[self] = None
        self.deadline = self.loop.call_later(SECONDS, self._close)

    def _note_body(self) -> None:
        """Idle until the body is whole; what has just been heard of was not idle longest."""
        self.idle.pop(self, None)
        is_answering = bool(getattr(self, "pipeline", ()))  # an earlier request; h11 has none
        if self.cycle.more_body and not is_answering:
            self.idle[self] = None

    def _wait_no_more(self) -> None:
        self.idle.pop(self, None)
        self.deadline.cancel()

    def _close(self) -> None:
        self._wait_no_more()
        self.transport.abort()  # without waiting for the client to read


def connections() -> type[Connection]:
    """The connection class of one server, with its own list of idle connections."""

    class OfOneServer(Connection):
        most = capacity()
        idle: ClassVar[OrderedDict[Connection, None]] = OrderedDict()

    return OfOneServer


def capacity() -> int:
    """Maximum number of connections: at most half the limit of open files.

    The other half is for connections that are accepted at once, before the oldest is closed.
    """
    if sys.platform == "win32":  # which has no such limit
        return MOST
    import resource

    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if files == resource.RLIM_INFINITY else min(MOST, files // 2)
