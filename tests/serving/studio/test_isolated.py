"""A file that takes too much memory ends the process that reads it, and not the studio."""

from __future__ import annotations

import io
import os
import sys

import polars as pl
import pytest
from tests.support.studio import Visitor

from duree.errors import DataError, ExtraError
from duree.serving.studio.isolated import isolated


def test_the_result_is_that_of_the_function() -> None:
    assert isolated(sorted, [3, 1, 2]) == [1, 2, 3]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces the limit")
def test_a_function_that_takes_too_much_memory_is_reported() -> None:
    with pytest.raises(DataError, match=r"takes more than 0\.9 GB of memory"):
        isolated(bytearray, 2 * 10**9, memory=10**9)


def test_a_process_that_ends_at_once_is_reported() -> None:
    with pytest.raises(DataError, match="of memory; save it as"):
        isolated(os.abort)


def test_a_fault_of_ours_is_no_fault_of_the_file() -> None:
    with pytest.raises(RuntimeError, match="see the traceback"):
        isolated(int, "x")


@pytest.mark.parametrize(
    "error", [DataError("a {b}", "in {c}", "do", b=1, c="d"), ExtraError("a", "b", "reading")]
)
def test_errors_arrive_with_their_templates_and_values(error: DataError | ExtraError) -> None:
    with pytest.raises(type(error)) as caught:
        isolated(_raise, error)
    found = caught.value
    assert (found.parts, found.values) == (error.parts, error.values)
    assert found.message("zh") == error.message("zh")


def _raise(error: DataError) -> None:
    raise error


def test_a_small_file_of_millions_of_rows_is_refused_in_the_studio(visitor: Visitor) -> None:
    content = io.BytesIO()
    rows = pl.select(pl.repeat(0, 21_000_000, dtype=pl.Int8).alias("n"))
    rows.write_parquet(content, statistics=False)
    assert len(content.getvalue()) < 100_000
    page = visitor.get(visitor.table("big.parquet", content.getvalue()))
    assert page.status_code == 200
    assert "has 21000000 rows and 1 columns, more than 20000000 cells" in page.text
    fine = visitor.table("t.csv", b"text,label\nfine,up\ngrim,down\n")
    assert "grim" in visitor.get(fine).text
