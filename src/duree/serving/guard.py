"""Guard: requests that are refused before they reach the service, without using memory.

Bodies that are too large or too slow are cut off. Requests with a foreign Host header (DNS
rebinding), or from pages of other sites (Origin header), are refused.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Bytes of a body, and seconds in which it must arrive.
BODY, SLOW = 1_000_000, 20
PORT = re.compile(r":[0-9]*$")


class _HungUp(Exception):
    """The client disconnected before its body was complete."""


class Guard:
    """ASGI middleware that refuses such requests.

    Parameters
    ----------
    app : ASGI application
    hosts : set of str
        Accepted host names, without port; "*" for any.
    body : int
        Maximum size of a body in bytes.
    upload : int
        Maximum size of a form with files: the application itself reads and counts it.
    """

    def __init__(self, app: App, hosts: set[str], body: int = BODY, upload: int = 0) -> None:
        self.app, self.hosts, self.body, self.upload = app, hosts, body, upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if not self._is_ours(headers.get(b"host", "")):
            await _refuse(send, 403, "the Host header does not name this service")
            return
        origin = headers.get(b"origin", "")
        if origin and origin.partition("://")[2] != headers[b"host"]:
            await _refuse(send, 403, "requests from other sites are not allowed")
            return
        length = headers.get(b"content-length", "0")
        uploads = self.upload and headers.get(b"content-type", "").startswith("multipart/")
        most = self.upload if uploads else self.body
        too_long = f"the body is larger than {most} bytes; send fewer rows at a time"
        if not length.isdecimal() or int(length) > most:
            await _refuse(send, 413, too_long)
            return
        if uploads:
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(SLOW):
                body = await self._read(receive)
        except TimeoutError:
            await _refuse(send, 408, f"the body did not arrive within {SLOW} seconds")
            return
        except _HungUp:
            return
        if body is None:
            await _refuse(send, 413, too_long)
            return
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> MutableMapping[str, Any]:
            return messages.pop() if messages else await receive()

        await self.app(scope, again, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body; None as soon as it is too large."""
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _HungUp
            body += bytes(message.get("body", b""))
            if len(body) > self.body:
                return None
            if not message.get("more_body"):
                return body

    def _is_ours(self, host: str) -> bool:
        return "*" in self.hosts or PORT.sub("", host.lower()) in self.hosts


async def _refuse(send: Send, status: int, why: str) -> None:
    body = json.dumps({"detail": why}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
