"""Files of Stata (.dta) and SPSS (.sav), with their value labels applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from duree.errors import DataError, ExtraError
from duree.tables.files.encoding import known_encoding
from duree.tables.files.limits import column_names
from duree.tables.finding import Finding
from duree.tables.table import Content

SHARED_SHOWN = 5


def read_stata(path: Path, encoding: str | None = None) -> Content:
    """Read a Stata file (.dta); value labels become classes."""
    return _read_labelled(_pyreadstat("reading Stata files").read_dta, path, encoding)


def read_spss(path: Path, encoding: str | None = None) -> Content:
    """Read an SPSS file (.sav); value labels become classes, user-missing values null."""
    return _read_labelled(_pyreadstat("reading SPSS files").read_sav, path, encoding)


def _pyreadstat(purpose: str) -> Any:
    try:
        import pyreadstat
    except ImportError:
        raise ExtraError("pyreadstat", "formats", purpose) from None
    return pyreadstat


def _read_labelled(read: Callable[..., Any], path: Path, encoding: str | None) -> Content:
    chosen = known_encoding(encoding) if encoding else None
    try:
        frame, facts = read(str(path), output_format="polars", encoding=chosen)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # the package documents no exceptions of its own
        raise _damaged(path, error) from None
    frame.columns = column_names(frame.columns, path)
    columns, partly, shared = [], [], []
    for column in frame:
        labels = facts.variable_value_labels.get(column.name)
        labelled = _with_labels(column, labels) if labels else column
        if labels and labelled is column:
            partly.append(column.name)
        elif labels:
            shared += _shared_labels(column, labels)
        columns.append(_without_empty(labelled))
    findings = (*_label_findings(partly, path), *_shared_findings(shared, path))
    return Content(pl.DataFrame(columns), findings, facts.file_encoding)


def _with_labels(column: pl.Series, labels: dict[Any, str]) -> pl.Series:
    """The labels in place of the values; the column itself if a value has none."""
    # Stata also labels its missing values, by letters: the column has null for all of them.
    texts = {str(value): label for value, label in labels.items()}
    keys = pl.Series(list(texts), dtype=pl.String)
    if column.dtype.is_numeric():
        keys = keys.cast(pl.Float64, strict=False).cast(column.dtype, strict=False)
    known = pl.DataFrame({"value": keys, "label": list(texts.values())}).drop_nulls("value")
    if not column.drop_nulls().is_in(known["value"].implode()).all():
        return column
    return column.replace_strict(known["value"], known["label"], return_dtype=pl.String)


def _without_empty(column: pl.Series) -> pl.Series:
    """Neither program has missing texts: empty ones represent them."""
    if column.dtype != pl.String:
        return column
    return column.set(column == "", None)


def _label_findings(columns: list[str], path: Path) -> tuple[Finding, ...]:
    if not columns:
        return ()
    return (
        Finding(
            "value_labels",
            "note",
            "columns of {file} in which only some values have labels keep their numbers: {columns}",
            values={"file": str(path), "columns": ", ".join(map(repr, columns))},
        ),
    )


def _shared_labels(column: pl.Series, labels: dict[Any, str]) -> list[str]:
    """Values in the column that have the same label, as text: ``z: 1 and 2 are 'agree'``."""
    by_label: dict[str, list[str]] = {}
    for value in column.drop_nulls().unique().sort().to_list():
        label = next((name for key, name in labels.items() if key == value), None)
        if label is not None:
            text = f"{value:g}" if isinstance(value, float) else str(value)
            by_label.setdefault(label, []).append(text)
    return [
        f"{column.name!r}: {', '.join(values)} = {label!r}"
        for label, values in by_label.items()
        if len(values) > 1
    ]


def _shared_findings(shared: list[str], path: Path) -> Iterator[Finding]:
    if shared:
        more = "; ..." if len(shared) > SHARED_SHOWN else ""
        yield Finding(
            "shared_labels",
            "note",
            "different values of {file} with the same value label become one: {values}",
            "give each value its own label to keep them apart",
            {"file": str(path), "values": "; ".join(shared[:SHARED_SHOWN]) + more},
        )


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(
        "{file} cannot be read as Stata or SPSS: {reason}",
        fix="save it again with the program that wrote it; if it is an old file, give its "
        "encoding with --encoding",
        file=str(path),
        reason=str(error),
    )
