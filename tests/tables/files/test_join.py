"""Several files become one table, whatever the types of columns that are not in use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from duree.errors import DataError
from duree.pipeline.dataset import check_files
from duree.recipe.settings import DataSettings
from duree.tables.files.read import read_tables

TEXTS = [f"play number {n} was {('bad', 'good')[n % 2]}" for n in range(40)]


def files(folder: Path, first: Any, second: Any, name: str = "extra") -> list[str]:
    paths = [folder / "one.parquet", folder / "two.parquet"]
    for path, cell in zip(paths, (first, second), strict=True):
        frame = pl.DataFrame({"text": TEXTS, "label": ["a", "b"] * 20})
        frame.with_columns(pl.Series(name, [cell, None] * 20)).write_parquet(path)
    return [str(path) for path in paths]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["x"], [1]),
        ({"a": 1}, {"b": "x"}),
        ([], [{"a": 1}]),
        ({"a": [1]}, "plain"),
        (7, "plain"),
        (1212092628029698049, 0.5),
    ],
)
def test_types_of_columns_that_are_not_in_use_may_differ(
    tmp_path: Path, first: Any, second: Any
) -> None:
    paths = files(tmp_path, first, second)
    for given in ({"files": tuple(paths)}, {"files": (paths[0],), "test_file": paths[1]}):
        table, findings = check_files(DataSettings(text="text", target="label", **given))
        assert len(table) == 80
        alike = type(first) is type(second)  # lists and records with a common type
        assert alike or "mixed_types" in {finding.check for finding in findings}
        if first == 1212092628029698049:
            assert table.frame["extra"][0] == "1212092628029698049"


def test_types_of_columns_in_use_may_not_differ(tmp_path: Path) -> None:
    paths = files(tmp_path, 7, "plain")
    data = DataSettings(files=tuple(paths), text="text", target="label", group="extra")
    with pytest.raises(DataError, match=r"column 'extra' holds Int64 in .*but String in .*two"):
        check_files(data)


def test_names_that_differ_only_in_composed_characters_are_the_same(tmp_path: Path) -> None:
    for name, column in (("a.csv", "résumé"), ("b.csv", "re\u0301sume\u0301")):
        (tmp_path / name).write_text(f"{column},n\nx,1\n", encoding="utf-8")
    read = read_tables([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert read.frame.columns == ["résumé", "n"]
    assert len(read) == 2


def test_a_test_file_of_another_format_may_have_other_types(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": TEXTS, "label": [0, 1] * 20})
    frame.write_parquet(tmp_path / "data.parquet")
    frame.write_csv(tmp_path / "test.csv")
    data = DataSettings(
        files=(str(tmp_path / "data.parquet"),),
        test_file=str(tmp_path / "test.csv"),
        text="text",
        target="label",
    )
    table, findings = check_files(data)
    assert table.frame["label"].unique().sort().to_list() == ["0", "1"]
    assert "error" not in {finding.level for finding in findings}
