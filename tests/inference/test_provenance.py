"""Provenance: which rows of a file of predictions trained the network."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.cli.test_commands import FAST
from tests.support.commands import call

from duree.errors import DataError
from duree.inference.provenance import (
    Provenance,
    provenance_file,
    read_provenance,
    recognised_by,
    row_keys,
)

TEXTS = [f"day {n} was {word}" for n, word in enumerate(["fine", "grim"] * 20)]
FRAME = pl.DataFrame({"text": TEXTS, "label": ["up", "down"] * 20})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, the run that was trained on it, and its predictions."""
    folder = tmp_path_factory.mktemp("provenance")
    table = folder / "table.csv"
    FRAME.write_csv(table)
    run = folder / "run"
    assert call("fit", table, "--text=text", "--target=label", f"--out={run}", *FAST) == 0
    assert call("predict", run, table, "-o", folder / "out.parquet") == 0
    return folder


def split_of(folder: Path) -> dict[str, list[int]]:
    split: dict[str, list[int]] = json.loads((folder / "run/split.json").read_text())
    return split


def known(folder: Path) -> Provenance:
    found = read_provenance(folder / "out.parquet")
    assert found is not None
    return found


def test_the_rows_that_trained_are_those_of_training_and_validation(folder: Path) -> None:
    split = split_of(folder)
    predictions = pl.read_parquet(folder / "out.parquet")
    trained = known(folder).trained(predictions)
    assert trained is not None
    assert np.flatnonzero(trained).tolist() == sorted(split["train"] + split["validation"])
    assert len(split["test"]) > 0


def test_the_training_file_is_named_by_its_checksum(folder: Path) -> None:
    found = known(folder)
    checksum = hashlib.sha256((folder / "table.csv").read_bytes()).hexdigest()
    assert found.training_sha256 == (checksum,)
    assert (found.run, found.out_of_fold, found.folds) == ("run", False, None)


def test_the_same_text_counts_as_trained_in_another_file_order_and_format(
    folder: Path, tmp_path: Path
) -> None:
    trained = TEXTS[split_of(folder)["train"][0]]
    new = pl.DataFrame({"id": [1, 2, 3], "text": ["new", f"  {trained} ", "day 3 is grim"]})
    new.write_csv(tmp_path / "new.csv")
    assert call("predict", folder / "run", tmp_path / "new.csv", "-o", tmp_path / "out.csv") == 0
    found = read_provenance(tmp_path / "out.csv")
    assert found is not None
    other = pl.read_csv(tmp_path / "out.csv").reverse().with_columns(year=pl.lit(1900))
    marks = found.trained(other)
    assert marks is not None
    assert marks.tolist() == [False, True, False]


def test_predict_says_how_many_rows_trained_the_network(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    split = split_of(folder)
    assert call("predict", folder / "run", folder / "table.csv", "-o", tmp_path / "o.csv") == 0
    count = len(split["train"]) + len(split["validation"])
    assert f"trained the network: {count} of 40 (row " in capfd.readouterr().err


def test_of_a_run_of_an_earlier_version_the_rows_are_unknown(folder: Path, tmp_path: Path) -> None:
    facts = folder / "run/trained_rows.npy"
    aside = facts.rename(tmp_path / "aside.npy")
    try:
        assert call("predict", folder / "run", folder / "table.csv", "-o", tmp_path / "o.csv") == 0
    finally:
        aside.rename(facts)
    found = read_provenance(tmp_path / "o.csv")
    assert found is not None
    assert found.trained_rows is None
    assert found.trained(FRAME) is None
    assert len(found.training_sha256) == 1


def test_altered_facts_of_a_run_are_refused(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    facts = folder / "run/trained_rows.npy"
    content = facts.read_bytes()
    try:
        facts.write_bytes(content[:40])
        assert call("predict", folder / "run", folder / "table.csv", "-o", tmp_path / "o.csv") == 2
    finally:
        facts.write_bytes(content)
    assert "trained_rows.npy of the run" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_of_tables_in_which_a_sequence_has_several_rows_the_id_recognises_it() -> None:
    assert recognised_by(["person", "sex"], ["person", "state", "begin"], "person") == ["person"]
    assert recognised_by(["text", "id"], ["text"], "id") == ["text"]
    assert recognised_by(["sex", "age"], ["state"], None) == ["sex", "age"]


def test_predictions_without_facts_beside_them_have_no_provenance(tmp_path: Path) -> None:
    assert read_provenance(tmp_path / "other.parquet") is None


@pytest.mark.parametrize(
    ("key", "value"),
    [("version", 2), ("out_of_fold", "no"), ("training_sha256", None), ("trained_rows", {})],
)
def test_altered_provenance_is_refused(tmp_path: Path, key: str, value: object) -> None:
    output = tmp_path / "out.csv"
    Provenance("run", ("ab",), ("text",), row_keys(FRAME.select("text"))).write(output)
    file = provenance_file(output)
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(DataError, match="what is known of the predictions cannot be read"):
        read_provenance(output)


def test_a_missing_column_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match="lack the column 'text'"):
        known(folder).trained(pl.DataFrame({"id": [1]}))


def test_a_file_holds_the_provenance_as_it_was_written(tmp_path: Path) -> None:
    keys = np.unique(row_keys(FRAME.select("text")))
    before = Provenance("run", ("ab", "cd"), ("text",), keys, out_of_fold=True, folds=5)
    before.write(tmp_path / "out.csv")
    after = read_provenance(tmp_path / "out.csv")
    assert after is not None
    assert np.array_equal(after.trained_rows, keys)
    assert (after.run, after.training_sha256, after.columns) == ("run", ("ab", "cd"), ("text",))
    assert (after.out_of_fold, after.folds) == (True, 5)


def test_keys_depend_on_the_content_and_not_on_how_a_format_writes_it(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "text": ["two  words", "=SUM(1)", None, "1.50", "two words"],
            "number": [1, 2, 3, 4, 1],
            "share": [0.5, None, 1.25, 1e-7, 0.5],
            "flag": [True, False, None, True, True],
        }
    )
    frame.with_columns(text=pl.col("text").str.replace("=", "'=")).write_csv(tmp_path / "t.csv")
    keys = row_keys(frame)
    assert np.array_equal(keys, row_keys(pl.read_csv(tmp_path / "t.csv")))
    assert np.array_equal(keys, row_keys(pl.read_csv(tmp_path / "t.csv", infer_schema=False)))
    assert keys[0] == keys[4]
    assert len(set(keys.tolist())) == 4
    assert row_keys(pl.DataFrame({"a": ["x"], "b": [""]})) != row_keys(
        pl.DataFrame({"a": [""], "b": ["x"]})
    )
