"""Uploads: files that a browser sends, streamed to disk and never held in memory."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from duree.errors import DataError
from duree.serving.guard import SLOW
from duree.serving.studio.workspace import Upload, Workspace
from duree.storage import cannot_write, create

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

# Bytes of an upload: reading that much takes a minute. Larger tables are for the command line.
LARGEST = 4 * 2**30
NAME_LENGTH = 200


async def receive(request: Request, workspace: Workspace, largest: int = LARGEST) -> Upload:
    """Write the first file of a form to the workspace.

    Raises
    ------
    DataError
        There is no file, or it is not a table, too large or incomplete; nothing of it is left.
    RunError
        The disk is full.
    """
    incoming = _Incoming(workspace)
    try:
        parser = MultipartParser(_boundary(request), incoming.callbacks())
        async for chunk in _bounded(request, largest):
            parser.write(chunk)
        parser.finalize()
        return incoming.finish()
    except FormParserError:
        raise _incomplete() from None
    except OSError as error:
        raise cannot_write(workspace.uploads, error) from None
    finally:
        incoming.clear()


async def _bounded(request: Request, largest: int) -> AsyncIterator[bytes]:
    """The body in chunks, as long as it is neither too slow nor too long."""
    received, pieces = 0, request.stream()
    try:
        while True:
            chunk = await asyncio.wait_for(anext(pieces), SLOW)
            received += len(chunk)
            if received > largest:
                raise DataError(
                    "the file is larger than {gigabytes:g} GB",
                    fix="use the command line: duree fit reads the file in place",
                    gigabytes=largest / 2**30,
                )
            yield chunk
    except StopAsyncIteration:
        return
    except (TimeoutError, ClientDisconnect):
        raise _incomplete() from None


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise DataError("no file was sent", fix="choose a file")
    return options[b"boundary"]


def _incomplete() -> DataError:
    return DataError("the file was not uploaded completely", fix="upload it again")


class _Incoming:
    """The parts of a form as the parser meets them: only the first file is stored."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.field = self.value = b""
        self.name = ""
        self.path: Path | None = None
        self.file: IO[bytes] | None = None
        self.complete = False

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self.begin,
            "on_header_field": self.header_field,
            "on_header_value": self.header_value,
            "on_header_end": self.header_end,
            "on_part_data": self.data,
            "on_part_end": self.end,
        }

    def begin(self) -> None:
        self.field = self.value = b""

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self.field += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]

    def header_end(self) -> None:
        if self.field.lower() == b"content-disposition" and self.path is None:
            given = parse_options_header(self.value)[1].get(b"filename", b"")
            if given:
                self.name = given.decode("utf-8", "replace")[-NAME_LENGTH:]
                self.path = self.workspace.new_upload(self.name)
                self.file = open(create(self.path, 0o600), "wb")  # noqa: SIM115
        self.field = self.value = b""

    def data(self, data: bytes, start: int, end: int) -> None:
        if self.file:
            self.file.write(data[start:end])

    def end(self) -> None:
        if self.file:
            self.file.close()
            self.file, self.complete = None, True

    def finish(self) -> Upload:
        """The upload, once it is complete."""
        if self.path is None:
            raise DataError("no file was sent", fix="choose a file")
        if not self.complete:
            raise _incomplete()
        upload = self.workspace.add_upload(self.path, self.name)
        self.path = None  # registered: not to be cleared
        return upload

    def clear(self) -> None:
        """Remove an incomplete file."""
        if self.file:
            self.file.close()
        if self.path:
            shutil.rmtree(self.path.parent, ignore_errors=True)
