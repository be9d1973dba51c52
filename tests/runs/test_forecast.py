"""Forecasting from a table to an evaluated network, with nothing from the future anywhere."""

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from tests.support.forecasts import HORIZON, SMALL, long_table, recipe, walks

from duree import load
from duree.cli.commands import cli
from duree.errors import DataError, DureeError, ExtraError, RecipeError
from duree.pipeline.forecast_dataset import read_forecast
from duree.pipeline.model import TrainedModel
from duree.recipe.recipe import Recipe
from duree.recipe.settings import ForecastSettings
from duree.serving.export import export
from duree.workflow import evaluate, explain_row, fit, predict, resume


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forecast")
    file = long_table(folder / "walks.csv", walks())
    settings = {"evaluation.baselines": True, "forecast.origins": 1}  # ARIMA takes its time
    return fit(recipe(file, **settings), folder / "run"), file


def test_a_run_compares_the_network_with_the_standard_methods(run):
    metrics = json.loads((run[0].folder / "metrics.json").read_text())
    names = {"network", "naive", "naive2", "seasonal_naive", "ses", "theta", "ets", "arima"}
    assert set(metrics["models"]) == names
    assert metrics["models"]["naive2"]["owa"]["value"] == pytest.approx(1.0)
    assert metrics["primary_metric"] == "owa"
    assert len(metrics["test_openings"]) == 1


def test_predictions_are_a_long_table_with_what_came(run):
    found = pl.read_parquet(run[0].folder / "predictions.parquet")
    expected = ["id", "origin", "when", "step", "y", "prediction", "low", "high"]
    assert found.columns == [*expected, "low_80", "high_80"]
    ordered = found.select("low", "low_80", "prediction", "high_80", "high").to_numpy()
    assert (np.diff(ordered, axis=1) >= 0).all()
    of_first = found.filter(pl.col("id") == "s0")["y"].tail(HORIZON)
    np.testing.assert_allclose(of_first, walks()[0][-HORIZON:])


def test_predict_continues_where_each_series_ends(run, tmp_path):
    predict(run[0].folder, run[1], tmp_path / "next.csv")
    found = pl.read_csv(tmp_path / "next.csv")
    assert found.height == 6 * HORIZON
    assert found["when"].to_list()[:HORIZON] == ["1995-01", "1995-02", "1995-03", "1995-04"]
    assert found["step"].to_list()[:HORIZON] == [1, 2, 3, 4]
    assert found["prediction"].is_finite().all()


def test_sample_paths_agree_with_the_forecast_intervals(run, tmp_path):
    predict(run[0].folder, run[1], tmp_path / "paths.csv", paths=300)
    predict(run[0].folder, run[1], tmp_path / "next.csv")
    paths, forecasts = pl.read_csv(tmp_path / "paths.csv"), pl.read_csv(tmp_path / "next.csv")
    assert paths.columns == ["id", "path", "when", "step", "y"]
    assert paths.height == 6 * 300 * HORIZON
    within = paths.join(forecasts, on=["id", "step"])
    share = within.select(pl.col("y").is_between("low_80", "high_80").mean()).item()
    assert share == pytest.approx(0.8, abs=0.03)


def test_the_command_line_reads_series_without_a_given_task(run, tmp_path):
    result = CliRunner().invoke(
        cli, ["check", run[1], "--series", "y", "--time", "when", "--id", "id"]
    )
    assert result.exit_code == 0
    assert "series: 6, of 60 steps each" in result.output
    assert "a step is one month" in result.output


def test_evaluate_uses_the_last_steps(run):
    figures = evaluate(run[0].folder, run[1])
    metrics = json.loads((run[0].folder / "metrics.json").read_text())
    assert set(figures) == set(metrics["models"]["network"]) - {"fit_seconds"}


def test_the_report_says_what_each_model_may_see(run):
    page = (run[0].folder / "report.html").read_text()
    assert "the calendar" in page
    assert "refitted at every origin" in page
    assert all(f'id="figure-{name}"' in page for name in ("fans", "steps", "bands"))


def test_what_cannot_be_done_with_series_says_what_can(run, tmp_path):
    for refused in (
        lambda: explain_row(run[0].folder, run[1], 1),
        lambda: export(run[0].folder, tmp_path / "network.onnx"),
        lambda: load(run[0].folder),
    ):
        with pytest.raises(DureeError, match="duree predict"):
            refused()


def test_other_steps_than_the_network_knows_are_refused(run, tmp_path):
    file = long_table(tmp_path / "years.csv", walks(), months=False)
    with pytest.raises(DataError, match="a step of these series is a step"):
        predict(run[0].folder, file, tmp_path / "next.csv")


def test_nothing_made_at_an_origin_depends_on_what_came_after_it(tmp_path):
    """Every value after the first test origin is poisoned; choices, forecasts, baselines stay."""
    settings = {"evaluation.baselines": True, "forecast.origins": 2, "forecast.season": 1}
    clean, poisoned = walks(3, 80), walks(3, 80)
    first = 80 - 2 * HORIZON
    for values in poisoned:
        values[first:] = np.random.default_rng(1).uniform(1e3, 1e6, size=2 * HORIZON)
    found = []
    for name, series in (("clean", clean), ("poisoned", poisoned)):
        file = long_table(tmp_path / f"{name}.csv", series)
        made = fit(recipe(file, **settings), tmp_path / name)
        network = pl.read_parquet(made.folder / "predictions.parquet")
        others = pl.read_parquet(made.folder / "baselines.parquet")
        at_first = network.with_row_index("row").filter(
            pl.col("origin") == pl.col("origin").first()
        )
        others = others.filter(pl.col("row").is_in(at_first["row"].to_list()))
        model = TrainedModel.load(made.folder / "model")
        found.append((at_first.drop("y"), others, model.encoder.to_dict(), model.task.to_dict()))
    assert found[0][0].height == 3 * HORIZON
    for one, other in zip(found[0][:2], found[1][:2], strict=True):
        assert one.equals(other)
    assert found[0][2:] == found[1][2:]


def test_what_errors_are_divided_by_comes_from_before_the_origin(tmp_path):
    answers = []
    for name, last in (("one", 1.0), ("other", 1e6)):
        series = walks(3)
        for values in series:
            values[-HORIZON:] = last
        dataset = read_forecast(recipe(long_table(tmp_path / f"{name}.csv", series)))
        tested = dataset.target.gather(dataset.split.test)
        answers.append(tested.struct.field("scale").to_list())
    assert answers[0] == answers[1]


def test_the_sets_follow_one_another_in_time(tmp_path):
    file = long_table(tmp_path / "walks.csv", walks(2), months=False)
    dataset = read_forecast(recipe(file, **{"forecast.origins": 2}))
    split, target = dataset.split, dataset.target.struct.field("values").list.len()
    seen = dataset.table.frame["origin"].cast(int).to_numpy() + 1
    assert (target == HORIZON).all()
    assert sorted(set(seen[split.test])) == [52, 56]
    assert sorted(set(seen[split.validation])) == [44, 48]
    assert seen[split.train].max() == 44 - HORIZON


def test_killed_and_resumed_it_ends_as_if_it_had_not_been(tmp_path, monkeypatch):
    file = long_table(tmp_path / "walks.csv", walks())
    whole = fit(recipe(file), tmp_path / "whole")
    monkeypatch.setattr("duree.workflow.evaluate_on_test", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fit(recipe(file), tmp_path / "killed")
    monkeypatch.undo()
    resumed = resume(tmp_path / "killed")
    one, other = (pl.read_parquet(r.folder / "predictions.parquet") for r in (whole, resumed))
    assert one.equals(other)


def test_several_seeds_report_their_spread(tmp_path):
    file = long_table(tmp_path / "walks.csv", walks())
    made = fit(recipe(file, **{"evaluation.seeds": 2, "training.epochs": 1}), tmp_path / "run")
    assert (
        len(json.loads((made.folder / "metrics.json").read_text())["seeds"]["values"]["owa"]) == 2
    )


@pytest.mark.parametrize("distribution", ["quantiles", "gaussian", "student", "negative_binomial"])
def test_every_distribution_forecasts_counts_which_are_never_negative(tmp_path, distribution):
    counts = [np.random.default_rng(n).poisson(0.5 + 3 * n, size=60) for n in range(4)]
    file = long_table(tmp_path / "counts.csv", counts)
    made = fit(recipe(file, **{"forecast.distribution": distribution}), tmp_path / "run")
    found = pl.read_parquet(made.folder / "predictions.parquet")
    assert (found["low"] < found["prediction"]).any()
    bands = found.select("low", "prediction", "high").to_numpy()
    assert (bands >= 0).all()
    assert (bands % 1 == 0).all() == (distribution == "negative_binomial")
    predict(made.folder, file, tmp_path / "paths.csv", paths=20)
    assert pl.read_csv(tmp_path / "paths.csv")["y"].min() >= 0
    found = {finding["check"] for finding in json.loads((made.folder / "checks.json").read_text())}
    assert ("counts" in found) is (distribution != "negative_binomial")


def test_counts_train_and_are_forecast_where_the_first_zero_comes_after_training(tmp_path):
    counts = [np.random.default_rng(n).poisson(9, size=60) + 1 for n in range(4)]
    for values in counts:
        values[-6] = 0  # known at the last test origin only
    file = long_table(tmp_path / "counts.csv", counts)
    made = fit(recipe(file, **{"training.epochs": 1, "forecast.origins": 3}), tmp_path / "run")
    assert "a later 0 was read as 0.5" in (made.folder / "report.html").read_text()
    for values in counts:
        values[-1] = 0
    file = long_table(tmp_path / "later.csv", counts)
    predict(made.folder, file, tmp_path / "next.csv")
    forecasts = pl.read_csv(tmp_path / "next.csv")["prediction"]
    assert forecasts.is_finite().all()
    assert (forecasts > 0).all()


def test_a_long_constant_stretch_before_changes_trains(tmp_path):
    values = np.concatenate([np.zeros(90), np.random.default_rng(0).poisson(4, size=30)])
    file = long_table(tmp_path / "flat.csv", [values])
    made = fit(recipe(file, **{"training.epochs": 1}), tmp_path / "run")
    (epoch,) = map(json.loads, (made.folder / "history.jsonl").read_text().splitlines())
    assert np.isfinite(epoch["train_loss"])
    assert epoch["train_loss"] < 100


def test_of_series_that_never_change_what_is_not_defined_is_named(tmp_path):
    file = long_table(tmp_path / "zero.csv", [np.zeros(60), np.full(60, 7.5)])
    made = fit(recipe(file, **{"training.epochs": 1}), tmp_path / "run")
    metrics = json.loads((made.folder / "metrics.json").read_text())
    assert set(metrics["models"]["network"]) >= {"smape", "coverage_80"}
    assert not set(metrics["models"]["network"]) & {"owa", "mase", "crps", "pinball"}
    assert metrics["primary_metric"] == "smape"
    assert "Not defined on these forecasts: OWA, MASE, CRPS, pinball loss" in metrics["verdict"]
    assert "OWA、MASE、CRPS" in metrics["verdict_zh"]
    predict(made.folder, file, tmp_path / "next.csv")
    found = pl.read_csv(tmp_path / "next.csv")["prediction"].to_numpy()
    np.testing.assert_allclose(found, [0] * 4 + [7.5] * 4, atol=0.2)


def test_a_wide_table_and_what_came_after(tmp_path):
    series = walks(5)
    for name, part in (("train", slice(0, 56)), ("test", slice(56, 60))):
        cells = np.array([values[part] for values in series])
        columns = {f"V{place + 2}": column for place, column in enumerate(cells.T)}
        pl.DataFrame({"V1": [f"W{n}" for n in range(5)]} | columns).write_csv(
            tmp_path / f"{name}.csv"
        )
    plain = {"task": "forecast", "data": {"files": (str(tmp_path / "train.csv"),)}}
    given = Recipe.build(plain).replace(
        SMALL | {"data.test_file": str(tmp_path / "test.csv"), "forecast.horizon": None}
    )
    made = fit(given, tmp_path / "run")
    found = pl.read_parquet(made.folder / "predictions.parquet")
    assert found.columns[:5] == ["V1", "origin", "time", "step", "value"]
    np.testing.assert_allclose(found["value"][:4], series[0][56:])
    assert found["time"].to_list()[:4] == ["57", "58", "59", "60"]


def test_columns_known_beforehand_are_used(tmp_path):
    """The series depends only on a planned column: a model needs it to forecast."""
    rng = np.random.default_rng(0)
    plan = [rng.integers(0, 2, size=60) for _ in range(12)]
    series = [10 + 5 * switch + 0.1 * rng.normal(size=60) for switch in plan]
    more = {"plan": np.concatenate(plan)}
    file = long_table(tmp_path / "plan.csv", series, months=False, more=more)
    settings = {"training.epochs": 12, "forecast.difference": "none", "model.hidden_size": 16}
    mase = {}
    for name, known in (("seen", ("plan",)), ("unseen", ())):
        made = fit(recipe(file, **settings, **{"forecast.known": known}), tmp_path / name)
        metrics = json.loads((made.folder / "metrics.json").read_text())
        mase[name] = metrics["models"]["network"]["mase"]["value"]
    assert mase["seen"] < 0.6 * mase["unseen"]
    with pytest.raises(DataError, match="with an empty value"):
        predict(tmp_path / "seen", file, tmp_path / "next.csv")


@pytest.mark.parametrize(
    "setting",
    [
        {"forecast.horizon": 5},
        {"forecast.season": 6},
        {"forecast.naive_season": 3},
        {"forecast.past": ("plan",)},
        {"forecast.known": ("plan",)},
        {"forecast.calendar": False},
        {"forecast.origins": 2},
        {"forecast.window": 9},
        {"forecast.windows": 40},
        {"forecast.transform": "none"},
        {"forecast.difference": "none"},
        {"forecast.distribution": "student"},
    ],
    ids=lambda setting: next(iter(setting)),
)
def test_every_setting_of_a_forecast_changes_it(tmp_path, setting):
    more = {"plan": pl.int_range(pl.len()) % 3}
    file = long_table(tmp_path / "walks.csv", walks(), more=more)
    asked = []
    for settings in ({}, setting):
        dataset = read_forecast(recipe(file, **settings))
        train, test = (
            dataset.target.gather(rows) for rows in (dataset.split.train, dataset.split.test)
        )
        encoder = dataset.task.fit_encoder(
            dataset.texts.gather(dataset.split.train), train, dataset.recipe
        )
        task = dataset.task.from_target(train, dataset.recipe)
        asked.append((encoder.to_dict(), task.to_dict(), dataset.split.counts, test.to_list()))
    assert asked[0] != asked[1]


def test_every_setting_of_a_forecast_is_tried_above():
    tried = test_every_setting_of_a_forecast_changes_it.pytestmark[0].args[1]
    named = {name.partition(".")[2] for setting in tried for name in setting}
    assert named == set(ForecastSettings.model_fields)


def test_short_series_shrink_the_network_and_say_so(tmp_path):
    file = long_table(tmp_path / "short.csv", walks(4, 34), months=False)
    dataset = read_forecast(recipe(file, **{"model.hidden_size": 64}))
    checks = {finding.check: finding.message("en") for finding in dataset.findings}
    assert dataset.recipe.model.hidden_size < 64
    assert "instead of" in checks["window"]
    assert "windows are few" in checks["small_network"]


def test_too_short_for_a_network_is_answered_by_arima(tmp_path):
    file = long_table(tmp_path / "short.csv", [np.arange(20.0) ** 1.5], months=False)
    with pytest.raises(DataError, match="use ARIMA") as caught:
        fit(recipe(file), tmp_path / "run")
    forecast = [float(number) for number in str(caught.value.values["said"]).split(", ")]
    assert len(forecast) == HORIZON
    assert all(forecast[0] > 75 for _ in forecast)
    assert not (tmp_path / "run").exists()


def test_a_series_shorter_than_the_horizon_is_refused_or_left_out(tmp_path):
    file = long_table(tmp_path / "walks.csv", [*walks(), np.arange(5.0) + 1], months=False)
    with pytest.raises(DataError, match="1 series have fewer than 8 steps: 's6'"):
        read_forecast(recipe(file))
    dataset = read_forecast(recipe(file, **{"data.drop_bad": True}))
    assert "s6" not in dataset.table.frame["id"]
    assert any(finding.check == "short_series" for finding in dataset.findings)


@pytest.mark.parametrize(("value", "shown"), [(-1.0, "-1"), (2.5, "2.5")])
def test_what_is_no_count_is_refused_by_a_model_of_counts(tmp_path, value, shown):
    counts = [np.random.default_rng(n).poisson(5, size=60).astype(float) for n in range(4)]
    counts[0][20] = value
    file = long_table(tmp_path / "counts.csv", counts)
    with pytest.raises(DataError, match=f"is for counts, and {shown} is none"):
        fit(recipe(file, **{"forecast.distribution": "negative_binomial"}), tmp_path / "run")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"forecast.horizon": None}, DataError, "add --horizon"),
        ({"data.series": ()}, DataError, "add --series"),
        ({"data.series": ("z",)}, DataError, "no column 'z'"),
        ({"forecast.known": ("y",)}, RecipeError, "covariates too"),
        ({"data.text": "y"}, RecipeError, "no text"),
        ({"task": "regress"}, RecipeError, "for forecasts of series"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path, settings, error, message):
    file = long_table(tmp_path / "walks.csv", walks(2))
    with pytest.raises(error, match=message):
        read_forecast(recipe(file, **settings))


def test_without_statsforecast_the_install_command_is_given_before_anything_is_trained(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("duree.errors.find_spec", lambda name: None)
    file = long_table(tmp_path / "walks.csv", walks())
    with pytest.raises(ExtraError, match=r"pip install 'duree\[forecast\]'"):
        read_forecast(recipe(file, **{"evaluation.baselines": True}))
    assert read_forecast(recipe(file)).split.counts["test"] == 6 * 3
    short = long_table(tmp_path / "short.csv", [np.arange(20.0)], months=False)
    with pytest.raises(DataError, match="ARIMA comes with"):
        read_forecast(recipe(short))


def test_a_single_series_is_named_by_its_column_and_evaluated_by_origin(tmp_path):
    file = long_table(tmp_path / "one.csv", walks(1, 120), months=False)
    made = fit(recipe(file, **{"data.id": None}), tmp_path / "run")
    found = pl.read_parquet(made.folder / "predictions.parquet")
    assert found["series"].unique().to_list() == ["y"]
    assert found["origin"].n_unique() == 6
    page = (made.folder / "report.html").read_text()
    assert "There is only one series: intervals come from resampling its 6 origins" in page


def test_a_test_file_must_go_on_where_the_data_end(tmp_path):
    series = walks(3)
    file = long_table(tmp_path / "data.csv", [values[:50] for values in series], months=False)
    same = long_table(tmp_path / "same.csv", [values[:5] + 1 for values in series], months=False)
    with pytest.raises(DataError, match="two rows for the time"):
        read_forecast(recipe(file, **{"data.test_file": same}))
