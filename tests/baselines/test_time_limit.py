"""Baselines keep to the time limit: slow ones are left out, and the run says so."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from tests.support.forecasts import HORIZON, long_table, recipe, walks

from duree.baselines.crf import FeatureCrf
from duree.baselines.forecasts import Forecast, repeated
from duree.baselines.time_limit import OutOfTime, time_limit
from duree.report.load import load_run
from duree.report.methods.write import write_methods
from duree.workflow import fit, resume


class Told:
    """A listener that keeps the messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def step(self, name: str) -> None:
        pass

    def message(self, message: str) -> None:
        self.messages.append(message)

    def training(self, seed: int, watched: str) -> None:
        return None


@pytest.fixture
def in_turn(monkeypatch):
    """Fits are made in this process, one after the other."""

    class InTurn:
        def __init__(self, n_jobs, timeout=None):
            pass

        def __call__(self, tasks):
            for function, arguments, _ in tasks:
                yield function(*arguments)

    monkeypatch.setattr("duree.baselines.forecasts.Parallel", InTurn)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")


@pytest.fixture
def slow(monkeypatch, clock, in_turn):
    """ARIMA takes a minute for each series, every other method a second."""

    def forecast(self, past):
        return clock.spend(60 if self.name == "arima" else 1, repeated(past, self.horizon))

    monkeypatch.setattr(Forecast, "_forecast", forecast)


def rows(count):
    return [{"values": values.tolist()} for values in walks(count)]


def test_the_first_fits_show_that_a_method_takes_too_long(slow, clock):
    expected: list[float] = []
    arima = Forecast("arima", "AutoARIMA", HORIZON, 1)
    with time_limit(8, expected.append), pytest.raises(OutOfTime) as late:
        arima.predict(rows(60))
    # Two are fitted at a time, and more than a tenth of the limit has passed.
    assert late.value.seconds == 2 * 60 + 58 * 60 / 2
    assert expected == [late.value.seconds]
    assert clock.now == 2 * 60


def test_a_fit_that_does_not_end_is_stopped():
    class Endless(Forecast):
        def _forecast(self, past):
            time.sleep(60)

    began = time.perf_counter()
    with time_limit(1 / 60, lambda seconds: None), pytest.raises(OutOfTime) as late:
        Endless("arima", "AutoARIMA", HORIZON, 1).predict(rows(1))
    assert time.perf_counter() - began < 30
    assert late.value.seconds is None


def test_with_enough_time_or_no_limit_forecasts_are_the_same(in_turn):
    found = []
    for minutes in (None, 10):
        with time_limit(minutes, lambda seconds: None):
            found.append(Forecast("ses", "AutoETS", HORIZON, 1, model="ANN").predict(rows(5)))
    np.testing.assert_array_equal(*found)
    alone = Forecast("ses", "AutoETS", HORIZON, 1, model="ANN").predict(rows(5)[3:4])
    np.testing.assert_array_equal(found[0][3], alone[0])


def test_a_crf_that_would_take_too_long_is_given_up_after_a_few_iterations(monkeypatch, clock):
    train, tried = FeatureCrf._train, []

    def slowly(self, inputs, tags, penalty, iterations=100):
        tried.append(iterations)
        train(self, inputs, tags, penalty, iterations)
        return clock.spend(10.0 * iterations, 10.0 * iterations)

    monkeypatch.setattr(FeatureCrf, "_train", slowly)
    words, tags = [["a", "b"], ["b"]], [[0, 1], [1]]
    with time_limit(8, lambda seconds: None), pytest.raises(OutOfTime) as late:
        FeatureCrf().fit(words, tags, words, tags)
    assert tried == [3]
    assert late.value.seconds == 30 + 2 * 1000
    with time_limit(100, lambda seconds: None):
        crf = FeatureCrf().fit(words, tags, words, tags)
    assert crf.choices == {"c1": 0.1, "c2": 0.01}


def test_a_run_leaves_out_what_takes_too_long_and_says_it_everywhere_also_when_resumed(
    tmp_path, slow, monkeypatch
):
    settings = {"evaluation.baselines": True, "training.epochs": 1, "forecast.origins": 1}
    settings["training.max_minutes"] = 8.0
    given, told = recipe(long_table(tmp_path / "walks.csv", walks(22)), **settings), Told()
    with monkeypatch.context() as killed:
        killed.setattr("duree.workflow.evaluate_on_test", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fit(given, tmp_path / "run", told)
    monkeypatch.setattr(Forecast, "predict", lambda *_: 1 / 0)  # nothing is fitted again
    run = resume(tmp_path / "run")
    metrics = json.loads((run.folder / "metrics.json").read_text())
    assert {"naive", "naive2", "ets"} <= set(metrics["models"])
    assert "arima" not in metrics["models"]
    assert metrics["left_out"] == {"arima": {"title": "ARIMA", "seconds": 720.0, "limit": 480.0}}
    said = "ARIMA was left out: it would have taken about 12 min, more than the limit of 8 min."
    for sentence in ("ARIMA: about 12 min expected", said):
        assert told.messages.count(sentence) == 1
        assert sentence in (run.folder / "log.txt").read_text()
    assert (run.folder / "report.html").read_text().count(said) >= 2
    chinese = " ".join(text for _, text in write_methods(load_run(run.folder), "zh").paragraphs)
    assert "未纳入 ARIMA 模型：预计需要约 12 分钟，超出 8 分钟的限制。" in chinese
