"""Classes have the names that a recipe gives them, in everything that is made of a table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.support.commands import call
from tests.support.letters import letters
from tests.support.service import Client

from duree.errors import DataError
from duree.pipeline.dataset import check_files, read_rows
from duree.recipe.flags import recipe_from_flags
from duree.serving.service import create_service
from duree.tables.files.write import write_table
from duree.tasks import resolve

NAMES = "0=差评,1=好评"


def coded(rows: int, seed: int = 0) -> pl.DataFrame:
    """Letters whose tone is a number."""
    codes = pl.col("tone").replace_strict({"bad": "0", "good": "1"})
    return letters(rows, seed).select("id", "letter", codes)


def table(folder: Path, values: list[object], name: str = "t.csv") -> Path:
    """A table of texts with these values of ``tone``, over and over."""
    frame = (
        letters(120)
        .select("letter")
        .with_columns(pl.Series("tone", [values[row % len(values)] for row in range(120)]))
    )
    write_table(frame, folder / name)
    return folder / name


def read(path: Path, names: str, **flags: object):
    given = {"text": "letter", "target": "tone", "class_names": (names,), **flags}
    return read_rows(resolve(recipe_from_flags(None, (str(path),), given, ())))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of ``duree fit`` with named classes."""
    folder = tmp_path_factory.mktemp("named")
    write_table(coded(200), folder / "letters.csv")
    options = ["--text", "letter", "--target", "tone", "--class-names", NAMES, "--no-baselines"]
    small = ["--epochs", 1, "--set", "hidden_size=8", "--set", "embedding_size=8"]
    small += ["--set", "evaluation.bootstrap=100", "--out", folder / "run"]
    assert call("fit", folder / "letters.csv", *options, *small) == 0
    return folder / "run"


def test_metrics_split_and_predictions_show_the_names(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert list(metrics["per_class"]["network"]) == ["好评", "差评"]
    split = json.loads((run / "split.json").read_text(encoding="utf-8"))
    assert set(split["class_counts"]["train"]) == {"好评", "差评"}
    rows = pl.read_parquet(run / "predictions.parquet")
    assert set(rows["tone"]) == {"好评", "差评"}
    assert set(rows["prediction"]) <= {"好评", "差评"}
    assert "probability_好评" in rows.columns
    assert "0 = 差评, 1 = 好评" in (run / "report.html").read_text(encoding="utf-8")


def test_new_rows_are_predicted_by_name_and_their_columns_are_kept(
    run: Path, tmp_path: Path
) -> None:
    write_table(coded(20, seed=5), tmp_path / "new.csv")
    assert call("predict", run, tmp_path / "new.csv", "-o", tmp_path / "out.csv") == 0
    out = pl.read_csv(tmp_path / "out.csv", infer_schema=False)
    assert set(out["prediction"]) <= {"好评", "差评"}
    assert out["tone"].to_list() == coded(20, seed=5)["tone"].to_list()


@pytest.mark.parametrize("values", [{}, {"0": "差评", "1": "好评"}, {"0": "0.0", "1": "1.0"}])
def test_rows_are_evaluated_whether_they_hold_values_or_names(
    run: Path, tmp_path: Path, values: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    frame = coded(40, seed=5)
    write_table(frame, tmp_path / "plain.csv")
    write_table(frame.with_columns(pl.col("tone").replace(values)), tmp_path / "new.csv")
    assert call("evaluate", run, tmp_path / "plain.csv") == 0
    plain = capsys.readouterr().out
    assert call("evaluate", run, tmp_path / "new.csv") == 0
    assert capsys.readouterr().out == plain


def test_few_rows_of_one_class_are_evaluated(run: Path, tmp_path: Path) -> None:
    write_table(coded(40).filter(pl.col("tone") == "1"), tmp_path / "new.csv")
    assert call("evaluate", run, tmp_path / "new.csv") == 0


def test_an_explained_row_shows_the_name_of_its_class(run: Path, tmp_path: Path) -> None:
    write_table(coded(5, seed=5), tmp_path / "new.csv")
    page = tmp_path / "row.html"
    assert call("explain", run, tmp_path / "new.csv", "--row", 1, "-o", page) == 0
    found = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert found["true"] == {"0": "差评", "1": "好评"}[coded(5, seed=5)["tone"][0]]


def test_named_and_unnamed_values_are_checked_as_classes(tmp_path: Path) -> None:
    dataset = read(table(tmp_path, ["0", "1", "2"]), NAMES)
    assert set(dataset.target) == {"差评", "好评", "2"}
    flags = {"text": "letter", "target": "tone", "class_names": (NAMES,)}
    data = recipe_from_flags(None, (str(table(tmp_path, ["0", "1"])),), flags, ()).data
    messages = [finding.message("en") for finding in check_files(data)[1]]
    assert any("'差评' 60" in message for message in messages)
    assert any("replaced by names: 0 = 差评, 1 = 好评" in message for message in messages)


def test_codes_that_programs_write_as_decimals_and_gaps_are_named_too(tmp_path: Path) -> None:
    path = table(tmp_path, ["0.0", " 1.0", ""])
    dataset = read(path, NAMES, drop_bad=True)
    assert dataset.target.value_counts(sort=True).rows() == [("差评", 40), ("好评", 40)]
    assert any("white space trimmed" in one.message("en") for one in dataset.findings)
    numbers = pl.col("tone").str.strip_chars().cast(pl.Float64, strict=False)
    write_table(pl.read_csv(path).with_columns(numbers), tmp_path / "t.parquet")
    assert set(read(tmp_path / "t.parquet", NAMES, drop_bad=True).target) == {"差评", "好评"}


def test_names_may_be_exchanged_and_change_nothing_else(tmp_path: Path) -> None:
    path = table(tmp_path, ["0", "1", "1"])
    plain, exchanged = read(path, ""), read(path, "0=1,1=0")
    assert (plain.target != exchanged.target).all()
    assert np.array_equal(plain.split.test, read(path, "0=a,1=b").split.test)


def test_many_numbers_with_names_are_classes(tmp_path: Path) -> None:
    path = table(tmp_path, [str(number) for number in range(24)])
    names = ",".join(f"{number}=code {number}" for number in range(24))
    with pytest.raises(DataError, match="too few rows"):  # of each class, so they are classes
        read(path, names)
    with pytest.raises(DataError, match="leaves 22 different numbers in 'tone' without a name"):
        read(path, NAMES)


def test_labels_of_one_cell_are_named_one_by_one(tmp_path: Path) -> None:
    path = table(tmp_path, ["1; 2", "2", "3", ""])
    dataset = read(path, "1=war,2=trade", label_separator=";")
    assert set(dataset.target) == {"war;trade", "trade", "3", ""}
    with pytest.raises(DataError, match="holds the separator"):
        read(path, "1=war;peace", label_separator=";")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("0=bad,2=odd", "gives names to '2', which 'tone' does not hold"),
        ("0=1", "gives '0' the name '1', but 'tone' holds '1' as well"),
    ],
)
def test_names_that_do_not_fit_the_column_are_refused(
    names: str, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path, ["0", "1"])
    options = ("--text", "letter", "--target", "tone", "--class-names", names)
    for command in ("fit", "check"):
        assert call(command, path, *options) == 2
        error = capfd.readouterr().err
        assert message in error
        assert "Traceback" not in error
    assert not (tmp_path / "runs").exists()


def test_tags_of_words_have_no_such_names(tmp_path: Path) -> None:
    path = tmp_path / "tags.csv"
    path.write_text("s,w,t\n1,a,X\n1,b,Y\n", encoding="utf-8")
    flags = {"text": "w", "target": "t", "id": "s", "class_names": ("X=noun",)}
    data = recipe_from_flags(None, (str(path),), flags, ()).data
    with pytest.raises(DataError, match="several values"):
        check_files(data.model_copy(update={"token": "w"}))


def test_the_service_answers_with_the_names(run: Path) -> None:
    answer = Client(create_service([run])).predict([{"letter": "a glad day"}])
    (found,) = answer.json()["predictions"]
    assert set(found["probability"]) == {"差评", "好评"}
    assert found["prediction"] in {"差评", "好评"}
