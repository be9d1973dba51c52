"""Rows without a target: refused, or left out and reported."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError
from duree.tables.columns import is_blank
from duree.tables.finding import Finding
from duree.tables.source_rows import named_rows
from duree.tables.table import Table


def with_targets(
    table: Table, column: str, *, drop_bad: bool
) -> tuple[Table, NDArray[np.bool_] | None]:
    """The rows with a value in ``column``, and a mask of these rows (None: all).

    Raises
    ------
    DataError
        Some rows have none, and ``drop_bad`` is false.
    """
    missing = is_blank(table.frame[column])
    if not missing.any():
        return table, None
    rows = np.flatnonzero(missing)
    facts: dict[str, Any] = {
        "column": column,
        "count": len(rows),
        "rows": named_rows(table, rows),
    }
    if not drop_bad:
        raise DataError(
            "{count} rows have no {column!r}",
            "first at {rows}",
            "fill them in, or leave them out with --drop-bad",
            **facts,
        )
    finding = Finding(
        "missing_target",
        "warning",
        "{count} rows without {column!r} were left out: {rows} ...",
        values=facts,
    )
    return table.only(~missing, finding), ~missing
