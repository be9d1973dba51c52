"""Tables in pieces hold what tables read whole hold, and a result in pieces goes on."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from duree.errors import DataError, RunError
from duree.tables.files.read import read_tables
from duree.tables.files.resumable import Pieces
from duree.tables.files.stream import count_rows, stream_table
from duree.tables.files.write import SINKS, sink_table, write_table

FRAME = pl.DataFrame(
    {
        "id": [f"{n:03}" for n in range(25)],
        "text": ['plain, "quoted"', "=1+1", "two\nlines", "带逗号，", None] * 5,
        "number": [n / 4 for n in range(25)],
    }
)
STREAMED = (".csv", ".tsv", ".parquet")


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duree.tables.files.stream.ROWS", 4)


@pytest.mark.parametrize("suffix", [*STREAMED, ".jsonl"])
@pytest.mark.parametrize("skip", [0, 1, 4, 9, 24, 25])
def test_the_pieces_are_the_table(tmp_path: Path, suffix: str, skip: int) -> None:
    file = tmp_path / f"table{suffix}"
    write_table(FRAME, file, raw=True)
    pieces = [table.frame for table in stream_table(file, skip=skip)]
    whole = read_tables([file]).frame
    assert_frame_equal(pl.concat([whole[:0], *pieces]), whole[skip:])
    if suffix in STREAMED:
        assert all(len(piece) <= 4 for piece in pieces)


def test_a_row_that_does_not_fit_is_reported_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("a,b\n" + "1,2\n" * 10 + "1,2,3\n" + "1,2\n" * 10, encoding="utf-8")
    with pytest.raises(DataError, match="12"):
        list(stream_table(file))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_cannot_be_read_is_reported_as_usual(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(DataError, match="there is no file"):
        list(stream_table(tmp_path / f"none{suffix}"))
    (tmp_path / f"broken{suffix}").write_bytes(b"")
    with pytest.raises(DataError):
        list(stream_table(tmp_path / f"broken{suffix}"))
    write_table(FRAME[:0], tmp_path / f"header{suffix}")
    with pytest.raises(DataError, match="no rows"):
        list(stream_table(tmp_path / f"header{suffix}"))


def test_rows_are_counted_where_that_costs_nothing(tmp_path: Path) -> None:
    for suffix in (".csv", ".parquet"):
        write_table(FRAME, tmp_path / f"table{suffix}")
    assert count_rows(tmp_path / "table.parquet") == 25
    assert count_rows(tmp_path / "table.csv") is None
    assert count_rows(tmp_path / "none.parquet") is None


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".jsonl", ".xlsx"])
def test_a_table_written_in_pieces_is_the_one_written_whole(
    tmp_path: Path, suffix: str, raw: bool
) -> None:
    whole, streamed = tmp_path / f"whole{suffix}", tmp_path / f"streamed{suffix}"
    write_table(FRAME, whole, raw=raw)
    sink_table(FRAME.lazy(), streamed, raw=raw)
    assert_frame_equal(read_tables([whole]).frame, read_tables([streamed]).frame)
    if suffix in (".csv", ".tsv", ".jsonl"):
        assert whole.read_bytes() == streamed.read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted([whole, streamed])


def test_pieces_are_resumed_only_for_the_same_input(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    first = Pieces(output, {"of": 1})
    first.add(FRAME[:10])
    (first.folder / ".piece.new").write_bytes(b"half a piece")  # as a kill leaves it
    again = Pieces(output, {"of": 1})
    assert again.rows == 10
    again.add(FRAME[10:])
    again.put_together(raw=True)
    assert_frame_equal(read_tables([output]).frame["id"].to_frame(), FRAME["id"].to_frame())
    assert list(tmp_path.iterdir()) == [output]
    Pieces(output, {"of": 1}).add(FRAME[:10])
    assert Pieces(output, {"of": 2}).rows == 0


def end_after_a_piece(output: Path, error: BaseException) -> None:
    with Pieces(output, {"of": 1}) as pieces:
        pieces.add(FRAME[:10])
        raise error


@pytest.mark.parametrize("error", [RunError("the disk is full"), KeyboardInterrupt()])
def test_pieces_are_kept_where_the_disk_is_full(tmp_path: Path, error: BaseException) -> None:
    output = tmp_path / "out.csv"
    with pytest.raises(type(error)):
        end_after_a_piece(output, error)
    assert Pieces(output, {"of": 1}).rows == 10


def test_pieces_are_discarded_where_the_input_is_at_fault(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        end_after_a_piece(tmp_path / "out.csv", DataError("a row is odd"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX links")
def test_pieces_that_are_a_link_are_refused(tmp_path: Path) -> None:
    planted = Pieces(tmp_path / "elsewhere" / "out.csv", {"of": 1})
    planted.add(FRAME[:10])
    (tmp_path / ".out.csv.pieces").symlink_to(planted.folder, target_is_directory=True)
    with pytest.raises(RunError, match="cannot be written: File exists"):
        Pieces(tmp_path / "out.csv", {"of": 1})
    assert Pieces(planted.output, {"of": 1}).rows == 10


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk by means of Linux")
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_a_full_disk_is_reported_of_every_format(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = SINKS[suffix]
    full = Path("/dev/full")
    monkeypatch.setitem(SINKS, suffix, lambda rows, target, raw: sink(rows, full, raw))
    with pytest.raises(RunError, match="cannot be written: No space left on device"):
        sink_table(FRAME.lazy(), tmp_path / f"out{suffix}")
    assert list(tmp_path.iterdir()) == []
