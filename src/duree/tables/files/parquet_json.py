"""Typed formats that need no optional package: Parquet and JSON lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
import polars.exceptions as pl_exceptions

from duree.errors import DataError
from duree.tables.files.encoding import chosen_encoding, utf8_blocks
from duree.tables.files.limits import (
    check_row_length,
    column_names,
    encoding_finding,
    refuse_patterns,
)
from duree.tables.finding import Finding
from duree.tables.table import JSON_TEXT, Content

_HALF = re.compile("[\ud800-\udfff]")


def read_parquet(path: Path) -> Content:
    """Read a Parquet file with its types; DataError if it is damaged."""
    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl_exceptions.PolarsError, pl_exceptions.PanicException) as error:
        raise damaged(path, error) from None
    refuse_patterns(frame.columns, path)
    return Content(frame)


def read_json_lines(path: Path, encoding: str | None = None) -> Content:
    """Read one JSON object per line; a key that a line lacks is missing there.

    A key with numbers in some lines and texts in others becomes text, with a finding. Lists of
    texts become lists; other lists, and objects, are JSON_TEXT.

    Raises
    ------
    DataError
        A line is not a JSON object.
    """
    chosen = chosen_encoding(path, encoding)
    columns: dict[str, list[Any]] = {}
    halves = _Halves()
    for row, (number, line) in enumerate(_lines(path, chosen)):
        record = halves.replaced(_record(line, number, path), number)
        for name, value in record.items():
            columns.setdefault(name, [None] * row).append(value)
        for values in columns.values():
            values += [None] * (row + 1 - len(values))
    series = {name: _column(values) for name, values in columns.items()}
    frame = pl.DataFrame(list(series.values()), schema=column_names(list(series), path))
    mixed = [name for name, values in columns.items() if _is_mixed(values)]
    finding = encoding_finding(path, chosen, encoding is not None)
    findings = (finding, *_mixed_findings(mixed, path), *halves.findings(path))
    return Content(frame, findings, chosen)


class _Halves:
    """Halves of characters (surrogates without their other half), which are no text."""

    def __init__(self) -> None:
        self.count = 0
        self.first: dict[str, object] = {}

    def replaced(self, record: dict[str, Any], line: int) -> dict[str, Any]:
        """The record with U+FFFD in place of each half in its keys and texts."""
        whole = {}
        for name, value in record.items():
            kept = self._whole(value, name, line) if isinstance(value, str) else value
            whole[self._whole(name, name, line)] = kept
        return whole

    def findings(self, path: Path) -> Iterator[Finding]:
        """The finding that some were replaced."""
        if self.count:
            yield Finding(
                "half_characters",
                "warning",
                "halves of characters, such as emoji that were cut, replaced by U+FFFD in {file}: "
                "{count}, the first on line {line} under the key {key!r}",
                "take the texts from their source again, or cut them between characters",
                {"file": str(path), "count": self.count, **self.first},
            )

    def _whole(self, text: str, key: str, line: int) -> str:
        if text.isascii() or not (found := _HALF.findall(text)):
            return text
        self.first = self.first or {"line": line, "key": _HALF.sub("\ufffd", key)}
        self.count += len(found)
        return _HALF.sub("\ufffd", text)


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1."""
    number, rest = 0, b""
    for block in chain(utf8_blocks(path, encoding), [b"\n"]):
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            number += 1
            if line.strip():
                yield number, line
        check_row_length(len(rest), number + 1, path)


def _record(line: bytes, number: int, path: Path) -> dict[str, Any]:
    try:
        record = json.loads(line, object_pairs_hook=_pairs)
    except (ValueError, RecursionError) as error:
        raise DataError(
            "line {line} is not JSON: {reason}",
            "in {file}",
            "write one JSON object per line",
            line=number,
            reason=str(error),
            file=str(path),
        ) from None
    if not isinstance(record, dict):
        raise DataError(
            "line {line} is not a JSON object: it begins with {text!r}",
            "in {file}",
            "write one JSON object per line; jq -c '.[]' FILE makes such lines of a JSON array",
            line=number,
            text=line.decode(errors="replace")[:40],
            file=str(path),
        )
    return record


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a key occurs twice")
    return record


def _column(values: list[Any]) -> pl.Series:
    """A typed column; text where the values have several types."""
    if any(isinstance(value, dict | list) for value in values):
        return _nested(values)
    if _is_mixed(values):
        texts = [v if isinstance(v, str | None) else json.dumps(v) for v in values]
        return pl.Series(texts, dtype=pl.String)
    kind = pl.Float64 if any(isinstance(value, float) for value in values) else None
    return pl.Series(values, dtype=kind, strict=False)


def _nested(values: list[Any]) -> pl.Series:
    """Lists of texts as lists; everything else as its JSON text."""
    if all(value is None or _is_texts(value) for value in values):
        return pl.Series(values, dtype=pl.List(pl.String))
    field = JSON_TEXT.fields[0].name
    # The default form of json.dumps is ASCII, which keeps halves of characters too.
    cells = [None if value is None else {field: json.dumps(value)} for value in values]
    return pl.Series(cells, dtype=JSON_TEXT)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(text, str) and not _HALF.search(text) for text in value
    )


def _is_mixed(values: list[Any]) -> bool:
    """Whether no one type holds all values exactly."""
    if any(isinstance(value, dict | list) for value in values):
        return False
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {int, float}:
        return any(isinstance(value, int) and abs(value) > 2**53 for value in values)
    return len(kinds) > 1 or any(kinds == {int} and abs(v or 0) >= 2**127 for v in values)


def _mixed_findings(columns: list[str], path: Path) -> Iterator[Finding]:
    if columns:
        yield Finding(
            "mixed_types",
            "note",
            "columns of {file} with values of several types are read as text: {columns}",
            values={"file": str(path), "columns": ", ".join(map(repr, columns))},
        )


def damaged(path: Path, error: Exception) -> DataError:
    """The error for a Parquet file that cannot be read."""
    return DataError(
        "{file} is not a readable Parquet file: {reason}",
        fix="download or create the file again",
        file=str(path),
        reason=str(error).splitlines()[0] if str(error) else type(error).__name__,
    )
