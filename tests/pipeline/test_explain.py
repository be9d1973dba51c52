"""Every run can be asked what it learned: by its report, on a page, as JSON, as Parquet."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.support.commands import call
from tests.support.letters import letters
from tests.support.letters import recipe_alone as recipe
from tests.support.pdf import real_pdf

from duree.errors import DataError, RunError
from duree.explain.attribution import integrated_gradients
from duree.pipeline.model import TrainedModel
from duree.pipeline.notebook import (
    picture_arc,
    picture_gates,
    picture_texts,
    picture_words,
    shade_text,
)
from duree.pipeline.run import Run
from duree.report.pages.report import write_report
from duree.results.explanations import Explanations
from duree.workflow import explain_all, explain_row, fit


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Letters, the last of which is long enough for an arc."""
    path = tmp_path_factory.mktemp("data") / "letters.csv"
    frame = letters(400)
    long = " ".join(frame["letter"].head(100))
    texts = [*frame["letter"].head(399), long]
    frame.with_columns(pl.Series("letter", texts)).write_csv(path)
    return path


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "run"
    return fit(recipe(table, evaluation__seeds=2, training__epochs=6), folder)


def test_a_run_holds_what_its_network_learned(run: Run) -> None:
    found = Explanations.model_validate(run.read_json("explanations.json"))
    assert {example.answer for example in found.examples} == {"good", "bad"}
    assert {"grim", "glad"} <= {word.word for word in found.words}
    assert found.order is not None
    assert found.order.difference.low <= found.order.difference.value <= found.order.difference.high
    assert (
        found.order.in_order.value
        == run.read_json("metrics.json")["models"]["network"]["accuracy"]["value"]
    )
    assert [span.steps for span in found.memory][:3] == [1, 2, 4]
    assert found.curves is not None
    assert len(found.curves.agreement) == 1
    assert {(unit.layer, unit.direction) for unit in found.units} == {
        (0, "forward"),
        (0, "backward"),
    }


def test_nothing_is_listed_that_shuffled_answers_give_too(run: Run, tmp_path: Path) -> None:
    found = Explanations.model_validate(run.read_json("explanations.json"))
    assert found.chance is not None
    assert {word.word for word in found.words} == {"grim", "glad"}
    assert all(
        near.cosine > found.chance.cosine for word in found.words for near in word.neighbours
    )
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "Punctuation and numbers are left out." in page
    frame = letters(200)
    tones = frame["tone"].sample(fraction=1, shuffle=True, seed=1)
    frame.with_columns(pl.Series("tone", tones)).write_csv(tmp_path / "shuffled.csv")
    small = {"training__epochs": 2, "evaluation__bootstrap": 100}
    noise = fit(recipe(tmp_path / "shuffled.csv", **small), tmp_path / "noise")
    assert noise.read_json("explanations.json")["words"] == []
    page = (noise.folder / "report.html").read_text(encoding="utf-8")
    assert "None: no word with a large attribution occurs with an answer more often" in page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_shows_it_and_runs_nothing(run: Run, language: str) -> None:
    page = write_report(run.folder, language).read_text(encoding="utf-8")
    assert 'id="learned"' in page
    assert 'class="for9"' in page
    for name in ("memory", "words", "faithfulness"):
        assert f'id="figure-{name}"' in page
        assert (run.folder / "figures" / f"{name}.svg").exists()
    assert not re.search(r"<script|style=|https?://(?!www\.w3\.org)", page.split("</style>")[1])


def test_a_report_of_a_run_from_before_there_were_explanations_does_without(
    run: Run, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    for file in run.folder.glob("*.*"):
        if file.name != "explanations.json" and file.is_file():
            (old / file.name).write_bytes(file.read_bytes())
    assert 'id="learned"' not in write_report(old).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "changes",
    [
        {"data__target": "warmth"},
        {"model__cell": "rnn"},
        {"model__cell": "gru", "model__num_layers": 2, "model__wide": False},
        {"model__bidirectional": False, "model__pooling": "last"},
    ],
    ids=["numbers", "simple", "deep", "one way"],
)
def test_every_kind_of_network_can_be_explained(table: Path, tmp_path: Path, changes: dict) -> None:
    run = fit(recipe(table, **changes), tmp_path / "run")
    found = Explanations.model_validate(run.read_json("explanations.json"))
    assert found.memory
    assert found.examples
    assert bool(found.units) == (changes.get("model__cell") != "rnn")
    page = explain_row(run.folder, table, 3)
    assert "{" not in re.sub(
        r"<style>.*?</style>", "", page.read_text(encoding="utf-8"), flags=re.S
    )


def test_a_multilabel_run_can_be_explained(table: Path, tmp_path: Path) -> None:
    frame = pl.read_csv(table, infer_schema=False)
    both = pl.format("{};{}", "tone", pl.col("author").str.slice(1, 1)).alias("tone")
    frame.with_columns(both).write_csv(tmp_path / "labels.csv")
    changed = recipe(tmp_path / "labels.csv", data__label_separator=";")
    run = fit(changed, tmp_path / "run")
    assert Explanations.model_validate(run.read_json("explanations.json")).examples
    assert explain_row(run.folder, tmp_path / "labels.csv", 1).exists()


@pytest.mark.parametrize("target", ["tone", "warmth"])
def test_texts_of_one_word_or_none_can_be_explained(
    table: Path, tmp_path: Path, target: str
) -> None:
    frame = pl.read_csv(table, infer_schema=False)
    words = [("", "grim", "glad", "!")[row % 4] for row in range(len(frame))]
    short = tmp_path / "short.csv"
    frame.with_columns(pl.Series("letter", words)).write_csv(short)
    run = fit(recipe(short, data__target=target, evaluation__seeds=2), tmp_path / "run")
    Explanations.model_validate(run.read_json("explanations.json"))
    for row in (1, 2):
        assert explain_row(run.folder, short, row).exists()
    assert len(pl.read_parquet(explain_all(run.folder, short))) == 400


def test_one_row_is_explained_on_a_page_and_as_json(run: Run, table: Path, tmp_path: Path) -> None:
    page = explain_row(run.folder, table, 5, tmp_path / "deep" / "row.html")
    explained = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    text = pl.read_csv(table)["letter"][4]
    assert explained["text"] == text
    assert [text[begin:end] for begin, end in explained["shading"]["places"]] == explained["units"]
    total = sum(explained["attributions"]["integrated_gradients"])
    assert total == pytest.approx(explained["score"] - explained["start"], rel=0.02)
    assert explained["predicted"]["prediction"] == explained["shading"]["answer"]
    assert len(explained["seeds"]) == 1
    assert len(explained["gates"]["f, layer 1, forward"]) == len(explained["units"])
    html = page.read_text(encoding="utf-8")
    assert "Content-Security-Policy" in html
    assert "<svg" in html
    assert "<image" not in html


def test_a_long_text_has_an_arc(run: Run, table: Path) -> None:
    explained = json.loads(explain_row(run.folder, table, 400).with_suffix(".json").read_text())
    assert explained["arc"]["units"] == len(pl.read_csv(table)["letter"][399].split())
    assert len(explained["units"]) == 1000


def test_all_rows_are_written_with_what_each_word_was_given(
    run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duree.pipeline.explain_row.CHUNK", 64)
    done: list[tuple[int, int]] = []
    file = explain_all(
        run.folder, table, tmp_path / "all.parquet", lambda *progress: done.append(progress)
    )
    found, texts = pl.read_parquet(file), pl.read_csv(table)["letter"]
    assert done[-1] == (400, 400)
    model = TrainedModel.load(run.folder / "model")
    given = integrated_gradients(model, model.encode(texts))
    sums = found.group_by("row", maintain_order=True).agg(pl.col("attribution").sum())
    assert sums["row"].to_list() == list(range(1, 401))
    np.testing.assert_allclose(sums["attribution"], given.values.sums(), atol=0.02)
    row = found.filter(pl.col("row") == 7)
    assert [texts[6][a:b] for a, b in row.select("begin", "end").rows()] == row["unit"].to_list()
    assert list(tmp_path.iterdir()) == [file]


def test_interrupted_attributions_continue_where_they_stopped(
    run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duree.pipeline.explain_row.CHUNK", 64)

    def stop(done: int, rows: int) -> None:
        if done == 192:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explain_all(run.folder, table, tmp_path / "all.parquet", stop)
    reported: list[int] = []
    file = explain_all(
        run.folder, table, tmp_path / "all.parquet", lambda *t: reported.append(t[0])
    )
    assert reported == [256, 320, 384, 400]
    rows = pl.read_parquet(file)["row"].unique(maintain_order=True).to_list()
    assert rows == list(range(1, 401))


def test_a_fault_on_the_way_leaves_the_older_file_as_it_was(
    run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "all.parquet"
    file.write_bytes(b"older")

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", fail)
    with pytest.raises(RunError, match="No space left"):
        explain_all(run.folder, table, file)
    assert file.read_bytes() == b"older"
    assert {path.name for path in tmp_path.iterdir()} == {"all.parquet", ".all.parquet.pieces"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--row", "401"], "there is no row 401: the table has 400; rows are counted from 1"),
        (["--row", "0"], "there is no row 0"),
        (
            ["--row", "1", "-o", "page.pdf"],
            "cannot be written as 'page.pdf'; end the name in .html",
        ),
        (["--all", "-o", "all.csv"], "end the name in .parquet"),
        ([], "exactly one of --row and --all is needed"),
        (["--row", "1", "--all"], "exactly one of --row and --all is needed"),
    ],
)
def test_wrong_use_is_reported_in_one_line_with_status_2(
    run: Run, table: Path, capfd: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert call("explain", run.folder, table, *words) == 2
    error = capfd.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_page_that_cannot_be_written_is_reported(run: Run, table: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="cannot be written"):
        explain_row(run.folder, table, 1, tmp_path / "file" / "row.html")


def test_a_run_that_is_not_trained_yet_says_how_to_go_on(
    run: Run, table: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "recipe.toml").write_bytes((run.folder / "recipe.toml").read_bytes())
    for verb in (["explain", "--row=1"], ["predict", f"-o={tmp_path / 'out.csv'}"], ["evaluate"]):
        assert call(verb[0], tmp_path, table, *verb[1:]) == 2
        assert f"has no trained network yet; finish it with: duree resume {tmp_path}" in (
            capfd.readouterr().err
        )


def test_progress_over_all_rows_is_reported_and_an_interruption_loses_none(
    run: Run,
    table: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    reported: list[int] = []

    @contextmanager
    def bar() -> Iterator[Callable[[int, int | None], None]]:
        def stop_at_first(done: int, rows: int | None) -> None:
            reported.append(done)
            if len(reported) == 1:
                raise KeyboardInterrupt

        yield stop_at_first

    monkeypatch.setattr("duree.cli.console.rows_bar", bar)
    words = ("explain", run.folder, table, "--all", "-o", tmp_path / "all.parquet")
    assert call(*words) == 130
    assert "run the same command again to continue" in capfd.readouterr().err
    assert call(*words) == 0
    assert reported == [256, 400]


def test_explain_prints_what_it_wrote(
    run: Run, table: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call("explain", run.folder, table, "--row", 2) == 0
    assert Path(capfd.readouterr().out.strip()).exists()


def test_pictures_show_themselves_and_can_be_saved(run: Run, table: Path, tmp_path: Path) -> None:
    model = TrainedModel.load(run.folder / "model")
    texts = pl.read_csv(table)["letter"]
    assert "shaded" in shade_text(model, texts[0])._repr_html_()
    groups = {"kind": ["glad"], "unkind": ["grim"]}
    pictures = [
        picture_gates(model, texts[0]),
        picture_arc(model, texts[399]),
        picture_words(model, groups),
        picture_texts(model, texts.to_list(), pl.read_csv(table)["tone"].to_list()),
    ]
    with real_pdf():
        for number, picture in enumerate(pictures):
            assert picture._repr_html_().startswith("<svg")
            for suffix, opening in (("svg", b"<?xml"), ("pdf", b"%PDF")):
                picture.save(tmp_path / f"{number}.{suffix}")
                assert (tmp_path / f"{number}.{suffix}").read_bytes().startswith(opening)
    with pytest.raises(DataError, match=r"end the name in \.svg or \.pdf"):
        pictures[0].save(tmp_path / "picture.docx")
