"""Cells that a format cannot hold are written as text, and this is reported; none is altered."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from duree.errors import DataError
from duree.pipeline.dataset import check_files
from duree.recipe.settings import DataSettings
from duree.tables.files.read import read_tables
from duree.tables.files.write import sink_table, write_table

IDS = [1212092628029698049, 1212092628029698051]
SUFFIXES = [".csv", ".tsv", ".xlsx", ".jsonl", ".parquet"]


def written(frame: pl.DataFrame, path: Path) -> tuple[pl.DataFrame, dict[str, object]]:
    """The frame as it is read again, and what was reported."""
    findings = write_table(frame, path)
    return read_tables([path]).frame, {finding.check: finding.values for finding in findings}


def test_excel_gets_long_integers_old_dates_and_times_of_zones_as_text(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "id": IDS,
            "year": [1890, 1891],
            "born": [date(1890, 2, 3), date(1920, 2, 3)],
            "died": [date(1950, 2, 3), date(1960, 2, 3)],
            "at": [datetime(2020, 1, 1, 5, tzinfo=UTC)] * 2,
            "price": [Decimal("1234567890123456.78"), None],
            "share": [Decimal("0.25"), None],
        }
    )
    read, found = written(frame, tmp_path / "out.xlsx")
    assert read["id"].to_list() == [str(number) for number in IDS]
    assert read["born"].to_list() == ["1890-02-03", "1920-02-03"]
    assert read["price"][0] == "1234567890123456.78"
    assert read["year"].cast(pl.Int64).to_list() == [1890, 1891]
    assert read["died"].dtype.is_temporal()
    assert found == {"excel_text": {"columns": "'id', 'born', 'at', 'price'"}}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_lists_and_records_are_written_in_every_format(tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame(
        {"tags": [["a", 'b"'], [], None], "place": [{"x": 1.5}, None, {"x": None}], "n": [1, 2, 3]}
    )
    read, found = written(frame, tmp_path / f"out{suffix}")
    flat = suffix in (".csv", ".tsv", ".xlsx")
    assert found == ({"json_text": {"columns": "'tags', 'place'"}} if flat else {})
    if flat:
        assert read["tags"].to_list() == ['["a","b\\""]', "[]", None]
        assert read["place"].to_list() == ['{"x":1.5}', None, '{"x":null}']
    else:
        assert read["tags"].to_list() == [["a", 'b"'], [], None]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_spans_of_time_are_written_as_text(tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame({"span": [timedelta(days=2), None], "n": [1, 2]})
    read, _ = written(frame, tmp_path / f"out{suffix}")
    assert read["span"].to_list() == ["PT172800S", None]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".xlsx", ".jsonl"])
@pytest.mark.parametrize("cells", [[b"a"], [[b"a"]], [{"x": b"a"}]])
def test_bytes_are_refused_and_parquet_is_named(
    tmp_path: Path, suffix: str, cells: list[object]
) -> None:
    with pytest.raises(DataError, match=r"column 'raw' holds .* write \.parquet"):
        write_table(pl.DataFrame({"raw": cells}), tmp_path / f"out{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("=1+1", "'=1+1"),
        ("＝1+1", "'＝1+1"),
        (" =1+1", "' =1+1"),
        ("\n@SUM(A1)", "'\n@SUM(A1)"),
        ("\u200b=1", "'\u200b=1"),
        ("a;=1+1", "a;'=1+1"),
        ("a; ＋1+1;b", "a;' ＋1+1;b"),
        ("1;-2;3", "1;-2;3"),
        (" -5", " -5"),
        ("a, =1", "a, =1"),
        ("x; y", "x; y"),
    ],
)
def test_formulas_are_found_wherever_a_spreadsheet_finds_them(
    tmp_path: Path, text: str, guarded: str
) -> None:
    for write in (write_table, lambda frame, path: sink_table(frame.lazy(), path)):
        findings = write(pl.DataFrame({"text": [text, "plain"]}), tmp_path / "out.csv")
        assert read_tables([tmp_path / "out.csv"]).frame["text"][0] == guarded
        counts = [finding.values["count"] for finding in findings if finding.check == "formulas"]
        assert counts == ([1] if guarded != text else [])


def test_csv_beyond_ascii_begins_with_a_mark_that_reading_strips(tmp_path: Path) -> None:
    for path, frame, marked in (
        (tmp_path / "a.csv", pl.DataFrame({"text": ["plain"]}), False),
        (tmp_path / "b.csv", pl.DataFrame({"text": ["汉字"]}), True),
        (tmp_path / "c.csv", pl.DataFrame({"é": [1]}), True),
        (tmp_path / "d.tsv", pl.DataFrame({"text": ["汉字"]}), False),
    ):
        write_table(frame, path)
        assert path.read_bytes().startswith(b"\xef\xbb\xbf") is marked
        assert read_tables([path]).frame.columns == frame.columns
        whole = path.read_bytes()
        sink_table(frame.lazy(), path)
        assert path.read_bytes() == whole
    sink_table(pl.LazyFrame({"text": ["plain"]}), tmp_path / "a.csv", mark=True)
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def lines(folder: Path, *records: object) -> Path:
    path = folder / "table.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_nested_fields_of_json_lines_are_left_alone_and_written_as_they_were(
    tmp_path: Path,
) -> None:
    records = [
        {"text": "a", "tags": ["x", "y"], "user": {"id": 2**70, "names": ["é"]}, "n": 1},
        {"text": "b", "tags": [], "user": [1, "x", None], "n": None},
        {"text": "c", "tags": None, "user": None, "n": 3},
    ]
    frame = read_tables([lines(tmp_path, *records)]).frame
    assert frame["tags"].dtype == pl.List(pl.String)
    for name in ("whole.jsonl", "streamed.jsonl"):
        if name == "whole.jsonl":
            write_table(frame, tmp_path / name)
        else:
            sink_table(frame.lazy(), tmp_path / name)
        again = (tmp_path / name).read_text(encoding="utf-8").splitlines()
        assert [json.loads(line) for line in again] == records
    read, _ = written(frame, tmp_path / "out.csv")
    assert json.loads(read["user"][0]) == records[0]["user"]
    assert read["user"][2] is None
    assert written(frame, tmp_path / "out.parquet")[0]["user"][1] == '[1, "x", null]'


@pytest.mark.parametrize("role", ["text", "target", "group", "time", "weight"])
def test_a_nested_field_in_a_role_is_refused_with_its_row(tmp_path: Path, role: str) -> None:
    records = [{"text": f"text {n}", "label": "ab"[n % 2], "user": None} for n in range(40)]
    records[7]["user"] = {"name": "anna"}
    data = {"text": "text", "target": "label"} | {role: "user"}
    with pytest.raises(DataError, match=r"'user' are lists or objects, first in row 8: '\{"):
        check_files(DataSettings(files=(str(lines(tmp_path, *records)),), **data))


def test_half_an_emoji_is_replaced_and_reported_with_line_and_key(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    path.write_text('{"t": "ok \\ud83d\\ude31"}\n\n{"t": "cut \\ud83d", "u": ["\\ud83d"]}\n')
    table = read_tables([path])
    assert table.frame["t"].to_list() == ["ok \U0001f631", "cut \ufffd"]
    finding = table.findings[-1]
    assert (finding.check, finding.level) == ("half_characters", "warning")
    assert (finding.values["line"], finding.values["key"], finding.values["count"]) == (3, "t", 1)


def test_a_json_array_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 1 is not a JSON object.*jq -c '\.\[\]' FILE"):
        read_tables([lines(tmp_path, [{"text": "a"}])])
