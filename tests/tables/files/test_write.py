"""Writing: whole or not at all, nothing changed, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from duree.errors import DataError, ExtraError, RunError
from duree.tables.files.read import read_tables
from duree.tables.files.write import write_table

TEXTS = st.text(
    st.sampled_from("ab ,;\t|\"'\n\r=+-@1é好")
    | st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    max_size=10,
)
FRAME = pl.DataFrame(
    {
        "text": ["plain", "=1+1", "é, 好", None, ""],
        "number": [1.5, -2.0, 1e300, None, 0.0],
        "count": [1, -2, 2**60 + 1, None, 0],
        "good": [True, False, None, True, False],
    }
)


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@given(rows=st.lists(st.tuples(TEXTS | st.none(), TEXTS | st.none()), min_size=1, max_size=8))
@example(rows=[(None, None)])
@example(rows=[("", None), ("a\r", "\r\n")])
def test_what_is_written_raw_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, rows: list[tuple[str | None, str | None]]
) -> None:
    path = tmp_path_factory.mktemp("raw") / f"table{suffix}"
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
    write_table(frame, path, raw=True)
    assert_frame_equal(read_tables([path], encoding="utf-8").frame, frame)


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_typed_formats_keep_everything(tmp_path: Path, suffix: str) -> None:
    write_table(FRAME, tmp_path / f"table{suffix}")
    assert_frame_equal(read_tables([tmp_path / f"table{suffix}"]).frame, FRAME)


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\0=1",
        "=cmd|'/c calc'!A0",
        "-",
        "+1 234",
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_texts_that_a_spreadsheet_would_run_get_an_apostrophe(
    tmp_path: Path, suffix: str, cell: str
) -> None:
    path = tmp_path / f"table{suffix}"
    frame = pl.DataFrame({"t": [cell, "safe=1"]})
    write_table(frame, path)
    assert "'" + cell in path.read_bytes().decode()
    assert "safe=1" in path.read_bytes().decode()
    assert "'safe" not in path.read_bytes().decode()
    write_table(frame, path, raw=True)
    assert "'" + cell not in path.read_bytes().decode()


def test_numbers_are_untouched_as_numbers_and_as_text(tmp_path: Path) -> None:
    cells = ["-5", "+3.25", "-1e-5", "-.5", "-0"]
    frame = pl.DataFrame({"n": [-5, -4, -3, -2, -1], "x": [-0.5] * 5, "t": cells})
    write_table(frame, tmp_path / "table.csv")
    assert read_tables([tmp_path / "table.csv"]).frame["t"].to_list() == cells
    assert "'" not in (tmp_path / "table.csv").read_text(encoding="utf-8")


def test_column_names_are_made_harmless_as_well(tmp_path: Path) -> None:
    write_table(pl.DataFrame({"=1+1": ["a"]}), tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text(encoding="utf-8") == "'=1+1\na\n"


def test_excel_gets_texts_as_texts(tmp_path: Path) -> None:
    cells = ["=1+1", "007", "http://example.org", "+1", "NA", "true", "1.5"]
    frame = pl.DataFrame({"id": cells, "n": [1.5, None, -2.0, 0.0, 1.0, 2.0, 3.0]})
    write_table(frame, tmp_path / "table.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "table.xlsx").active
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == cells
    assert {row[0].data_type for row in sheet.iter_rows(min_row=2)} == {"s"}
    assert read_tables([tmp_path / "table.xlsx"]).frame.equals(frame)


def test_numbers_survive_excel_to_its_sixteen_digits(tmp_path: Path) -> None:
    numbers = [0.1 + 0.2, 1e-300, 2.0**60, 123456789012345680.0, -1 / 3, 1e300]
    write_table(pl.DataFrame({"x": numbers}), tmp_path / "table.xlsx")
    read = read_tables([tmp_path / "table.xlsx"]).frame["x"].to_list()
    assert read == pytest.approx(numbers, rel=1e-15, abs=0)


def test_numbers_that_excel_has_not_become_errors_in_it(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": [1.5, float("nan"), float("inf")], "t": ["a", "b", "c"]})
    write_table(frame, tmp_path / "table.xlsx")
    assert read_tables([tmp_path / "table.xlsx"]).frame["x"].to_list() == [1.5, None, None]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".jsonl", ".xlsx"])
def test_tables_without_texts_are_written_too(tmp_path: Path, suffix: str) -> None:
    write_table(pl.DataFrame({"n": [1, 2]}), tmp_path / f"table{suffix}")
    read = read_tables([tmp_path / f"table{suffix}"]).frame["n"].cast(pl.Int64)
    assert read.to_list() == [1, 2]


def test_what_excel_would_cut_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"at most 1048575 rows.*write \.csv or \.parquet"):
        write_table(pl.DataFrame({"t": ["x" * 32_768]}), tmp_path / "table.xlsx")
    assert not (tmp_path / "table.xlsx").exists()


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"written as '\.doc'.*\.csv \.tsv \.parquet \.jsonl \.xlsx"
    ):
        write_table(FRAME, tmp_path / "table.doc")


def test_a_missing_package_is_reported_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ExtraError, match=r"pip install 'duree\[formats\]'"):
        write_table(FRAME, tmp_path / "table.xlsx")


def test_a_place_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be written: No such file"):
        write_table(FRAME, tmp_path / "nowhere" / "table.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(RunError, match="cannot be written"):
        write_table(FRAME, tmp_path / "folder.csv")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder.csv"]


FULL_DISK = """
import resource, signal, sys
import polars as pl
from duree.errors import RunError
from duree.tables.files.write import write_table
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_table(pl.DataFrame({"t": ["x" * 5000]}), sys.argv[1])
except RunError as error:
    print(error.message("en"))
"""


@pytest.mark.skipif(os.name == "nt", reason="limits on file size are set by POSIX means")
def test_a_full_disk_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_table(pl.DataFrame({"t": ["old"]}), path)
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, path], check=True, capture_output=True, text=True
    )
    assert "cannot be written: File too large; free some space" in done.stdout
    assert path.read_text(encoding="utf-8") == "t\nold\n"
    assert list(tmp_path.iterdir()) == [path]


def test_dates_and_gaps_are_written_plainly(tmp_path: Path) -> None:
    frame = pl.DataFrame({"d": [date(2020, 1, 2), None], "t": ["", None]})
    write_table(frame, tmp_path / "table.csv")
    with open(tmp_path / "table.csv", encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["d", "t"], ["2020-01-02", ""], ["", ""]]
    assert read_tables([tmp_path / "table.csv"]).frame["t"].to_list() == ["", None]
