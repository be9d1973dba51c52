"""An export is whole, says what the network says, and can be used without Durée."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnxruntime
import polars as pl
import pytest
from tests.support.commands import call
from tests.support.letters import letters
from tests.support.letters import recipe_alone as recipe

from duree import errors
from duree.errors import DataError, ExtraError, RunError
from duree.pipeline.run import Run
from duree.serving import export as exporting
from duree.serving.export import export
from duree.workflow import fit, predict


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "letters.csv"
    frame = letters(200).with_columns(
        (pl.col("letter") + ", don't! (2 of 1,000.5)").alias("letter"),
        pl.format("{};{}", "tone", pl.col("author").str.slice(1, 1)).alias("labels"),
    )
    frame.write_csv(path)
    return path


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fit(recipe(table), tmp_path_factory.mktemp("runs") / "run")


def read_elsewhere(texts: list[str], tables: dict) -> tuple[np.ndarray, np.ndarray]:
    """What a program without Durée does with ASCII texts, by the tables alone."""
    rows = []
    for text in texts:
        units = re.findall(tables["ascii_unit"], text.lower())
        found = [tables["units"].get(unit, tables["unknown"]) for unit in units]
        rows.append(found or [tables["empty"]])
    lengths = np.array([len(row) for row in rows])
    values = np.full((len(rows), lengths.max()), tables["padding"])
    for row, found in enumerate(rows):
        values[row, : len(found)] = found
    return values, lengths


@pytest.mark.parametrize(
    "changes",
    [{}, {"data__target": "warmth"}, {"data__target": "labels", "data__label_separator": ";"}],
    ids=["classes", "numbers", "labels"],
)
def test_another_program_predicts_the_same_from_the_files_alone(
    table: Path, tmp_path: Path, changes: dict
) -> None:
    run = fit(recipe(table, **changes), tmp_path / "run")
    graph, described, card = export(run.folder, tmp_path / "model.onnx")
    tables = json.loads(described.read_text(encoding="utf-8"))
    values, lengths = read_elsewhere(pl.read_csv(table)["letter"].to_list(), tables)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    found, *decided = session.run(None, {"values": values, "lengths": lengths})[1:]
    predict(run.folder, table, tmp_path / "out.csv")
    frame = pl.read_csv(tmp_path / "out.csv")
    wanted = [f"probability_{answer}" for answer in tables["answers"]]
    columns = wanted if wanted[0] in frame.columns else ["prediction"]
    np.testing.assert_allclose(found, frame.select(columns).to_numpy(), atol=1e-4)
    assert "## Limits" in card.read_text(encoding="utf-8")
    if wanted[0] not in columns:
        assert not decided
        return
    named = frame["prediction"].fill_null("").to_list()
    for row, answers in zip(decided[0], named, strict=True):
        assert [tables["answers"][place] for place in row.nonzero()[0]] == [
            answer for answer in tables["answers"] if answer in re.split(r"[; ]+", str(answers))
        ]


def test_the_card_states_figures_data_and_limits_and_no_path_of_the_machine(
    run: Run, table: Path, tmp_path: Path
) -> None:
    card = export(run.folder, tmp_path / "model.onnx")[2].read_text(encoding="utf-8")
    metrics = run.read_json("metrics.json")
    figure = metrics["models"]["network"]["accuracy"]
    assert f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]" in card
    assert metrics["verdict"].partition(": ")[2].partition(";")[0] in card
    assert "wide_part" not in card
    assert "letters.csv: 200 rows" in card
    assert str(table.parent) not in card
    assert card.startswith("---\nlibrary_name: duree\n")


def test_a_graph_with_other_predictions_is_not_kept(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = fit(recipe(Path(run.recipe.data.files[0]), seed=5), tmp_path / "other")
    wrong = exporting.TrainedModel.of_run(other)
    assert wrong.task.export is not None
    graph = exporting._graph(wrong, wrong.task.export)
    monkeypatch.setattr(exporting, "_graph", lambda *_: graph)
    with pytest.raises(RunError, match="says something else than the network"):
        export(run.folder, tmp_path / "model.onnx")
    assert not list(tmp_path.glob("model*"))


def test_a_missing_package_is_reported_with_the_command_that_installs_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    with pytest.raises(ExtraError, match=r"pip install 'duree\[onnx\]'"):
        export(run.folder, tmp_path / "model.onnx")


def test_the_file_name_must_end_in_onnx(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"end the name in \.onnx"):
        export(run.folder, tmp_path / "model.pt")


def test_export_prints_what_it_wrote(
    run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call("export", run.folder, tmp_path / "model.onnx") == 0
    assert capfd.readouterr().out.split() == [
        str(tmp_path / f"model.{suffix}") for suffix in ("onnx", "json", "md")
    ]
