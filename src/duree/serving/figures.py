"""Figures: what the service counts and times, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from duree.serving.guard import App, Receive, Scope, Send


class Figures:
    """What /metrics tells."""

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
            "duree_request_seconds", "Time of a request", ["path"], registry=self.registry
        )
        self.waiting = Gauge(
            "duree_rows_waiting", "Rows that wait", ["run"], registry=self.registry
        )


class Counted:
    """An ASGI application around another, which counts and times its answers."""

    def __init__(self, app: App, figures: Figures) -> None:
        self.app, self.figures = app, figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()

        async def told(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                # A path that nobody serves could be anything: it is not kept.
                path = scope["path"] if scope.get("route") else "other"
                self.figures.requests.labels(path, message["status"]).inc()
                self.figures.seconds.labels(path).observe(time.perf_counter() - began)
                # What somebody sent may stand in an answer: no browser shall take it for a page.
                message["headers"].append((b"x-content-type-options", b"nosniff"))
            await send(message)

        await self.app(scope, receive, told)
