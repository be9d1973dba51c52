"""A client of the service without a network between."""

from __future__ import annotations

import asyncio

import httpx

from duree.serving.guard import Guard


class Client:
    """Asks an application as a browser's or a program's requests would reach it."""

    def __init__(self, app) -> None:
        self.inner, self.app = app, Guard(app, {"testserver"})

    def __call__(self, method: str, path: str, **options) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with (
                self.inner.router.lifespan_context(self.inner),
                httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
            ):
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def predict(self, rows: list[dict], **options) -> httpx.Response:
        return self("POST", "/predict", json={"rows": rows}, **options)
