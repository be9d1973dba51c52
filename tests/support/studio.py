"""A browser's requests without a browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from duree.serving.studio.start import guarded

TOKEN = "the-key-of-this-test"


HOST = "http://127.0.0.1:8321"


class Visitor:
    """Asks the studio as a browser would that came in by the link."""

    def __init__(self, folder: Path, language: str = "en", **headers: str) -> None:
        self.folder = folder
        self.app = guarded(folder, TOKEN)
        cookie = f"duree-8321={TOKEN}; duree-language={language}"
        self.headers = {"cookie": cookie, "sec-fetch-site": "same-origin", **headers}

    def __call__(self, method: str, path: str, **options) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
                headers = self.headers | options.pop("headers", {})
                return await client.request(method, path, headers=headers, **options)

        return asyncio.run(ask())

    def get(self, path: str, **options) -> httpx.Response:
        return self("GET", path, **options)

    def post(self, path: str, **options) -> httpx.Response:
        return self("POST", path, **options)

    def upload(self, name: str, content: bytes, path: str = "/tables", **options) -> httpx.Response:
        return self.post(path, files={"file": (name, content)}, **options)

    def table(self, name: str, content: bytes) -> str:
        """The address of a table that was uploaded."""
        answer = self.upload(name, content)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def within(self) -> list[Path]:
        """All files of the folder."""
        return [path for path in self.folder.rglob("*") if path.is_file()]


class Endless:
    """A body that comes in pieces and counts how many were read."""

    def __init__(self, pieces: int, piece: bytes) -> None:
        self.pieces, self.piece, self.taken = pieces, piece, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="t.csv"\r\n\r\n'
        for _ in range(self.pieces):
            self.taken += 1
            yield self.piece
