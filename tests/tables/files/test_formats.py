"""Formats with types: Parquet, JSON lines, Excel, Stata, SPSS and folders of texts."""

from __future__ import annotations

import sys
import time
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pyreadstat
import pytest
import xlsxwriter
from polars.testing import assert_frame_equal

from duree.errors import DataError, ExtraError
from duree.tables.files import excel, excel_size
from duree.tables.files.limits import column_names
from duree.tables.files.read import read_tables


def read(path: Path, **choices: Any) -> pl.DataFrame:
    return read_tables([path], **choices).frame


def messages(path: Path) -> dict[str, str]:
    return {f.check: f.message("en") for f in read_tables([path]).findings}


def refusal(path: Path, **choices: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_tables([path], **choices)
    chinese = caught.value.message("zh")
    assert any("\u4e00" <= character <= "\u9fff" for character in chinese)
    return caught.value.message("en").replace(f"{path.parent}/", "")


# Parquet


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"id": ["007", None], "n": [2**60 + 1, None], "d": [datetime(2020, 1, 1)] * 2}
    )
    frame.write_parquet(tmp_path / "a.parquet")
    assert_frame_equal(read(tmp_path / "a.parquet"), frame)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all"])
def test_a_damaged_parquet_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    assert refusal(tmp_path / "a.parquet").startswith("a.parquet is not a readable Parquet file: ")


def test_a_cut_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"t": ["text"] * 1000}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert "is not a readable Parquet file" in refusal(path)


def test_imdb_is_read_whole(data_folder: Path) -> None:
    table = read_tables(
        [data_folder / "imdb" / "train.parquet", data_folder / "imdb" / "test.parquet"]
    )
    assert table.frame.shape == (50_000, 5)
    assert [source.rows for source in table.sources] == [25_000, 25_000]


# JSON lines


def lines(folder: Path, text: str | bytes) -> Path:
    path = folder / "a.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_json_lines_keep_types_and_words(tmp_path: Path) -> None:
    path = lines(
        tmp_path,
        '{"id": "007", "n": 1152921504606846977, "x": 1, "t": "NA", "b": true}\n\n'
        '{"t": "two\\nlines", "x": 2.5, "id": null, "extra": "e"}',
    )
    assert read(path).to_dicts() == [
        {"id": "007", "n": 2**60 + 1, "x": 1.0, "t": "NA", "b": True, "extra": None},
        {"id": None, "n": None, "x": 2.5, "t": "two\nlines", "b": None, "extra": "e"},
    ]


def test_values_of_several_kinds_become_text_and_are_reported(tmp_path: Path) -> None:
    path = lines(tmp_path, '{"id": "A1", "n": 1}\n{"id": 7, "n": 1}\n{"id": true, "n": 2}\n')
    assert read(path)["id"].to_list() == ["A1", "7", "true"]
    assert messages(path)["mixed_types"].endswith("several types are read as text: 'id'")


def test_a_large_integer_in_a_column_with_a_fraction_keeps_its_digits(tmp_path: Path) -> None:
    path = lines(tmp_path, '{"id": 1152921504606846977}\n{"id": 0.5}\n')
    assert read(path)["id"].to_list() == ["1152921504606846977", "0.5"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "line 2 is not JSON: "),
        ('{"a": 1, "a": 2}', "line 2 is not JSON: a key occurs twice"),
        ("[1, 2]", "line 2 is not a JSON object"),
        ("[" * 100_000, "line 2 is not JSON: "),
    ],
)
def test_a_faulty_line_is_refused_with_its_number(tmp_path: Path, line: str, reason: str) -> None:
    assert refusal(lines(tmp_path, f'{{"a": 1}}\n{line}\n')).startswith(reason)


def test_a_line_without_an_end_is_refused_with_its_number(tmp_path: Path) -> None:
    path = lines(tmp_path, '{"t": "a"}\n\n{"t": "' + "x" * 20_000_000)
    assert refusal(path).startswith("the row that begins on line 3 is longer than 16000000 bytes")


def test_json_lines_may_be_in_another_encoding(tmp_path: Path) -> None:
    text = '{"t": "今天天气很好，我们去学校吧。"}\n'
    path = lines(tmp_path, text.encode("gb18030"))
    assert read(path)["t"][0] == "今天天气很好，我们去学校吧。"
    assert "seems to be in gb18030" in messages(path)["encoding"]


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_json_lines_without_rows_are_refused(tmp_path: Path, text: str) -> None:
    assert refusal(lines(tmp_path, text)).startswith("a.jsonl is empty")


# Excel


def workbook(folder: Path, fill: Callable[[Any], None], *more: str) -> Path:
    path = folder / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        fill(book.add_worksheet("First"))
        for name in more:
            book.add_worksheet(name)
    return path


def test_excel_texts_stay_text(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.write_row(0, 0, ["id", "n", "t", 2001])
        for row, (identity, number, text) in enumerate([("007", 1.5, "NA"), ("010", 2, "true")], 1):
            sheet.write_string(row, 0, identity)
            sheet.write_number(row, 1, number)
            sheet.write_string(row, 2, text)

    frame = read(workbook(tmp_path, fill))
    assert frame.columns == ["id", "n", "t", "2001"]
    assert frame.rows() == [("007", 1.5, "NA", None), ("010", 2.0, "true", None)]


@pytest.mark.parametrize("word", ["NA", "n/a", "null", "007", "#N/A as text"])
def test_a_word_far_down_a_column_of_numbers_is_not_lost(tmp_path: Path, word: str) -> None:
    def fill(sheet: Any) -> None:
        sheet.write_string(0, 0, "n")
        for row in range(1, 1500):
            sheet.write_number(row, 0, row)
        sheet.write_string(1500, 0, word)

    assert read(workbook(tmp_path, fill))["n"].to_list() == [str(n) for n in range(1, 1500)] + [
        word
    ]


def test_dates_and_truth_values_keep_their_types(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["day", "good"])
    book.active.append([datetime(2020, 1, 2), True])
    book.save(path)
    assert read(path).rows() == [(datetime(2020, 1, 2), True)]


def test_a_date_among_numbers_is_not_read_as_a_number(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for value in ("mixed", 1.5, datetime(2020, 1, 2)):
        book.active.append([value])
    book.save(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx")["mixed"].to_list() == ["1.5", "2020-01-02 00:00:00"]


def test_a_formula_never_computed_is_refused_with_its_cell(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["n", "double"])
    book.active.append([1, "=A2*2"])
    book.save(tmp_path / "a.xlsx")
    assert refusal(tmp_path / "a.xlsx") == (
        "the formula in cell B2 has no saved result; in a.xlsx; "
        "open the file in your spreadsheet program and save it"
    )


def test_a_computed_formula_is_its_result(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.write_row(0, 0, ["n", "word"])
        sheet.write_formula(1, 0, "=1+1", None, 2)
        sheet.write_formula(1, 1, '=CONCAT("a","b")', None, "ab")
        sheet.write_formula(2, 1, '=CONCAT("","")', None, "empty")
        sheet.write_number(2, 0, 3)

    path = workbook(tmp_path, fill)
    edit_sheet(path, b"<v>empty</v>", b"<v></v>")
    assert read(path).rows() == [(2.0, "ab"), (3.0, None)]


def edit_sheet(path: Path, old: bytes, new: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert old in parts[sheet]
    parts[sheet] = parts[sheet].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_cells_in_error_are_missing_and_reported(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.write_row(0, 0, ["n", "m"])
        sheet.write_formula(1, 0, "=1/0", None, "#DIV/0!")
        sheet.write_number(1, 1, 5)
        sheet.write_row(2, 0, [1, 2])

    path = workbook(tmp_path, fill)
    assert read(path).rows() == [(None, 5.0), (1.0, 2.0)]
    assert "read as missing: 1; correct their formulas" in messages(path)["spreadsheet_errors"]


def test_empty_rows_are_skipped_and_reported_and_nameless_empty_columns_are_ignored(
    tmp_path: Path,
) -> None:
    def fill(sheet: Any) -> None:
        sheet.write_row(2, 1, ["a", "b"])
        sheet.write_row(3, 1, ["x", "y"])
        sheet.write_row(6, 1, ["z", "w"])

    path = workbook(tmp_path, fill)
    assert (read(path).columns, read(path).rows()) == (["a", "b"], [("x", "y"), ("z", "w")])
    assert messages(path)["blank_lines"].endswith("skipped: 2")


def test_other_sheets_are_reported(tmp_path: Path) -> None:
    path = workbook(tmp_path, lambda sheet: sheet.write_column(0, 0, ["a", "x"]), "Second", "Third")
    assert "was read: 'First'; not read: 'Second', 'Third'" in messages(path)["sheets"]


def sheet_of(path: Path, rows: str, texts: str = "") -> Path:
    """A small workbook; ``rows`` and ``texts`` are the XML of its sheet and its shared texts."""
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet().write(0, 0, "a")
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    sheet = f"<worksheet {space}><sheetData>{rows}</sheetData></worksheet>"
    content["xl/worksheets/sheet1.xml"] = sheet.encode()
    content["xl/sharedStrings.xml"] = f"<sst {space}>{texts}</sst>".encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, one in content.items():
            archive.writestr(name, one)
    return path


def test_one_stray_cell_far_away_is_refused_before_it_takes_memory(tmp_path: Path) -> None:
    first = '<row r="1"><c r="A1"><v>1</v></c></row>'
    for stray in ('<c r="XFD1048576"><v>1</v></c>', '<c r="XFD1048576" t="inlineStr"><is/></c>'):
        path = sheet_of(tmp_path / "a.xlsx", f'{first}<row r="1048576">{stray}</row>')
        assert path.stat().st_size < 8000
        assert refusal(path) == (
            "a.xlsx has cells in 1048576 rows and 16384 columns, more than 20000000 cells; "
            "row 1048576, column 16384; delete the cells beyond the table, or save it as .csv"
        )


def test_far_cells_without_a_value_do_no_harm(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1"><v>7</v></c></row><row r="2"><c><v>1</v></c></row>'
    path = sheet_of(tmp_path / "a.xlsx", f'{rows}<row r="1048576"><c r="XFD1048576"/></row>')
    assert read(path)["7"].to_list() == [1.0]


def test_a_long_text_shared_by_many_cells_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f'<row r="{n}"><c t="s"><v>0</v></c></row>' for n in range(1, 21))
    path = sheet_of(tmp_path / "a.xlsx", rows, f"<si><r><t>{'é' * 500}</t></r></si>")
    assert read(path).height == 19
    monkeypatch.setattr(excel_size, "TEXTS_LIMIT", 19_999)
    assert refusal(path) == (
        "the texts of a.xlsx take more than 19999 bytes, as some occur in many cells; "
        "save the sheet as .csv and read that"
    )


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="one"><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="1A"><v>1</v></c></row>',
        f'<row r="1"><c t="s"><v>{"1" * 5000}</v></c></row>',
    ],
)
def test_a_sheet_with_impossible_places_is_refused(tmp_path: Path, rows: str) -> None:
    assert "is not a readable Excel workbook" in refusal(sheet_of(tmp_path / "a.xlsx", rows))


def test_many_column_names_take_no_longer_each_than_few() -> None:
    names = [f"column {n}" for n in range(60_000)]
    began = time.process_time()
    assert column_names(names, Path("a.csv")) == names
    assert time.process_time() - began < 5  # compared with one another they take a minute


def test_excel_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.write_row(0, 0, ["a", "b ", "a", "b"])
        sheet.write_row(1, 0, [1, 2, 3, 4])

    assert "several columns have the same name: 'a', 'b'" in refusal(workbook(tmp_path, fill))


@pytest.mark.parametrize("header", [[], ["a", "b"]])
def test_a_sheet_without_rows_is_refused(tmp_path: Path, header: list[str]) -> None:
    message = refusal(workbook(tmp_path, lambda sheet: sheet.write_row(0, 0, header)))
    assert message.startswith(
        "a.xlsx has column names but no rows" if header else "a.xlsx is empty"
    )


def test_a_file_that_unpacks_to_far_more_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = workbook(tmp_path, lambda sheet: sheet.write_column(0, 0, ["a", "x"]))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros.bin", bytes(20_000_000))
    message = refusal(path)
    assert message.startswith("a.xlsx unpacks to 200")
    assert "it may be a zip bomb; if you trust it, save the sheet as .csv" in message


def test_a_file_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workbook(tmp_path, lambda sheet: sheet.write_column(0, 0, ["a", "x"]))
    monkeypatch.setattr(excel, "UNPACKED_LIMIT", 3000)
    assert "it may be a zip bomb" in refusal(path)


def test_a_file_with_a_false_size_entry_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    workbook(tmp_path, lambda sheet: sheet.write_column(0, 0, ["a", "x"]))
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("xl/worksheets/sheet1.xml")
    # The directory's entry: the unpacked size stands 22 bytes before the name.
    place = content.rindex(b"xl/worksheets/sheet1.xml") - 22
    assert int.from_bytes(content[place : place + 4], "little") == entry.file_size
    content[place : place + 4] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    assert "a.xlsx is not a readable Excel workbook" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    assert refusal(tmp_path / "a.xlsx").startswith("a.xlsx is not a readable Excel workbook: ")


# Stata and SPSS

LABELS = {
    "vote": {1.0: "left", 2.0: "right"},
    "agree": {1.0: "strongly disagree", 5.0: "strongly agree"},
}
SURVEY = pl.DataFrame(
    {
        "vote": [1.0, 2.0, None, 1.0],
        "agree": [1.0, 3.0, 5.0, 4.0],
        "age": [20.0, 30.5, None, 50.0],
        "note": ["007", "", "NA", "é 好"],
    }
)


def survey(folder: Path, kind: str) -> Path:
    path = folder / f"a.{kind}"
    write = {"dta": pyreadstat.write_dta, "sav": pyreadstat.write_sav}[kind]
    write(SURVEY, str(path), variable_value_labels=LABELS)
    return path


@pytest.mark.parametrize("kind", ["dta", "sav"])
def test_value_labels_become_classes_where_every_value_has_one(tmp_path: Path, kind: str) -> None:
    path = survey(tmp_path, kind)
    frame = read(path)
    assert frame["vote"].to_list() == ["left", "right", None, "left"]
    assert frame["agree"].to_list() == [1.0, 3.0, 5.0, 4.0]
    assert frame["age"].to_list() == [20.0, 30.5, None, 50.0]
    assert frame["note"].to_list() == ["007", None, "NA", "é 好"]
    assert messages(path)["value_labels"].endswith("keep their numbers: 'agree'")


def test_values_declared_missing_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.sav"
    frame = pl.DataFrame({"vote": [1.0, 9.0, 2.0]})
    pyreadstat.write_sav(
        frame,
        str(path),
        variable_value_labels={"vote": {1.0: "left", 2.0: "right", 9.0: "refused"}},
        missing_ranges={"vote": [9]},
    )
    assert read(path)["vote"].to_list() == ["left", None, "right"]


def test_labels_of_missing_values_do_not_affect_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.dta"
    frame = pl.DataFrame({"vote": pl.Series([1, "a", 2, "b"], dtype=pl.Object)})
    labels = {1: "left", 2: "right", "a": "refused", "b": "unknown"}
    pyreadstat.write_dta(
        frame,
        str(path),
        variable_value_labels={"vote": labels},
        missing_user_values={"vote": ["a", "b"]},
    )
    assert read(path)["vote"].to_list() == ["left", None, "right", None]


def test_labels_of_texts_become_classes_and_dates_stay_dates(tmp_path: Path) -> None:
    path = tmp_path / "a.sav"
    frame = pl.DataFrame({"sex": ["f", "m"], "born": [date(1950, 1, 2), None], "n": [2, 3]})
    labels = {"sex": {"f": "female", "m": "male"}}
    pyreadstat.write_sav(frame, str(path), variable_value_labels=labels)
    assert read(path).rows() == [("female", date(1950, 1, 2), 2.0), ("male", None, 3.0)]


@pytest.mark.parametrize("suffix", ["dta", "sav"])
def test_a_damaged_survey_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"not a survey")
    assert refusal(path).startswith(f"a.{suffix} cannot be read as Stata or SPSS: ")


# Folders of texts


def corpus(folder: Path, texts: dict[str, bytes]) -> Path:
    root = folder / "corpus"
    root.mkdir()
    for name, content in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def test_a_folder_of_texts_has_its_sub_folders_as_labels(tmp_path: Path) -> None:
    root = corpus(
        tmp_path,
        {
            "pos/b.txt": b"\xef\xbb\xbfgood",
            "neg/a.TXT": "schlecht, übel".encode(),
            "pos/a.txt": b"",
            ".git/x": b"",
        },
    )
    assert read(root).rows(named=True) == [
        {"file": "neg/a.TXT", "text": "schlecht, übel", "label": "neg"},
        {"file": "pos/a.txt", "text": "", "label": "pos"},
        {"file": "pos/b.txt", "text": "good", "label": "pos"},
    ]


def test_texts_not_in_utf8_are_weighed_together_and_reported(tmp_path: Path) -> None:
    texts = {
        "a/1.txt": "今天天气很好".encode("gb18030"),
        "a/2.txt": "好".encode("gb18030"),
        "b/3.txt": b"x",
    }
    root = corpus(tmp_path, texts)
    assert read(root)["text"].to_list() == ["今天天气很好", "好", "x"]
    assert messages(root)["encoding"].endswith("(3) are in gb18030, utf-8")
    assert read_tables([root]).sources[0].encoding == "gb18030, utf-8"


def test_a_flat_folder_of_texts_has_no_labels(tmp_path: Path) -> None:
    root = corpus(tmp_path, {"b.txt": b"two", "a.txt": b"one"})
    assert read(root).rows(named=True) == [
        {"file": "a.txt", "text": "one"},
        {"file": "b.txt", "text": "two"},
    ]


@pytest.mark.parametrize(
    "texts",
    [
        {"a.csv": b"x\n1\n", "b.csv": b"x\n1\n"},
        {"a.csv": b"x\n1\n", "b.csv": b"x\n1\n", "class/readme.md": b""},
        {"a.txt": b"one", "class/b.txt": b"two"},
    ],
)
def test_another_folder_is_refused_with_what_it_holds(
    tmp_path: Path, texts: dict[str, bytes]
) -> None:
    root = corpus(tmp_path, texts)
    message = refusal(root)
    assert "is a folder, but does not hold texts (.txt, .md) in one subfolder per class" in message
    holds = sorted({name.partition("/")[0] + "/" * ("/" in name) for name in texts})
    assert f"it contains {', '.join(holds)}; " in message


def test_texts_have_the_limit_of_cells_and_lose_nul(tmp_path: Path) -> None:
    root = corpus(tmp_path, {"a/1.txt": b"o\0ne\0", "a/2.txt": b"x" * 1_000_001})
    assert "the text in column 'text', row 2 is longer than 1000000 bytes" in refusal(root)
    (root / "a" / "2.txt").unlink()
    assert read(root)["text"].to_list() == ["one"]
    assert ": 2; check whether" in messages(root)["nul_bytes"]


# Packages that may be missing


@pytest.mark.parametrize(
    ("suffix", "package"), [("xlsx", "fastexcel"), ("dta", "pyreadstat"), ("sav", "pyreadstat")]
)
def test_a_missing_package_is_reported_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ExtraError, match=rf"'{package}'.*pip install 'duree\[formats\]'"):
        read(path)
