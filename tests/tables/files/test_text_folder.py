"""Folders of texts: read at any depth, and what is not read is listed."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from tests.tables.files.test_formats import corpus

from duree.errors import DataError
from duree.pipeline.dataset import check_files
from duree.recipe.settings import DataSettings
from duree.tables.files.read import read_tables
from duree.tables.finding import Finding
from duree.tables.table import Table


def unread(table: Table) -> Finding | None:
    return next((each for each in table.findings if each.check == "unread_files"), None)


def test_deeper_levels_and_other_suffixes_of_texts_are_read(tmp_path: Path) -> None:
    texts = {"pos/a.txt": b"1", "pos/1990/b.md": b"2", "neg/x/y/c.TEXT": b"3", "neg/.h/d.txt": b"4"}
    table = read_tables([corpus(tmp_path, texts)])
    assert table.frame.rows() == [
        ("neg/x/y/c.TEXT", "3", "neg"),
        ("pos/1990/b.md", "2", "pos"),
        ("pos/a.txt", "1", "pos"),
    ]
    assert unread(table) is None


def test_what_is_not_read_is_listed_with_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "docx", None)
    texts = {f"far/{n}.docx": b"" for n in range(6)} | {"left/a.txt": b"1", "README.md": b"2"}
    finding = unread(read_tables([corpus(tmp_path, texts)]))
    assert finding is not None
    assert finding.level == "warning"
    assert finding.values["count"] == 7
    assert finding.values["suffixes"] == ".docx 6, .md 1"
    assert "python-docx" in finding.message("en")


def fake_docx(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that reads a file's lines as paragraphs, and refuses an empty one."""

    def document(path: str) -> SimpleNamespace:
        lines = Path(path).read_text().splitlines()
        if not lines:
            raise KeyError("no document")
        return SimpleNamespace(paragraphs=[SimpleNamespace(text=line) for line in lines])

    package = ModuleType("docx")
    package.__spec__ = ModuleSpec("docx", None)
    package.Document = document  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "docx", package)


def test_word_files_are_read_where_the_package_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_docx(monkeypatch)
    texts = {"far/a.docx": b"one\ntwo", "far/~$a.docx": b"lock", "left/b.txt": b"three"}
    table = read_tables([corpus(tmp_path, texts)])
    assert table.frame["text"].to_list() == ["one\ntwo", "three"]
    finding = unread(table)
    assert finding is not None
    assert finding.values["count"] == 1


def test_a_damaged_word_file_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_docx(monkeypatch)
    with pytest.raises(DataError, match=r"a\.docx is not a readable \.docx file: 'no document'"):
        read_tables([corpus(tmp_path, {"far/a.docx": b"", "left/b.txt": b"x"})])


def test_a_link_to_a_folder_above_ends_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    root = corpus(tmp_path, {"pos/a.txt": b"1", "neg/b.txt": b"2"})
    (root / "pos" / "up").symlink_to(root)
    assert len(read_tables([root])) == 2


def test_the_file_names_of_a_folder_are_no_leak(tmp_path: Path) -> None:
    words = ["sun", "rain", "snow", "wind", "ice", "fog", "hail"]
    texts = {
        f"{label}/{n}.txt": f"{words[n % 7]} {words[n % 5]} {words[n % 3]} day {n}".encode()
        for label in ("pos", "neg")
        for n in range(40)
    }
    root = corpus(tmp_path, texts)
    _, findings = check_files(DataSettings(files=(str(root),), text="text", target="label"))
    assert "leaking_column" not in {finding.check for finding in findings}
    frame = read_tables([root]).frame
    frame.write_csv(tmp_path / "table.csv")
    data = DataSettings(files=(str(tmp_path / "table.csv"),), text="text", target="label")
    assert "leaking_column" in {finding.check for finding in check_files(data)[1]}
