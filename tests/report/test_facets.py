"""Facets: a run is described by what its folder holds, not by the name of its task."""

from __future__ import annotations

import json

import polars as pl
import pytest

from duree.errors import RunError
from duree.report.facets.classes import Classes, Labels
from duree.report.facets.numbers import Numbers
from duree.report.facets.rows import TextRows
from duree.report.facets.states import EventRows, SpellRows, StateRows
from duree.report.facets.target import Target
from duree.report.load import load_run
from duree.report.pages.report import render_report
from duree.results.run_files import ForecastFacts

STATES = {"data": {"states": ["y1990", "y1991"], "text": "states"}}
SPELLS = {"data": {"state": "job", "id": "id", "start": "from", "text": "states"}}
EVENTS = {"data": {"event": ["what"], "id": "id", "time": "when", "text": "states"}}


def test_a_plain_run_has_texts_and_classes(letters) -> None:
    run = load_run(letters)
    assert type(run.rows) is TextRows
    assert isinstance(run.target, Classes)
    assert run.extras == ()


@pytest.mark.parametrize(
    ("settings", "rows", "source"),
    [
        (STATES, StateRows, "the sequences of states in the columns y1990 and y1991"),
        (SPELLS, SpellRows, "the spells of “job” of each case in order of time"),
        (EVENTS, EventRows, "the events of “what” of each case in order of time"),
    ],
)
def test_rows_are_what_the_recipe_reads(write_run, settings, rows, source) -> None:
    run = load_run(write_run(text="states", settings=settings))
    assert type(run.rows) is rows
    page = render_report(run, run.words("en"))
    assert source in page
    assert "400 test sequences" in page
    assert "test rows" not in page.split('id="choices"')[0]
    assert "The column that holds the texts." in page, "settings mean the same for all rows"


def test_labels_and_numbers_are_targets_of_their_own(write_run) -> None:
    labels = load_run(write_run("a", settings={"data": {"label_separator": ";"}}))
    assert isinstance(labels.target, Labels)
    assert isinstance(load_run(write_run("b", numbers=True)).target, Numbers)


def test_a_run_of_an_unknown_task_has_a_report(write_run) -> None:
    folder = write_run()
    frame = pl.read_parquet(folder / "predictions.parquet")
    frame.drop(pl.selectors.starts_with("probability_")).write_parquet(
        folder / "predictions.parquet"
    )
    (folder / "calibration.json").write_text("{}", encoding="utf-8")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    metrics |= {"task": "of tomorrow"}
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    run = load_run(folder)
    assert type(run.target) is Target
    for language in ("en", "zh"):
        page = render_report(run, run.words(language))
        assert 'id="result"' in page
        assert 'id="errors"' not in page


@pytest.mark.parametrize(
    ("name", "path", "value", "message"),
    [
        ("metrics.json", ("seconds", "read"), 1e999, "1e999 is too large"),
        ("metrics.json", ("models", "network", "accuracy"), None, "accuracy"),
        ("metrics.json", ("verdict_baseline",), "unknown", "unknown"),
    ],
)
def test_a_file_with_an_impossible_value_is_refused_by_name(write_run, name, path, value, message):
    folder = write_run()
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    place = content
    for key in path[:-1]:
        place = place.setdefault(key, {})
    place[path[-1]] = value
    (folder / name).write_text(json.dumps(content).replace("Infinity", "1e999"), encoding="utf-8")
    with pytest.raises(RunError, match=f"{name} of the run .* cannot be read: .*{message}"):
        load_run(folder)


def test_facts_of_forecasts_without_a_value_for_each_step_are_refused():
    step = {"mase": [1.0, 2.0], "smape": [1.0, 2.0]}
    facts = {
        "horizon": 2, "window": 4, "season": 1, "naive_season": 1, "transform": {},
        "difference": "none", "distribution": "quantiles", "series": 1, "origins": 1,
        "steps": {"network": step}, "levels": [0.5], "below": {"network": [0.5]}, "fans": [],
    }  # fmt: skip
    assert ForecastFacts.model_validate(facts).horizon == 2
    for broken in (
        {"horizon": 3},
        {"below": {"network": []}},
        {"below": {"naive": [0.5]}},
        {"stationarity": {"series": 1, "values": {}, "changes": {"unit_root": 0, "wanders": 0}}},
    ):
        with pytest.raises(ValueError, match="it does not hold"):
            ForecastFacts.model_validate(facts | broken)
