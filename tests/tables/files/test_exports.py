"""Tables as other programs export them: what each adds is understood, or reported."""

from __future__ import annotations

import gzip
import unicodedata
from pathlib import Path

import polars as pl
import pytest
from tests.tables.files.test_csv import write

from duree.errors import DataError
from duree.pipeline.dataset import check_files
from duree.recipe.settings import DataSettings
from duree.tables.columns import resolve_column
from duree.tables.files.read import read_tables
from duree.tables.files.stream import stream_table
from duree.tables.finding import Finding

ROWS = [f"the play number {n} was {('good', 'bad')[n % 2]}" for n in range(40)]
LABELS = [("pos", "neg")[n % 2] for n in range(40)]


def found(path: Path, text: str = "text", target: str = "label") -> dict[str, Finding]:
    _, findings = check_files(DataSettings(files=(str(path),), text=text, target=target))
    return {finding.check: finding for finding in findings}


def table(
    folder: Path, labels: list[str], *, header: str = "text,label", name: str = "table.csv"
) -> Path:
    lines = [f"{text},{label}" for text, label in zip(ROWS, labels, strict=True)]
    return write(folder, "\n".join([header, *lines]) + "\n", name)


@pytest.mark.parametrize("word", ["NA", "NaN", "NULL", ".", "#N/A", "<NA>", "\\N"])
def test_a_bare_word_for_missing_values_among_labels_is_a_warning(
    tmp_path: Path, word: str
) -> None:
    finding = found(table(tmp_path, [word] * 8 + LABELS[8:]))["missing_words"]
    assert finding.level == "warning"
    assert finding.values == {"column": "label", "words": repr(word), "count": 8}


def test_a_quoted_word_for_missing_values_is_a_class_like_any_other(tmp_path: Path) -> None:
    assert "missing_words" not in found(table(tmp_path, ['"NA"'] * 8 + LABELS[8:]))


def test_bare_words_for_missing_values_are_counted_across_lines_ends_and_files(
    tmp_path: Path,
) -> None:
    text = 'text,label\r\nNA,a\r\n"NA",NA\r\n,b\r\n'
    files = [write(tmp_path, text, f"{name}.csv") for name in "bc"]
    read = read_tables(files)
    assert read.bare == {"text": {"NA": 2}, "label": {"NA": 2}}


@pytest.mark.parametrize("line", ["sep=;", "SEP=;\r", '"sep=;"'])
def test_a_first_line_that_names_the_separator_is_skipped_and_reported(
    tmp_path: Path, line: str
) -> None:
    path = write(tmp_path, f"{line}\ntext;label\n\na, b;c\nshort\n")
    with pytest.raises(DataError, match=r"line 5 has 1 cells"):
        read_tables([path])
    read = read_tables([path], drop_bad=True)
    assert read.frame.rows() == [("a, b", "c")]
    assert {finding.check for finding in read.findings} >= {"separator_line", "bad_rows"}
    sound = write(tmp_path, f"{line}\ntext;label\na, b;c\n", "sound.csv")
    assert next(stream_table(sound)).frame.columns == ["text", "label"]


def test_columns_without_name_and_cells_are_left_out_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path, "text,label,, \na,b,,\nc,d,,\n")
    read = read_tables([path])
    assert read.frame.columns == ["text", "label"]
    finding = next(each for each in read.findings if each.check == "nameless_columns")
    assert finding.values["count"] == 2
    assert next(stream_table(path)).frame.columns == ["text", "label"]


def test_a_single_column_without_name_stays_if_it_has_cells(tmp_path: Path) -> None:
    assert read_tables([write(tmp_path, ",text\n1,a\n2,b\n")]).frame.columns == ["", "text"]


def test_several_columns_without_name_but_with_cells_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "text,label,,\na,b,c,d\n")
    with pytest.raises(DataError, match="several columns have the same name: ''"):
        read_tables([path])
    with pytest.raises(DataError, match="several columns have the same name: ''"):
        list(stream_table(path))


@pytest.mark.parametrize("name", ["rows", "count", "index", "row", "len", "literal", "value"])
@pytest.mark.parametrize("role", ["text", "target"])
def test_columns_may_be_called_like_those_of_the_checks(
    tmp_path: Path, name: str, role: str
) -> None:
    names = {"text": "text", "target": "label"} | {role: name}
    path = table(tmp_path, LABELS, header=f"{names['text']},{names['target']}")
    assert found(path, **names)["class_balance"].values["count"] == 2
    data = DataSettings(files=(str(path),), test_file=str(path), **names)
    assert "untested_class" not in {finding.check for finding in check_files(data)[1]}


@pytest.mark.parametrize("name", ["*", "^a$"])
def test_a_column_name_that_is_a_pattern_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="a column cannot be called"):
        read_tables([write(tmp_path, f"text,{name}\na,b\n")])
    pl.DataFrame({name: ["a"]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="a column cannot be called"):
        read_tables([tmp_path / "t.parquet"])


def test_column_names_are_compared_in_composed_form(tmp_path: Path) -> None:
    header = unicodedata.normalize("NFD", "résumé,label")
    path = table(tmp_path, LABELS, header=header)
    assert found(path, text="résumé")["text_column"].level == "ok"
    header = unicodedata.normalize("NFC", "résumé,label")
    path = table(tmp_path, LABELS, header=header)
    assert found(path, text=unicodedata.normalize("NFD", "résumé"))["text_column"].level == "ok"


@pytest.mark.parametrize("kind", ["sav", "dta"])
def test_values_with_the_same_label_are_named(tmp_path: Path, kind: str) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    path = tmp_path / f"survey.{kind}"
    frame = pl.DataFrame({"z": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 1.0]})
    labels = {"z": {1: "agree", 2: "agree", 3: "disagree"}, "y": {1: "yes", 2: "no", 3: "no"}}
    getattr(pyreadstat, f"write_{kind}")(frame, str(path), variable_value_labels=labels)
    table = read_tables([path])
    assert table.frame["z"].to_list() == ["agree", "agree", "disagree"]
    shared = [finding for finding in table.findings if finding.check == "shared_labels"]
    assert [(finding.level, finding.values["values"]) for finding in shared] == [
        ("note", "'z': 1, 2 = 'agree'")
    ]


def test_a_table_in_a_text_file_is_a_table_if_its_first_line_names_the_columns(
    tmp_path: Path,
) -> None:
    for mark in "\t;,":
        path = table(tmp_path, LABELS, header=f"text{mark}label", name="table.txt")
        text = path.read_text()
        path.write_text(text.replace(",", mark) if mark != "," else text)
        assert found(path)["class_balance"].values["count"] == 2
        assert read_tables([path], header=["text"]).frame.columns == ["text", "label"]
        assert next(stream_table(path, header=["text"])).frame.columns == ["text", "label"]


@pytest.mark.parametrize(
    "text", ["text\tlabel\n\na\tb\n", "# text\nthe\tDET\n", "the\tDET\ndog\tNOUN\n"]
)
def test_a_text_file_of_tokens_stays_one(tmp_path: Path, text: str) -> None:
    read = read_tables([write(tmp_path, text, "tokens.txt")], header=["text", "label"])
    assert read.frame.columns[0] == "sentence"


def test_row_names_of_r_are_named_as_such(tmp_path: Path) -> None:
    path = write(tmp_path, '"text","label"\n"1","a","b"\n"2","c","d"\n')
    with pytest.raises(DataError, match="the first column seems to hold row names, as R writes"):
        read_tables([path])


def test_a_title_above_the_column_names_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "Survey 2020,,\ntext,label,n\na,b,c\n")
    with pytest.raises(DataError, match="'Survey 2020', which seems to be a title above"):
        read_tables([path])
    xlsxwriter = pytest.importorskip("xlsxwriter")
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate((["Survey 2020"], ["text", "label"], ["a", "b"])):
            sheet.write_row(row, 0, cells)
    with pytest.raises(DataError, match="'Survey 2020', which seems to be a title above"):
        read_tables([tmp_path / "t.xlsx"])


@pytest.mark.parametrize("title", ["Survey 2020", "Survey 2020\nof the town"])
def test_a_title_that_is_a_line_of_its_own_is_named(tmp_path: Path, title: str) -> None:
    path = write(tmp_path, f"{title}\ntext,label,n\na,b,c\nd,e,f\ng,h,i\n")
    for drop_bad in (False, True):
        with pytest.raises(DataError, match="'Survey 2020', which seems to be a title above"):
            read_tables([path], drop_bad=drop_bad)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_title_above_columns_of_another_delimiter_is_named_where_one_is_missing(
    tmp_path: Path, delimiter: str
) -> None:
    rows = [("text", "label"), ("a", "b"), ("c d", "e")]
    lines = ["Survey 2020", *map(delimiter.join, rows)]
    read = read_tables([write(tmp_path, "\n".join(lines) + "\n")])
    (finding,) = [one for one in read.findings if one.check == "title"]
    assert finding.level == "warning"
    with pytest.raises(DataError, match="first line 'Survey 2020' seems to be a title above"):
        resolve_column(read, "text")


def test_a_single_column_of_sentences_is_not_taken_for_a_title(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="quote texts that contain ','"):
        read_tables([write(tmp_path, "text\nNo, never\nYes, always\n")])
    read = read_tables([write(tmp_path, "text\nNo; never\nYes\n")])
    assert read.frame.rows() == [("No; never",), ("Yes",)]
    assert not [finding for finding in read.findings if finding.check == "title"]


def test_sheets_that_were_not_read_are_named_where_a_column_is_missing(tmp_path: Path) -> None:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        first, second = book.add_worksheet("codebook"), book.add_worksheet("data")
        first.write_column(0, 0, ["variable", "text"])
        second.write_column(0, 0, ["text", "a"])
        second.activate()
        first.hide()
    read = read_tables([tmp_path / "t.xlsx"])
    assert [finding.level for finding in read.findings if finding.check == "sheets"] == ["warning"]
    with pytest.raises(DataError, match="only the sheet 'codebook' was read, not 'data'"):
        found(tmp_path / "t.xlsx")


def test_workbooks_with_macros_and_short_suffixes_of_parquet_are_read(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": ["a"], "label": ["b"]})
    frame.write_parquet(tmp_path / "t.pq")
    assert read_tables([tmp_path / "t.pq"]).frame.equals(frame)
    assert next(stream_table(tmp_path / "t.pq")).frame.equals(frame)
    pytest.importorskip("xlsxwriter")
    frame.write_excel(tmp_path / "t.xlsx")
    (tmp_path / "t.xlsx").rename(tmp_path / "t.xlsm")
    assert read_tables([tmp_path / "t.xlsm"]).frame.equals(frame)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", gzip.compress(b"text\na\n", mtime=0), "a gzip archive; unpack it first"),
        ("t.csv.gz", gzip.compress(b"text\na\n", mtime=0), "a gzip archive; unpack it first"),
        ("t.csv", b"PK\x03\x04rest", "a zip file; unpack it first"),
        ("t.zip", b"PK\x03\x04rest", "a zip file; unpack it first"),
        ("t.csv", b"\xd0\xcf\x11\xe0rest", "an old Excel workbook (.xls)"),
        ("t.xls", b"\xd0\xcf\x11\xe0rest", "an old Excel workbook (.xls)"),
        ("t.csv", b"PAR1rest", "a Parquet file; give it the suffix .parquet"),
        ("t.json", b'[{"text": "a"}]', "JSON; write one JSON object per line"),
        ("t.csv", b'\xef\xbb\xbf[{"text": "a"}]', "JSON; write one JSON object per line"),
    ],
)
def test_a_file_that_is_really_of_another_format_is_named_with_the_way_out(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    with pytest.raises(DataError) as raised:
        read_tables([write(tmp_path, content, name)])
    assert f"is really {said}" in str(raised.value)
    with pytest.raises(DataError, match="is really"):
        list(stream_table(tmp_path / name))


def test_a_workbook_called_csv_is_named(tmp_path: Path) -> None:
    pytest.importorskip("xlsxwriter")
    pl.DataFrame({"a": [1]}).write_excel(tmp_path / "t.xlsx")
    (tmp_path / "t.xlsx").rename(tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"an Excel workbook; give it the suffix \.xlsx"):
        read_tables([tmp_path / "t.csv"])
