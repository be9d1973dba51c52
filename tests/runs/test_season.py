"""The season of a forecast: one for all models, found where neither recipe nor times give it."""

import json
import shutil

import numpy as np
import polars as pl
import pytest
from tests.support.commands import call
from tests.support.forecasts import SMALL, long_table, recipe

from duree.pipeline.by_layout import steps_for
from duree.pipeline.forecast_dataset import read_forecast
from duree.recipe.recipe import Recipe
from duree.report.load import load_run
from duree.report.methods.write import write_methods
from duree.tables.layouts.forecast_origins import ForecastOrigins
from duree.workflow import fit


def hours(count=6, steps=200):
    """Series with a cycle of 24 steps around a random walk."""
    rng = np.random.default_rng(0)
    day = 5 * np.sin(np.arange(steps) * np.pi / 12)
    return [60 + day + 0.5 * np.cumsum(rng.normal(size=steps)) for _ in range(count)]


def wide_table(path, series):
    frame = pl.DataFrame({f"V{place}": cells for place, cells in enumerate(np.array(series).T)})
    frame.insert_column(0, pl.Series("name", [f"s{n}" for n in range(len(series))]))
    frame.write_csv(path)
    return str(path)


def wide(file, **settings):
    plain = {"task": "forecast", "data": {"files": (file,)}}
    return Recipe.build(plain).replace(SMALL | settings)


def checks(dataset):
    return {finding.check: finding for finding in dataset.findings}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("season")
    return fit(wide(wide_table(folder / "hours.csv", hours())), folder / "run").folder


def test_the_season_of_a_wide_table_is_found_and_is_that_of_every_model(tmp_path):
    dataset = read_forecast(wide(wide_table(tmp_path / "hours.csv", hours())))
    given = dataset.recipe
    texts, target = (rows.gather(dataset.split.train) for rows in (dataset.texts, dataset.target))
    encoder = dataset.task.fit_encoder(texts, target, given)
    task = dataset.task.from_target(target, given)
    seasons = {model.name: model.season for model in task.baselines(given, encoder)}
    assert encoder.season == 24
    assert seasons == {
        **dict.fromkeys(("naive", "ses"), 1),
        **dict.fromkeys(("naive2", "seasonal_naive", "theta", "ets", "arima"), 24),
    }
    found = checks(dataset)["season_found"]
    assert "a season of 24 steps was found in the training values of 6 of 6 series" in (
        found.message("en")
    )
    # The scale of MASE is the mean change over a season.
    scales = dataset.target.gather(dataset.split.test).struct.field("scale").to_list()
    assert scales[0] == pytest.approx(
        np.abs(hours()[0][24:-20] - hours()[0][:-44]).mean(), rel=1e-6
    )


def test_steps_that_are_only_numbered_have_their_season_found_but_dates_and_years_do_not(tmp_path):
    file = long_table(tmp_path / "numbered.csv", hours(), months=False)
    assert read_forecast(recipe(file)).recipe.forecast.season == 24
    dated = long_table(tmp_path / "dated.csv", hours())
    assert read_forecast(recipe(dated)).recipe.forecast.season == 12
    later = pl.read_csv(file).with_columns(pl.col("when") + 1700)
    later.write_csv(file)
    dataset = read_forecast(recipe(file))
    assert dataset.recipe.forecast.season == 1
    assert not {"season_found", "season_unclear"} & set(checks(dataset))


def test_a_season_that_is_set_is_kept_and_nothing_is_searched(tmp_path, monkeypatch):
    file = wide_table(tmp_path / "hours.csv", hours())
    monkeypatch.setattr("duree.tables.layouts.series_season.find_season", lambda *_: 1 / 0)
    for season in (1, 6):
        dataset = read_forecast(wide(file, **{"forecast.season": season}))
        assert dataset.recipe.forecast.season == season
        assert "season_found" not in checks(dataset)


def test_the_search_uses_no_value_of_validation_and_test(tmp_path):
    changed = [values.copy() for values in hours()]
    clean = read_forecast(wide(wide_table(tmp_path / "clean.csv", changed)))
    first = 200 - 2 * SMALL["forecast.horizon"] * 5
    for values in changed:
        values[first:] = np.random.default_rng(1).uniform(1e3, 1e6, size=200 - first)
    poisoned = read_forecast(wide(wide_table(tmp_path / "poisoned.csv", changed)))
    assert checks(clean)["season_found"] == checks(poisoned)["season_found"]


def test_where_few_series_look_seasonal_no_model_has_a_season_and_a_warning_says_how_to_set_it(
    tmp_path,
):
    rng = np.random.default_rng(0)
    others = [60 + np.cumsum(rng.normal(size=200)) for _ in range(20)]
    dataset = read_forecast(wide(wide_table(tmp_path / "mixed.csv", [*hours(), *others])))
    found = checks(dataset)["season_unclear"]
    assert dataset.recipe.forecast.season == dataset.recipe.forecast.naive_season == 1
    assert found.level == "warning"
    assert "6 of 26 series look seasonal, with a season of 24 steps" in found.message("en")
    assert "--set season=24" in found.message("en")
    assert "--set season=24" in found.message("zh")


def test_walks_have_no_season(tmp_path):
    rng = np.random.default_rng(0)
    series = [np.cumsum(rng.normal(size=120)) for _ in range(8)]
    dataset = read_forecast(wide(wide_table(tmp_path / "walks.csv", series)))
    assert dataset.recipe.forecast.season == 1
    assert not {"season_found", "season_unclear"} & set(checks(dataset))
    assert "none was found in the training values" in (
        checks(dataset)["season_not_found"].message("en")
    )


def test_check_says_of_the_season_what_fit_says_and_says_it_once(tmp_path, capsys):
    walks = [np.cumsum(np.random.default_rng(n).normal(size=120)) for n in range(8)]
    found = wide_table(tmp_path / "hours.csv", hours())
    none = wide_table(tmp_path / "walks.csv", walks)
    months = long_table(tmp_path / "months.csv", hours())
    long = ("--series", "y", "--time", "when", "--id", "id")
    for words, asked, expected in (
        ((found,), wide(found), "a season of 24 steps was found"),
        ((none,), wide(none), "no season was set, and none was found"),
        ((months, *long), recipe(months), "the season is 12 steps, by the calendar"),
    ):
        said = [one.message("en") for one in read_forecast(asked).findings if "season" in one.check]
        assert len(said) == 1
        assert expected in said[0]
        columns = words[1:] or ("--series", "V*")
        for horizon in ((), ("--horizon", "4")):
            assert call("check", words[0], *columns, *horizon) == 0
            printed = capsys.readouterr().out.splitlines()
            assert [line for line in printed if "season " in line and said[0] in line]
            assert sum("season " in line for line in printed) == 1


@pytest.mark.parametrize(
    ("season", "english", "chinese"),
    [
        (6, "the season is 6 steps, as it was set", "季节周期为 6 步（已设定）"),
        (1, "no season is used, as it was set", "不采用季节周期（已设定）"),
    ],
)
def test_the_check_of_a_table_names_a_season_that_is_set(tmp_path, season, english, chinese):
    asked = wide(wide_table(tmp_path / "hours.csv", hours()), **{"forecast.season": season})
    _, findings = steps_for(ForecastOrigins).check(asked)
    (found,) = [finding for finding in findings if "season" in finding.check]
    assert (found.message("en"), found.message("zh")) == (english, chinese)


def test_check_refuses_series_too_short_for_the_horizon_as_fit_does(tmp_path, capsys):
    file = wide_table(tmp_path / "short.csv", [values[:10] for values in hours()])
    assert call("check", file, "--series", "V*", "--horizon", 8) == 2
    assert "6 series have fewer than 12 steps" in capsys.readouterr().err


def test_the_report_says_where_the_season_comes_from(run):
    text = methods(run)
    assert "The season of 24 steps was not set: it was found in 6 of 6 series" in text
    assert "The values one season (24 steps) before" in text
    assert "over a season of 24 steps and by Naive2" in (run / "report.html").read_text()
    assert "a season of 24 steps was found" in (run / "report.html").read_text()


@pytest.mark.parametrize(
    ("season", "naive_season", "sentences"),
    [
        (12, 12, ["seasonal naive, Theta, ETS and ARIMA had a season of 12 steps."]),
        (
            52,
            1,
            [
                "Like the network, seasonal naive had a season of 52 steps.",
                "It is longer than Theta, ETS and ARIMA can fit: they had none.",
                "Naive2 and the scale of errors had no season.",
            ],
        ),
        (4, 2, ["Naive2 and the scale of errors had a season of 2 steps."]),
        (1, 1, []),
    ],
)
def test_the_methods_name_the_season_of_each_baseline(
    run, tmp_path, season, naive_season, sentences
):
    folder = shutil.copytree(run, tmp_path / "run")
    facts = json.loads((folder / "forecasts.json").read_text())
    facts |= {"season": season, "naive_season": naive_season, "season_search": None}
    (folder / "forecasts.json").write_text(json.dumps(facts))
    metrics = json.loads((folder / "metrics.json").read_text())
    for name in ("naive2", "seasonal_naive", "theta", "ets", "arima"):
        metrics["models"][name] = metrics["models"]["network"]
    (folder / "metrics.json").write_text(json.dumps(metrics))
    text = methods(folder)
    assert all(sentence in text for sentence in sentences)
    assert ("had a season" in text) == (season > 1)
    assert "was not set" not in text


def methods(folder):
    paragraphs = write_methods(load_run(folder), "en").paragraphs
    return " ".join(text for _, text in paragraphs)
