"""Door: who may ask the studio. The link that it prints holds a token, which becomes a cookie.

Others who use the machine can reach the port, and any page in the browser can send requests to it:
without the cookie nothing is answered, and not to another site's page even with it.
"""

from __future__ import annotations

import hmac
from collections.abc import MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from duree.serving.guard import App, Receive, Scope, Send

# Nothing is loaded from elsewhere, no script or style stands in a page, nobody frames it but us.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'self'; "
    "base-uri 'none'"
)
HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"cache-control": b"no-store",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    # With no referrer at all, browsers hide from us where a form came from.
    b"referrer-policy": b"same-origin",
    b"x-content-type-options": b"nosniff",
}
# Coming from a mail or a notebook, the cookie is held back until our own page asks for the next.
ENTER = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
    '<meta http-equiv="refresh" content="0; url=/">'
    '<link rel="icon" href="data:,"><title>Durée</title></head>'
    '<body><p><a href="/">Durée</a></p></body></html>'
)
CLOSED = (
    "Open the studio with the link that it printed when it was started: it holds the key.\n"
    "请用工作室启动时显示的链接打开：链接中含有密钥。\n"
)


class Door:
    """An ASGI application around the studio.

    Parameters
    ----------
    app : ASGI application
    token : str
    cookie : str
        The cookie's name; browsers share cookies among all ports of a machine.
    """

    def __init__(self, app: App, token: str, cookie: str) -> None:
        self.app, self.token, self.cookie = app, token, cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        elif self._brings_token(scope):
            cookie_line = f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"
            await _answer(send, 200, "text/html", ENTER, {b"set-cookie": cookie_line.encode()})
        elif self._is_known(scope) and _is_from_us(scope):
            await self.app(scope, receive, _with_headers(send))
        else:
            await _answer(send, 403, "text/plain", CLOSED)

    def _brings_token(self, scope: Scope) -> bool:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        asks = scope["method"] == "GET" and scope["path"] == "/" and "token" in query
        return asks and self._is_token(query["token"][0])

    def _is_known(self, scope: Scope) -> bool:
        try:
            cookies = SimpleCookie(_header(scope, b"cookie"))
        except CookieError:
            return False
        return self.cookie in cookies and self._is_token(cookies[self.cookie].value)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())


def _is_from_us(scope: Scope) -> bool:
    """Whether a browser says that the request comes from our own page, or from the user's hand."""
    return _header(scope, b"sec-fetch-site") in ("", "none", "same-origin")


def _header(scope: Scope, name: bytes) -> str:
    return b"; ".join(value for key, value in scope["headers"] if key == name).decode("latin-1")


def _with_headers(send: Send) -> Send:
    """``send``, which adds the headers that the answer does not set itself."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            own = {key.lower() for key, _ in message["headers"]}
            added = [(key, value) for key, value in HEADERS.items() if key not in own]
            message["headers"] = [*message["headers"], *added]
        await send(message)

    return sending


async def _answer(
    send: Send, status: int, kind: str, text: str, headers: dict[bytes, bytes] | None = None
) -> None:
    own = {b"content-type": f"{kind}; charset=utf-8".encode(), **(headers or {})}
    sending = _with_headers(send)
    start = {"type": "http.response.start", "status": status, "headers": list(own.items())}
    await sending(start)
    await sending({"type": "http.response.body", "body": text.encode()})
