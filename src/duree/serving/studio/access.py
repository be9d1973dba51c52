"""Access to the studio: each request must bring the token, in a cookie that the printed link sets.

Other users of the machine can reach the port, and any page in the browser can send requests to it:
without the cookie every request is refused, and cross-site requests are refused even with it. The
Host header is checked before, in ``duree.serving.guard``.
"""

from __future__ import annotations

import hmac
from collections.abc import MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from duree.serving.guard import App, Receive, Scope, Send
from duree.serving.studio.entry import Entry

# Nothing is loaded from other hosts, no inline scripts or styles, no framing by other sites.
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
    # Without a referrer, browsers do not send the origin of a form.
    b"referrer-policy": b"same-origin",
    b"x-content-type-options": b"nosniff",
}
# A link in a mail is cross-site, and browsers withhold a strict cookie: our own page asks again.
ENTER = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
    '<meta http-equiv="refresh" content="0; url=/">'
    '<link rel="icon" href="data:,"><title>Durée</title></head>'
    '<body><p><a href="/">Durée</a></p></body></html>'
)
CLOSED = (
    "Open the studio with the link it printed when it started: it contains the access token.\n"
    "请用工作室启动时显示的链接打开：链接中含有访问令牌。\n"
)


class AccessControl:
    """ASGI middleware that checks the token.

    Parameters
    ----------
    app : ASGI application
    token : str
    cookie : str
        The cookie's name; browsers share cookies among all ports of a machine.
    entry : Entry, optional
        Another code, which is accepted once.
    """

    def __init__(self, app: App, token: str, cookie: str, entry: Entry | None = None) -> None:
        self.app, self.token, self.cookie, self.entry = app, token, cookie, entry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        elif self._enters_with_token(scope):
            cookie_line = f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"
            await _respond(send, 200, "text/html", ENTER, {b"set-cookie": cookie_line.encode()})
        elif self._has_cookie(scope) and _is_same_origin(scope):
            await self.app(scope, receive, _with_headers(send))
        else:
            await _respond(send, 403, "text/plain", CLOSED)

    def _enters_with_token(self, scope: Scope) -> bool:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if scope["method"] != "GET" or scope["path"] != "/" or "token" not in query:
            return False
        given = query["token"][0]
        return self._is_token(given) or (self.entry is not None and self.entry.admits(given))

    def _has_cookie(self, scope: Scope) -> bool:
        try:
            cookies = SimpleCookie(_header(scope, b"cookie"))
        except CookieError:
            return False
        return self.cookie in cookies and self._is_token(cookies[self.cookie].value)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())


def _is_same_origin(scope: Scope) -> bool:
    """Whether the request comes from our own page, or was typed by the user."""
    return _header(scope, b"sec-fetch-site") in ("", "none", "same-origin")


def _header(scope: Scope, name: bytes) -> str:
    return b"; ".join(value for key, value in scope["headers"] if key == name).decode("latin-1")


def _with_headers(send: Send) -> Send:
    """``send``, with the headers that the response does not set itself."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            own = {key.lower() for key, _ in message["headers"]}
            added = [(key, value) for key, value in HEADERS.items() if key not in own]
            message["headers"] = [*message["headers"], *added]
        await send(message)

    return sending


async def _respond(
    send: Send, status: int, kind: str, text: str, headers: dict[bytes, bytes] | None = None
) -> None:
    own = {b"content-type": f"{kind}; charset=utf-8".encode(), **(headers or {})}
    sending = _with_headers(send)
    start = {"type": "http.response.start", "status": status, "headers": list(own.items())}
    await sending(start)
    await sending({"type": "http.response.body", "body": text.encode()})
