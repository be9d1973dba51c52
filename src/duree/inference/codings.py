"""Codings: append-only files, one JSON object a line, synced before anybody relies on them.

``codings-NAME.jsonl`` has the fields id, coder, variable, label, time, seconds, comment and batch.
The last line of an id, coder, variable and batch is valid. A label of null withdraws the one
before; an empty one means that the coder skipped the text. Files of several coders are merged by
copying them into one folder.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from duree.errors import DataError
from duree.storage import cannot_read, cannot_write, sync_folder
from duree.tables.finding import Finding

# The coder whose labels are final.
ADJUDICATED = "adjudicated"
# Batches: the random sample; its rows asked again of a coder who works alone; the most uncertain
# rows, for training only.
DESIGN_BATCH, AGAIN, ACTIVE_BATCH = "design", "again", "active"
# Names of coders become names of files: no character with a meaning in paths.
CODER = re.compile(r"\w[\w .-]{0,39}(?<![ .])")
_WRITING = threading.Lock()


@dataclass(frozen=True)
class Coding:
    """One answer of one coder: see the module for the fields."""

    id: str
    coder: Annotated[str, Field(min_length=1)]
    variable: str
    label: str | None
    time: str
    seconds: float | None = None
    comment: str = ""
    batch: str = DESIGN_BATCH

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a later coding of the same key replaces."""
        return self.id, self.coder, self.variable, self.batch


_CODING = TypeAdapter(Coding)


def append_coding(folder: Path, coding: Coding) -> None:
    """Add a coding to its coder's file; when this returns, it is on the disk.

    What a power loss left of an unfinished line is removed before: nobody was told that it was
    saved.

    Raises
    ------
    DataError
        The coder's name cannot be a file's name.
    RunError
        It cannot be written.
    """
    path = folder / f"codings-{coder_name(coding.coder)}.jsonl"
    line = json.dumps(asdict(coding), ensure_ascii=False).encode() + b"\n"
    try:
        with _WRITING:
            is_new = not path.exists()
            with open(path, "ab+") as file:
                _end_line(file.fileno())
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                sync_folder(folder)
    except OSError as error:
        raise cannot_write(path, error) from None


def coder_name(name: str) -> str:
    """A coder's name, if files may be called so; DataError otherwise."""
    name = name.strip()
    if not CODER.fullmatch(name):
        raise DataError(
            "a coder cannot be called {name!r}",
            fix="use up to 40 letters, digits, spaces, dots and hyphens, first a letter or digit",
            name=name,
        )
    return name


def read_codings(folder: Path) -> tuple[list[Coding], list[Finding]]:
    """All codings in the files of a folder, in the order in which they were made.

    Raises
    ------
    DataError
        A line is broken; the last one of a file may be, after a power loss: it is left out, with a
        finding.
    """
    files, findings = [], []
    for path in sorted(folder.glob("codings-*.jsonl")):
        codings, found = _read_file(path)
        files.append(codings)
        findings += found
    # Several files of one coder: that which ends later replaces the other.
    files.sort(key=lambda codings: codings[-1].time if codings else "")
    return [coding for codings in files for coding in codings], findings


def valid_codings(codings: Iterable[Coding]) -> list[Coding]:
    """The last coding of each id, coder, variable and batch, without those that were withdrawn.

    In the order in which they were made.
    """
    last: dict[tuple[str, str, str, str], Coding] = {}
    for coding in codings:
        last.pop(coding.key, None)
        last[coding.key] = coding
    return [coding for coding in last.values() if coding.label is not None]


def _read_file(path: Path) -> tuple[list[Coding], list[Finding]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise cannot_read(path, error) from None
    *lines, last = content.split(b"\n")
    codings = [_parsed(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not last.strip():
        return codings, []
    try:  # an editor may have removed the last line end
        return [*codings, _CODING.validate_json(last)], []
    except ValidationError:
        unfinished = Finding(
            "unfinished_coding",
            "warning",
            "the last line of {file} is unfinished, as after a power loss: it is left out",
            "code that text again",
            {"file": path.name},
        )
        return codings, [unfinished]


def _parsed(path: Path, number: int, line: bytes) -> Coding:
    try:
        return _CODING.validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            "line {line} of {file} is broken: {reason}",
            fix="restore the file from a copy, or correct that line",
            line=number,
            file=str(path),
            reason=" ".join([*map(str, first["loc"]), first["msg"]]),
        ) from None


def _end_line(descriptor: int) -> None:
    """Let a file end with a whole line: an unfinished one is cut off."""
    size = os.fstat(descriptor).st_size
    if not size:
        return
    start = max(0, size - 2**20)  # far longer than any line
    os.lseek(descriptor, start, os.SEEK_SET)
    tail = os.read(descriptor, size - start)
    if tail.endswith(b"\n"):
        return
    begin = tail.rfind(b"\n") + 1
    try:
        _CODING.validate_json(tail[begin:])
    except ValidationError:
        os.ftruncate(descriptor, start + begin)
    else:
        os.write(descriptor, b"\n")
