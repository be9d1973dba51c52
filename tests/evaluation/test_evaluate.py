"""Evaluation as a whole: what is written into metrics.json, and how seldom it claims too much."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, softmax

from duree.errors import DataError, TrainingError, chinese_templates
from duree.evaluation import weighted_metrics as weighted
from duree.evaluation.evaluate import evaluate_model, evaluate_models, spread_of_seeds
from duree.evaluation.metrics import CLASSIFICATION, MULTILABEL, REGRESSION, MetricSet
from duree.evaluation.verdict import weigh
from duree.report.numbers import p_value
from duree.results.metric import Metric
from duree.results.metrics_file import Metrics

Floats = NDArray[np.float64]
KEYS = {"model", "metric", "difference", "low", "high", "p_value", "method", "is_least"}


def answers(rng: np.random.Generator, targets: NDArray[np.int64], strength: float) -> Floats:
    scores = rng.normal(size=(len(targets), 3)) + strength * np.eye(3)[targets]
    return softmax(scores, axis=1)


def three_classes(rows: int = 400) -> tuple[dict[str, Floats], NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    targets = rng.integers(3, size=rows)
    models = {
        "network": answers(rng, targets, 3.0),
        "majority": np.tile([0.4, 0.3, 0.3], (rows, 1)),
        "tfidf_logistic": answers(rng, targets, 1.0),
    }
    return models, targets


def some_of_each() -> list[tuple[MetricSet, dict[str, Floats], NDArray[np.int64]]]:
    rng = np.random.default_rng(1)
    models, targets = three_classes(120)
    marks = (rng.random((120, 4)) < 0.3).astype(np.int64)
    labelled = {name: expit(2 * marks - 1 + rng.normal(size=marks.shape)) for name in models}
    numbers = {name: targets[:, None] + rng.normal(size=(120, 1)) for name in models}
    numbers["majority"] = np.ones((120, 1))
    return [
        (CLASSIFICATION, models, targets),
        (MULTILABEL, labelled, marks),
        (REGRESSION, numbers, targets),
    ]


def test_a_p_value_that_more_resamples_could_lower_is_marked() -> None:
    rng = np.random.default_rng(4)
    targets = rng.integers(2, size=300)
    sure, unsure = (np.eye(2)[targets] * share + (1 - share) / 2 for share in (0.9, 0.02))
    chance = rng.dirichlet([1, 1], 300)
    for worse, is_least in ((chance, True), (unsure, False)):
        found = evaluate_models({"network": sure, "other": worse}, targets, CLASSIFICATION)
        one = next(
            comparison
            for comparison in found.comparisons
            if (comparison.metric, comparison.method) == ("accuracy", "paired bootstrap")
        )
        assert one.is_least == is_least
        (against,) = weigh([one], CLASSIFICATION.metrics[0], 0.0)
        assert p_value(against.p_value, 300, against.is_bound).startswith("≤ ") == is_least


@pytest.mark.parametrize("grouped", [False, True])
def test_what_is_written_is_finite_and_every_value_lies_in_its_interval(grouped: bool) -> None:
    for metrics, models, targets in some_of_each():
        groups = np.arange(120) // 4 if grouped else None
        found = evaluate_models(models, targets, metrics, groups=groups, resamples=200)
        text = json.dumps(
            [found.models, [asdict(one) for one in found.comparisons]], allow_nan=False
        )
        assert json.loads(text)[0] == found.models
        for figures in found.models.values():
            for name, figure in figures.items():
                assert figure["low"] <= figure["value"] <= figure["high"], name
        for comparison in found.comparisons:
            assert set(asdict(comparison)) == KEYS
            assert 0 < comparison.p_value <= 1
            value = found.models["network"][comparison.metric]["value"]
            other = found.models[comparison.model][comparison.metric]["value"]
            assert comparison.difference == pytest.approx(value - other)


def test_a_better_network_is_claimed_to_be_better() -> None:
    models, targets = three_classes()
    found = evaluate_models(models, targets, CLASSIFICATION, resamples=500)
    assert found.verdict.claim == "better"
    assert "tfidf_logistic" in found.verdict.sentence("en")


def test_a_worse_network_is_claimed_to_be_worse() -> None:
    models, targets = three_classes()
    models["network"], models["tfidf_logistic"] = models["tfidf_logistic"], models["network"]
    found = evaluate_models(models, targets, CLASSIFICATION, resamples=500)
    assert found.verdict.claim == "worse"


def test_a_network_with_a_constant_prediction_has_learned_nothing() -> None:
    models, targets = three_classes()
    models["network"] = models.pop("majority").copy()
    models["majority"] = models["network"] + [[0.01, -0.01, 0.0]]
    del models["tfidf_logistic"]
    found = evaluate_models(models, targets, CLASSIFICATION, resamples=200)
    assert found.verdict.claim == "none"
    assert "There is no evidence that the network learned" in found.verdict.sentence("en")


def test_the_parts_of_a_network_are_compared_but_are_no_baselines() -> None:
    models, targets = three_classes()
    models["recurrent_part"] = models["network"]
    apart = evaluate_models(
        models, targets, CLASSIFICATION, parts=["recurrent_part"], resamples=500
    )
    assert apart.verdict.claim == "better"
    assert any(comparison.model == "recurrent_part" for comparison in apart.comparisons)
    assert evaluate_models(models, targets, CLASSIFICATION, resamples=500).verdict.claim == "none"


def test_the_order_of_rows_changes_no_value_and_no_claim() -> None:
    order = np.random.default_rng(2).permutation(120)
    for metrics, models, targets in some_of_each():
        found = evaluate_models(models, targets, metrics, resamples=1000)
        mixed = {name: predictions[order] for name, predictions in models.items()}
        other = evaluate_models(mixed, targets[order], metrics, resamples=1000)
        assert other.verdict.claim == found.verdict.claim
        for model, figures in found.models.items():
            for name, figure in figures.items():
                assert other.models[model][name]["value"] == pytest.approx(figure["value"])
                # The resamples differ, so that ends lie apart by their own error: 0.2 widths.
                width = figure["high"] - figure["low"] + 1e-9
                assert abs(other.models[model][name]["low"] - figure["low"]) < 0.2 * width


def test_the_same_seed_gives_the_same_evaluation() -> None:
    models, targets = three_classes(100)
    one, again, other = (
        evaluate_models(models, targets, CLASSIFICATION, resamples=200, seed=seed)
        for seed in (5, 5, 6)
    )
    assert one == again
    assert one.models != other.models


def test_a_model_evaluated_alone_has_the_same_figures_as_among_others() -> None:
    models, targets = three_classes(100)
    together = evaluate_models(models, targets, CLASSIFICATION, seed=3)
    assert (
        evaluate_model(models["network"], targets, CLASSIFICATION, seed=3)
        == (together.models["network"])
    )


def test_one_row_can_be_evaluated() -> None:
    found = evaluate_models(
        {"network": np.array([[0.2, 0.8]]), "majority": np.array([[0.6, 0.4]])},
        np.array([1]),
        CLASSIFICATION,
        resamples=100,
    )
    assert found.models["network"]["accuracy"]["value"] == 1.0
    assert found.models["network"]["accuracy"]["low"] < 0.25
    assert found.verdict.claim == "none"


def test_the_spread_of_seeds_holds_every_figure_of_every_network() -> None:
    models, targets = three_classes(100)
    spread = spread_of_seeds([models["network"], models["tfidf_logistic"]], targets, CLASSIFICATION)
    assert spread is not None
    for name, values in spread.items():
        expected = [
            CLASSIFICATION.values(models[model], targets)[name]
            for model in ("network", "tfidf_logistic")
        ]
        assert values == expected
    assert spread_of_seeds([models["network"]], targets, CLASSIFICATION) is None


def test_no_rows_are_refused() -> None:
    with pytest.raises(DataError) as caught:
        evaluate_models({"network": np.zeros((0, 2))}, np.zeros(0, dtype=int), CLASSIFICATION)
    assert caught.value.message("en") == (
        "there are no rows to evaluate on; give rows with known targets"
    )


def test_rows_without_any_label_given_or_predicted_are_refused() -> None:
    with pytest.raises(DataError) as caught:
        evaluate_models({"network": np.zeros((5, 2))}, np.zeros((5, 2), dtype=int), MULTILABEL)
    assert caught.value.message("en") == (
        "the primary metric is not defined on these 5 rows; "
        "give rows with at least two different targets"
    )


def test_predictions_that_are_not_numbers_are_refused_by_model() -> None:
    models, targets = three_classes(10)
    models["network"][3, 1] = np.nan
    with pytest.raises(TrainingError) as caught:
        evaluate_models(models, targets, CLASSIFICATION)
    assert caught.value.message("en") == (
        "the predictions of 'network' are not finite in 1 of 10 rows; "
        "lower training.learning_rate or training.clip_norm"
    )
    assert caught.value.message("zh") == (
        "10 行中有 1 行，'network' 的预测不是有限的数值；"
        "请调低 training.learning_rate 或 training.clip_norm"
    )


def test_every_error_has_a_chinese_twin() -> None:
    twins = chinese_templates()
    for template in (
        "there are no rows to evaluate on",
        "give rows with known targets",
        "the primary metric is not defined on these {rows} rows",
        "give rows with at least two different targets",
    ):
        assert template in twins


def claims(draw: object, tries: int, **options: object) -> list[str]:
    found = []
    for seed in range(tries):
        models, targets, groups = draw(np.random.default_rng(seed))  # type: ignore[operator]
        evaluated = evaluate_models(
            models, targets, resamples=200, groups=groups, seed=seed, **options
        )
        found.append(evaluated.verdict.claim)
    return found


def test_models_that_guess_at_random_seldom_differ() -> None:
    def draw(rng: np.random.Generator) -> tuple[dict[str, Floats], NDArray[np.int64], None]:
        models = {name: rng.random((40, 1)) for name in ("network", "nb_svm", "tfidf_logistic")}
        return {n: np.hstack([p, 1 - p]) for n, p in models.items()}, rng.integers(2, size=40), None

    # Of 100 runs that claim falsely in 5 %, 99.9 % have at most 12.
    assert claims(draw, 100, metrics=CLASSIFICATION).count("none") >= 88


def test_authors_with_one_class_each_cause_no_false_claims_when_grouped() -> None:
    author = np.repeat(np.arange(16), 12)

    def draw(rng: np.random.Generator) -> tuple[dict[str, Floats], NDArray[np.int64], object]:
        targets = rng.integers(2, size=16)[author]
        models = {name: rng.random((16, 1))[author] for name in ("network", "nb_svm")}
        return {n: np.hstack([p, 1 - p]) for n, p in models.items()}, targets, author

    def without_authors(rng: np.random.Generator) -> tuple[object, object, None]:
        return *draw(rng)[:2], None

    assert claims(draw, 60, metrics=CLASSIFICATION).count("none") >= 51
    # Treated as 192 independent rows they give false claims.
    assert claims(without_authors, 60, metrics=CLASSIFICATION).count("none") < 40


def test_a_custom_metric_has_its_own_name_and_direction() -> None:
    """No other file needs to know it: the verdict and the run folder use its words."""
    miss = Metric("miss", "miss distance", "how far predictions lie off", better="lower")
    metrics = MetricSet(
        (miss,), ("miss", 0.0), True, lambda p, y: {"miss": weighted.mean(np.abs(p[:, 0] - y))}
    )
    rng = np.random.default_rng(0)
    y = rng.normal(size=300)
    near, far = (y + size * rng.normal(size=300) for size in (0.1, 1.0))
    found = evaluate_models({"network": near[:, None], "mean": far[:, None]}, y, metrics)
    assert found.verdict.claim == "better"
    assert "its miss distance is 0.0" in found.verdict.sentence("en")
    stored = {
        **{"task": "toy", "cell": "gru", "seed": 0, "rows": {"test": 300}},
        **{"models": found.models, "verdict": "", "primary_metric": "miss"},
        **{"metric_names": ["miss"], "metrics": {"miss": miss.to_dict()}},
    }
    read = Metrics.model_validate_json(json.dumps(stored))
    assert read.metric("miss") == miss
    assert read.ranked("miss") == ["network", "mean"]
    # Version 0.1.0 stored no words: a name it did not know counts as one where higher is better.
    old = Metrics.model_validate({name: of for name, of in stored.items() if name != "metrics"})
    assert old.ranked("miss") == ["mean", "network"]


def test_a_named_metric_that_is_undefined_is_replaced_and_the_verdict_says_so():
    targets = np.arange(40.0)
    equal = {"network": np.full((40, 1), 19.5), "mean": np.full((40, 1), 19.5)}
    found = evaluate_models(equal, targets, REGRESSION.led_by("spearman"), resamples=100)
    assert found.primary == "mae"
    assert "Spearman’s ρ is not defined here" in found.verdict.sentence()
    assert "由 MAE 代替" in found.verdict.sentence("zh")
