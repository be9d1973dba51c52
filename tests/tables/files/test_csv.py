"""Delimited text: what was written is read, and malformed rows are reported, not shifted."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from duree.errors import DataError
from duree.tables.files import csv as delimited_module
from duree.tables.files import encoding as decoding_module
from duree.tables.files.csv_structure import Dialect, find_structure
from duree.tables.files.read import read_tables

# Everything that can go wrong is made likely; surrogates cannot be written, NUL is taken out.
AWKWARD = st.text(
    st.sampled_from("ab ,;\t|\"'\n\r=é好\ufeff\x1f")
    | st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    max_size=12,
)


def write(folder: Path, text: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(
    folder: Path, text: str | bytes, name: str = "table.csv", **choices: object
) -> pl.DataFrame:
    return read_tables([write(folder, text, name)], **choices).frame  # type: ignore[arg-type]


def refusal(folder: Path, text: str | bytes, name: str = "table.csv", **choices: object) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, text, name, **choices)
    chinese = caught.value.message("zh")
    assert any("\u4e00" <= character <= "\u9fff" for character in chinese)
    return caught.value.message("en").replace(f"{folder}/", "")


def findings(
    folder: Path, text: str | bytes, name: str = "table.csv", **choices: object
) -> dict[str, str]:
    table = read_tables([write(folder, text, name)], **choices)  # type: ignore[arg-type]
    return {f.check: f.message("en").replace(f"{folder}/", "") for f in table.findings}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    width = draw(st.integers(1, 4))
    row = st.lists(AWKWARD, min_size=width, max_size=width)
    return [f"column {i}" for i in range(width)], draw(st.lists(row, min_size=1, max_size=12))


@given(
    table=tables(),
    delimiter=st.sampled_from(",;\t|"),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    block=st.sampled_from([1, 7, 1 << 22]),
    ended=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-16", "gb18030"]),
)
def test_every_table_is_read_as_the_csv_module_wrote_it(
    tmp_path_factory: pytest.TempPathFactory,
    table: tuple[list[str], list[list[str]]],
    delimiter: str,
    newline: str,
    quoting: int,
    block: int,
    ended: bool,
    encoding: str,
) -> None:
    names, rows = table
    text = io.StringIO()
    # A lone newline character in a cell is quoted by this writer only if it ends rows as well.
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n", quoting=quoting)
    lines = []
    for row in [names, *rows]:
        text.truncate(text.seek(0))
        writer.writerow(row)
        lines.append(text.getvalue().removesuffix("\r\n"))
    content = (newline.join(lines) + newline * ended).encode(encoding)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding_module, "BLOCK", block)
        patch.setattr(delimited_module, "SAMPLE", len(lines[0]) + 2)
        folder = tmp_path_factory.mktemp("written")
        frame = read(folder, content, delimiter=delimiter, encoding=encoding)
    minimal = quoting == csv.QUOTE_MINIMAL
    # Unquoted, an empty cell is missing; alone on its line the writer quotes it.
    empty = None if minimal and len(names) > 1 else ""
    assert frame.columns == names
    assert frame.rows() == [tuple(cell or empty for cell in row) for row in rows]


UNQUOTED = st.text(
    st.sampled_from("ab \"'é")
    | st.characters(exclude_categories=["Cs"], exclude_characters="\0,\n\r"),
    max_size=8,
)


@given(rows=st.lists(st.tuples(UNQUOTED, AWKWARD, UNQUOTED), min_size=1, max_size=10))
@example(rows=[('5" nails', 'he said "no"', 'x"')])
@example(rows=[('a"', '",', 'b"')])
def test_quotes_within_unquoted_cells_are_read_as_the_csv_module_reads_them(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    # First and last cell are written bare, quotes and all, unless a quote would open them.
    lines = ["a,b,c"]
    for first, middle, last in rows:
        quoted = '"' + middle.replace('"', '""') + '"'
        lines.append(f"{first.lstrip(chr(34))},{quoted},{last.lstrip(chr(34))}")
    text = "\n".join(lines) + "\n"
    expected = list(csv.reader(io.StringIO(text, newline="")))[1:]
    frame = read(tmp_path_factory.mktemp("bare"), text, delimiter=",")
    assert [[cell or "" for cell in row] for row in frame.rows()] == expected


@given(
    text=st.lists(st.sampled_from(["a", '"', '""', ",", "\n", "\r\n", " "]), max_size=30).map(
        "".join
    ),
    block=st.sampled_from([1, 3, 100]),
)
def test_any_text_is_read_as_the_csv_module_reads_it_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str, block: int
) -> None:
    header = "x,y\n"
    folder = tmp_path_factory.mktemp("any")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding_module, "BLOCK", block)
        patch.setattr(delimited_module, "SAMPLE", len(header))
        try:
            frame = read(folder, header + text, delimiter=",", encoding="utf-8")
        except DataError:
            return
    # The csv module wants one kind of line end.
    plain = io.StringIO(text.replace("\r\n", "\n"), newline="\n")
    rows = [row for row in csv.reader(plain) if row]
    read_rows = [[(cell or "").replace("\r\n", "\n") for cell in row] for row in frame.rows()]
    assert read_rows == rows


def test_an_extra_comma_in_every_row_is_refused_with_the_row(tmp_path: Path) -> None:
    assert refusal(tmp_path, "id,text,label\n1,hello, world,pos\n2,so, so,neg\n") == (
        "every row has 4 cells, but the header has 3 columns; table.csv, row 1 (line 2): "
        "'1,hello, world,pos'; quote texts that contain ',', or choose the delimiter with "
        "--delimiter; single rows can be left out with --drop-bad"
    )


def test_an_extra_comma_in_every_row_is_not_something_to_drop(tmp_path: Path) -> None:
    text = "id,text,label\n1,hello, world,pos\n2,so, so,neg\n"
    assert refusal(tmp_path, text, drop_bad=True).startswith("every row has 4 cells")


def test_one_row_too_long_is_reported_with_its_line_and_beginning(tmp_path: Path) -> None:
    text = 'id,text\n1,"two\nlines"\n2,a,' + "b" * 200 + "\n3,c\n"
    message = refusal(tmp_path, text)
    assert message.startswith(
        f"line 4 has 3 cells, but the header has 2 columns: '2,a,{'b' * 76}'; "
        "table.csv; malformed rows: 1, on lines 4; "
    )


def test_rows_too_short_are_listed(tmp_path: Path) -> None:
    assert refusal(tmp_path, "id,text,label\n1,a,x\n2,b\n3,c,y\n\n4\n") == (
        "line 3 has 2 cells, but the header has 3 columns: '2,b'; table.csv; malformed rows: "
        "2, on lines 3, 6; complete these rows, or leave them out with --drop-bad"
    )


def test_bad_rows_are_left_out_and_listed_where_that_is_asked_for(tmp_path: Path) -> None:
    text = "id,text\n1,a\n2\n3,c,c\n4,d\n"
    assert read(tmp_path, text, drop_bad=True).rows() == [("1", "a"), ("4", "d")]
    message = findings(tmp_path, text, drop_bad=True)["bad_rows"]
    assert message == (
        "malformed rows of table.csv left out, whose number of cells differs from "
        "the header's: 2, on lines 3, 4"
    )


def test_a_table_of_bad_rows_alone_is_refused_even_then(tmp_path: Path) -> None:
    assert refusal(tmp_path, "a,b\n1\n1,2,3\n", drop_bad=True).startswith("line 2 has 1 cells")


def test_many_bad_rows_are_counted_and_the_first_fifty_listed(tmp_path: Path) -> None:
    text = "a,b\n0,0\n" + "1\n" * 80
    message = findings(tmp_path, text, drop_bad=True)["bad_rows"]
    assert ": 80, on lines 3, 4, " in message
    assert message.endswith(" 51, 52, ...")


@pytest.mark.parametrize("block", [1, 5, 1 << 22])
def test_an_unclosed_quote_is_reported_with_the_line_where_it_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(decoding_module, "BLOCK", block)
    monkeypatch.setattr(delimited_module, "SAMPLE", 10)
    assert refusal(tmp_path, 'id,text\n1,"a\nb"\n2,"hello\n3,world\n') == (
        "the quote that opens on line 4 is never closed: '\"hello\\n3,world\\n'; in table.csv; "
        'add the closing quote; a quote inside a quoted cell is written twice ("")'
    )


@pytest.mark.parametrize("block", [1, 5, 1 << 22])
def test_a_quote_left_open_before_other_quotes_is_reported_with_both_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(decoding_module, "BLOCK", block)
    monkeypatch.setattr(delimited_module, "SAMPLE", 10)
    message = refusal(tmp_path, 'id,text\n1,"hello\n2,"world"\n3,"end"\n')
    assert message.startswith(
        "the quoted cell that opens on line 2 is followed by more text on line 3: '\"w"
    )


def test_text_after_a_closing_quote_is_refused_and_not_joined(tmp_path: Path) -> None:
    message = refusal(tmp_path, 'id,text\n1,fine\n2,"Great" movie\n')
    assert message.startswith(
        "the quoted cell that opens on line 3 is followed by more text on line 3: '\" movie\\n'"
    )


def test_nul_characters_are_taken_out_and_counted(tmp_path: Path) -> None:
    text = "id,text\n1,a\0b\n\0\0,c\n"
    assert read(tmp_path, text).rows() == [("1", "ab"), (None, "c")]
    assert findings(tmp_path, text)["nul_bytes"].startswith(
        "NUL characters removed from table.csv: 3; "
    )


@pytest.mark.parametrize("word", ["NA", "None", "null", "nan", "NaN", "N/A", "#N/A", "-", "true"])
def test_words_for_missing_values_stay_text(tmp_path: Path, word: str) -> None:
    frame = read(tmp_path, f"id,text\n1,{word}\n{word},b\n")
    assert frame.rows() == [("1", word), (word, "b")]


def test_ids_keep_their_zeros_and_all_their_digits(tmp_path: Path) -> None:
    frame = read(tmp_path, f"id,text\n007,a\n{2**60 + 1},b\n,c\n1.50,d\n")
    assert frame["id"].to_list() == ["007", "1152921504606846977", None, "1.50"]
    assert frame.dtypes == [pl.String, pl.String]


def test_an_empty_cell_is_missing_and_a_quoted_empty_one_is_not(tmp_path: Path) -> None:
    frame = read(tmp_path, 'a,b\r\n,""\r\n"",\r\n')
    assert frame.rows() == [(None, ""), ("", None)]


def test_spaces_stay_in_cells_and_leave_column_names(tmp_path: Path) -> None:
    frame = read(tmp_path, " a , b\n x ,y\n")
    assert (frame.columns, frame.rows()) == (["a", "b"], [(" x ", "y")])


def test_columns_of_one_name_are_refused_and_named(tmp_path: Path) -> None:
    assert refusal(tmp_path, "id,text,label, text,id\n1,2,3,4,5\n") == (
        "several columns have the same name: 'id', 'text'; in table.csv; give each column a "
        "different name"
    )


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "\0"])
def test_an_empty_file_is_refused(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text).startswith("table.csv is empty")


@pytest.mark.parametrize("text", ["a,b", "a,b\n", "a,b\r\n\r\n", "\n\na,b\n"])
def test_a_header_without_rows_is_refused(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text).startswith("table.csv has column names but no rows")


def test_blank_lines_are_skipped_and_reported(tmp_path: Path) -> None:
    text = "\na,b\n\n1,2\n\r\n3,4\n"
    assert read(tmp_path, text).rows() == [("1", "2"), ("3", "4")]
    assert findings(tmp_path, text)["blank_lines"] == "empty lines of table.csv skipped: 3"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_known(tmp_path: Path, newline: str) -> None:
    text = newline.join(["a,b", '1,"x\ny\rz"', "2,w"])
    assert read(tmp_path, text).rows() == [("1", "x\ny\rz"), ("2", "w")]


def test_a_lone_return_within_a_line_is_text(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n1,x\ry\n").rows() == [("1", "x\ry")]


def test_a_cell_beyond_the_limit_is_refused_with_its_line(tmp_path: Path) -> None:
    fits = read(tmp_path, f"a,b\n1,{'x' * 1_000_000}\n")
    assert len(fits["b"][0]) == 1_000_000
    message = refusal(tmp_path, f'a,b\n1,y\n2,"\n{"x" * 1_000_001}"\n')
    assert message.startswith("the cell that begins on line 3 is longer than 1000000 bytes")


def test_a_huge_cell_is_refused_long_before_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, b'a,b\n1,"')
    with open(path, "ab") as file:
        file.truncate(3_000_000_000)  # sparse: NUL to the end, which costs no disk
    taken = 0

    def counted(*arguments: object) -> object:
        nonlocal taken
        for block in genuine(*arguments):
            taken += len(block)
            yield block.replace(b"\0", b"x")

    genuine = decoding_module.utf8_blocks
    monkeypatch.setattr("duree.tables.files.csv.utf8_blocks", counted)
    with pytest.raises(DataError, match="longer than 1000000 bytes"):
        read_tables([path], encoding="utf-8")
    assert taken < 20_000_000


def test_a_row_without_an_end_is_refused_with_its_line(tmp_path: Path) -> None:
    message = refusal(tmp_path, "a,b\n1,2\n" + f"{'x' * 999_999}," * 20)
    assert message.startswith("the row that begins on line 3 is longer than 16000000 bytes")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_detected_and_reported(tmp_path: Path, delimiter: str) -> None:
    text = f'id{delimiter}text\n1{delimiter}"a, b; c\td|e"\n2{delimiter}plain\n'
    table = read_tables([write(tmp_path, text)])
    assert table.frame.rows() == [("1", "a, b; c\td|e"), ("2", "plain")]
    assert table.sources[0].delimiter == delimiter
    assert repr(delimiter) in findings(tmp_path, text)["delimiter"]


def test_commas_in_the_text_do_not_outvote_the_semicolon(tmp_path: Path) -> None:
    frame = read(tmp_path, "id;text, as written\n1;a, b\n2;c, d\n3;e\n")
    assert frame.columns == ["id", "text, as written"]


def test_decimal_commas_do_not_outvote_the_semicolon(tmp_path: Path) -> None:
    frame = read(tmp_path, "id;weight, kg\n1;2,5\n2;3,0\n")
    assert frame.rows(named=True) == [
        {"id": "1", "weight, kg": "2,5"},
        {"id": "2", "weight, kg": "3,0"},
    ]


def test_the_delimiter_can_be_chosen(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b|c\n1,2|3\n", delimiter="|").columns == ["a,b", "c"]
    assert read(tmp_path, "a,b\tc\n1,2\t3\n", delimiter="tab").columns == ["a,b", "c"]
    assert refusal(tmp_path, "a,b\n1,2\n", delimiter="::").startswith(
        "'::' cannot separate columns; give one character"
    )


def test_single_quotes_are_found_out_where_the_header_has_them(tmp_path: Path) -> None:
    text = "'id','text'\n1,'a, ''b'''\n2,'x \"y\"'\n"
    assert read(tmp_path, text).rows() == [("1", "a, 'b'"), ("2", 'x "y"')]
    assert findings(tmp_path, text)["delimiter"].endswith("and cells quoted with '")


def test_apostrophes_are_not_taken_for_quotes(tmp_path: Path) -> None:
    frame = read(tmp_path, "id,text\n1,'tis\n2,the dogs'\n")
    assert frame["text"].to_list() == ["'tis", "the dogs'"]


def test_in_tab_files_that_do_not_quote_a_quote_is_text(tmp_path: Path) -> None:
    text = 'token\ttag\n"\t``\nGreat\tJJ\n"\t\'\'\n"No\tUH\n'
    frame = read(tmp_path, text, "table.tsv")
    assert frame["token"].to_list() == ['"', "Great", '"', '"No']
    message = findings(tmp_path, text, "table.tsv")["delimiter"]
    assert message.endswith("and quotes are part of the text")


def test_in_tab_files_that_quote_a_quote_is_not_text(tmp_path: Path) -> None:
    text = 'id\ttext\n1\t"two\nlines\tand a tab"\n2\t"a ""b"""\n'
    assert read(tmp_path, text, "table.tsv")["text"].to_list() == ["two\nlines\tand a tab", 'a "b"']


def test_one_column_is_a_table_too(tmp_path: Path) -> None:
    assert read(tmp_path, 'text\nhello\n"a, b"\n').rows() == [("hello",), ("a, b",)]


@given(
    data=st.lists(st.sampled_from(list(b'ab,"\n\r')), max_size=40).map(bytes),
    dialect=st.sampled_from([Dialect(","), Dialect(",", None), Dialect(",", '"', "\r")]),
)
def test_cells_tile_the_finished_rows(data: bytes, dialect: Dialect) -> None:
    structure = find_structure(data + b"\n", dialect)
    if structure.fault >= 0:
        return
    assert structure.cells.sum() == len(structure.ends)
    sizes = structure.ends - structure.cell_starts
    assert (sizes >= 0).all()
    assert sizes.sum() + len(sizes) == structure.rest
    assert np.all(structure.starts[1:] == structure.row_ends[:-1] + 1)
