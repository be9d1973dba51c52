"""Documents: rows of a table, files of a folder, or one file, which is divided in order."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from duree.errors import DataError
from duree.recipe.recipe import Recipe
from duree.recipe.settings import DataSettings
from duree.tables.files import read
from duree.tables.files.read import read_tables
from duree.tables.layouts.documents import Documents
from duree.tables.table import Table

BOOK = "\n".join(f"Line {line} of the book." for line in range(1000))


def laid_out(texts: list[str], **data: object) -> tuple[Table, Documents]:
    frame = pl.DataFrame({"text": texts, "author": [f"a{n}" for n in range(len(texts))]})
    return Documents(DataSettings(text="text", **data)).lay_out(Table(frame, ()))


def test_a_text_file_is_one_document_as_it_is(tmp_path):
    file = tmp_path / "book.txt"
    file.write_text(BOOK, encoding="utf-8")
    table = read_tables([file], documents=True)
    assert table.frame.to_dicts() == [{"file": "book.txt", "text": BOOK}]
    assert table.findings[0].message() == f"{file} is in UTF-8"


def test_a_table_with_the_suffix_of_a_text_file_stays_a_table(tmp_path):
    file = tmp_path / "poems.txt"
    file.write_text("text\tauthor\na poem\tsomeone\n", encoding="utf-8")
    table = read_tables([file], header=["text"], documents=True)
    assert table.frame.to_dicts() == [{"text": "a poem", "author": "someone"}]


def test_an_empty_text_file_is_refused(tmp_path):
    (tmp_path / "book.txt").write_text(" \n", encoding="utf-8")
    with pytest.raises(DataError, match=r"book\.txt is empty"):
        read_tables([tmp_path / "book.txt"], documents=True)


def test_documents_may_be_longer_than_cells_of_other_tables(tmp_path, monkeypatch):
    monkeypatch.setattr(read, "CELL_LIMIT", 100)
    for name in ("book.txt", "other.txt"):
        (tmp_path / name).write_text(BOOK, encoding="utf-8")
    assert read_tables([tmp_path], documents=True).frame["text"].to_list() == [BOOK, BOOK]
    with pytest.raises(DataError, match="longer than 100 bytes"):
        read_tables([tmp_path])


def test_a_single_document_is_divided_in_order_at_ends_of_lines():
    table, layout = laid_out([BOOK])
    parts = table.frame["text"].to_list()
    assert "".join(parts) == BOOK
    assert all(part.startswith("Line ") for part in parts)
    shares = np.array([len(part) for part in parts]) / len(BOOK)
    np.testing.assert_allclose(shares, [0.1, 0.8, 0.1], atol=0.01)
    # Validation, training, test.
    assert layout.parts(table).tolist() == [1, 0, 2]
    assert table.frame["author"].to_list() == ["a0"] * 3


def test_few_documents_are_divided_each():
    table, layout = laid_out([BOOK, BOOK[::-1]])
    assert layout.parts(table).tolist() == [1, 1, 0, 0, 2, 2]
    assert "".join(table.frame["text"][1::2]) == BOOK[::-1]
    assert table.frame["author"].to_list() == ["a0", "a1"] * 3


def test_with_a_test_file_only_a_tenth_is_set_aside_for_validation():
    table, layout = laid_out([BOOK], test_file="other.txt")
    assert layout.parts(table).tolist() == [1, 0]
    assert len(table.frame["text"][0]) == pytest.approx(len(BOOK) / 10, rel=0.05)
    other, same = layout.lay_out(Table(pl.DataFrame({"text": [BOOK]}), ()))
    assert (len(other), same) == (1, layout)


@pytest.mark.parametrize(
    ("texts", "data"),
    [
        ([BOOK], {"test_file": "other.txt", "validation_file": "third.txt"}),
        ([BOOK], {"time": "author"}),
        ([BOOK] * 10, {}),
    ],
)
def test_documents_are_not_divided_without_need(texts, data):
    table, layout = laid_out(texts, **data)
    assert table.frame["text"].to_list() == texts
    assert not layout.parts(table).any()


def test_a_text_without_blanks_is_divided_all_the_same():
    table, _ = laid_out(["字" * 100])
    assert [len(part) for part in table.frame["text"]] == [10, 80, 10]


def test_the_text_is_its_own_target_and_called_text_unless_named():
    assert Documents.fill(Recipe()).data.target == Documents.fill(Recipe()).data.text == "text"
    named = Documents.fill(Recipe.build({"data": {"text": "poem"}})).data
    assert (named.text, named.target) == ("poem", "poem")


def test_a_document_that_is_too_short_to_be_divided_is_named():
    with pytest.raises(DataError, match="in row 2 of 'text' is too short: 4 characters"):
        laid_out([BOOK, "abc\n"])
