"""Reading files into one table: what goes together, where it came from, and what is refused."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import polars as pl
import pytest

from duree.errors import DataError
from duree.tables.files.read import read_tables


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(*paths: Path | str) -> str:
    with pytest.raises(DataError) as caught:
        read_tables(paths)
    chinese = caught.value.message("zh")
    assert any("\u4e00" <= character <= "\u9fff" for character in chinese)
    message = caught.value.message("en")
    return message.replace(f"{Path(paths[0]).parent}/", "") if paths else message


def test_files_are_joined_in_order_for_any_order_of_their_columns(tmp_path: Path) -> None:
    one = write(tmp_path, "one.csv", "id,text\n1,a\n2,b\n")
    two = write(tmp_path, "two.tsv", "text\tid\nc\t3\n")
    table = read_tables([one, str(two)])
    assert table.frame.rows(named=True) == [
        {"id": "1", "text": "a"},
        {"id": "2", "text": "b"},
        {"id": "3", "text": "c"},
    ]
    assert [(s.path, s.format, s.rows, s.delimiter) for s in table.sources] == [
        (str(one), "csv", 2, ","),
        (str(two), "tsv", 1, "\t"),
    ]
    assert [f.check for f in table.findings] == ["encoding", "delimiter"] * 2
    assert len(table) == 3


def test_every_source_has_the_checksum_of_its_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, "one.csv", "id,text\n1,é\n")
    assert read_tables([path]).sources[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_checksum_of_a_folder_changes_with_any_text_or_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "corpus" / name).mkdir(parents=True)
        write(tmp_path, f"corpus/{name}/1.txt", "text")

    def checksum() -> str:
        return read_tables([tmp_path / "corpus"]).sources[0].sha256

    first = checksum()
    assert checksum() == first
    write(tmp_path, "corpus/a/1.txt", "texts")
    second = checksum()
    write(tmp_path, "corpus/a/1.txt", "text")
    (tmp_path / "corpus/a/1.txt").rename(tmp_path / "corpus/a/2.txt")
    assert len({first, second, checksum()}) == 3


def test_files_with_other_columns_are_refused_and_the_columns_named(tmp_path: Path) -> None:
    one = write(tmp_path, "one.csv", "id,text,label\n1,a,x\n")
    two = write(tmp_path, "two.csv", "id,text,lable\n1,a,x\n")
    assert refusal(one, two) == (
        "one.csv and two.csv do not have the same columns: only one of them has 'label', "
        "'lable'; give all files the same columns, or read them one by one"
    )


def test_columns_of_different_types_are_refused(tmp_path: Path) -> None:
    one = write(tmp_path, "one.csv", "n\n1\n")
    pl.DataFrame({"n": [1]}).write_parquet(tmp_path / "two.parquet")
    assert refusal(one, tmp_path / "two.parquet").startswith(
        "column 'n' holds String in one.csv, but Int64 in two.parquet"
    )


def test_kinds_of_numbers_and_empty_columns_go_together(tmp_path: Path) -> None:
    pl.DataFrame({"n": [1], "t": [None]}).write_parquet(tmp_path / "one.parquet")
    pl.DataFrame({"n": [1.5], "t": ["x"]}).write_parquet(tmp_path / "two.parquet")
    frame = read_tables([tmp_path / "one.parquet", tmp_path / "two.parquet"]).frame
    assert frame.rows() == [(1.0, None), (1.5, "x")]


def test_a_missing_file_is_reported_with_the_nearest_name(tmp_path: Path) -> None:
    write(tmp_path, "reviews.csv", "a\n1\n")
    assert refusal(tmp_path / "review.csv") == (
        "there is no file review.csv; did you mean reviews.csv?"
    )
    assert refusal(tmp_path / "nowhere" / "x.csv") == "there is no file x.csv; check the path"


def test_a_link_to_nothing_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to(tmp_path / "gone")
    assert refusal(tmp_path / "a.csv").startswith("there is no file a.csv")


def test_no_file_at_all_is_refused() -> None:
    assert refusal().startswith("no file was given")


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, "a.docx", "x"))
    assert message.startswith("a.docx has an unknown file type: '.docx'; convert it to one of ")
    for suffix in (".csv", ".tsv", ".parquet", ".jsonl", ".xlsx", ".dta", ".sav"):
        assert suffix in message


def test_suffixes_are_known_in_capitals(tmp_path: Path) -> None:
    assert len(read_tables([write(tmp_path, "A.CSV", "a,b\n1,2\n")])) == 1


def test_a_file_that_may_not_be_read_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "a.csv", "a,b\n1,2\n")

    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("duree.tables.files.encoding.open", forbidden, raising=False)
    assert refusal(path) == (
        "a.csv cannot be read: Permission denied; check that the file exists and that you may "
        "read it"
    )


@pytest.mark.skipif(os.name == "nt", reason="POSIX alone has named pipes")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    assert refusal(tmp_path / "a.csv").startswith("a.csv cannot be read: ")


def test_all_real_csv_files_are_read_as_polars_reads_them(data_folder: Path) -> None:
    for name in ("chinese_hotel", "federalist", "mvad", "m4_weekly"):
        for path in sorted((data_folder / name).glob("*.csv")):
            expected = pl.read_csv(path, infer_schema=False)
            assert read_tables([path]).frame.equals(expected), path
