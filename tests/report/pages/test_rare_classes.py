"""What the page says of rare classes, of accuracy that misleads, and of decisions."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from duree.report.load import load_run
from duree.report.pages.report import render_report

CURVE = {"recall": [0.5, 1.0], "precision": [0.8, 0.3]}


def text_of(folder: Path, language: str = "en") -> str:
    run = load_run(folder)
    return unescape(render_report(run, run.words(language)))


def rare(name: str = "gloomy", precision: float | None = 0.4) -> dict[str, Any]:
    averages = {"network": [0.61, 0.5, 0.7], "nb_svm": [0.52, 0.4, 0.6]}
    curves = {
        model: CURVE | {"average": dict(zip(("value", "low", "high"), ends, strict=True))}
        for model, ends in averages.items()
    }
    figures = {"rows": 40, "share": 0.1, "recall": 0.75, "precision": precision, "curves": curves}
    return figures | {"name": name}


def figure(value: float, half: float = 0.02) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def against_majority(accuracy_p: float, f1_p: float) -> dict[str, Any]:
    """Changes to metrics.json: two models, and p-values of their differences."""
    models = {
        "network": {"accuracy": figure(0.76), "macro_f1": figure(0.61)},
        "majority": {"accuracy": figure(0.75), "macro_f1": figure(0.43)},
    }
    tests = {"accuracy": (0.01, accuracy_p), "macro_f1": (0.18, f1_p)}
    comparisons = [
        {"model": "majority", "metric": metric, "difference": gap, "p_value": p}
        | {"low": gap - 0.03, "high": gap + 0.03, "method": "paired bootstrap"}
        for metric, (gap, p) in tests.items()
    ]
    names = ["accuracy", "macro_f1"]
    return {"models": models, "comparisons": comparisons, "metric_names": names, "choices": {}}


def test_rare_classes_get_a_figure_and_their_average_precision(write_run):
    folder = write_run()
    content = {"classes": [rare()]}
    (folder / "precision_recall.json").write_text(json.dumps(content), encoding="utf-8")
    page = text_of(folder)
    assert 'id="figure-precision_recall"' in page
    assert "Black: NB-SVM." in page
    assert "Precision by recall for the rare class" in page
    assert "0.61 <small>[0.50, 0.70]</small>" in page
    chinese = text_of(folder, "zh")
    assert "稀有类别" in chinese
    assert "NB-SVM 的平均精确率" in chinese


def test_a_class_that_is_never_predicted_is_shown_without_precision(write_run):
    folder = write_run()
    content = {"classes": [rare("<b>", None), rare("gloomy")]}
    (folder / "precision_recall.json").write_text(json.dumps(content), encoding="utf-8")
    run = load_run(folder)
    page = render_report(run, run.words("en"))
    section = page.split('id="rare"')[1].split("</section>")[0]
    assert "for the 2 rarest classes" in section
    assert "<b>" not in section.replace("<b>Figure", "").replace("<b>Table", "")
    assert "<td>–</td><td>75" in section


@pytest.mark.parametrize("language", ["en", "zh"])
def test_accuracy_misleads_where_the_majority_class_alone_is_as_accurate(write_run, language):
    page = text_of(write_run(**against_majority(0.6, 0.001)), language)
    assert {"en": "Accuracy misleads here.", "zh": "此处准确率会误导。"}[language] in page
    assert "0.760" in page.split("Accuracy misleads")[-1]
    assert "--metric macro_f1" in page


@pytest.mark.parametrize(("accuracy_p", "f1_p"), [(0.001, 0.001), (0.6, 0.6)])
def test_accuracy_does_not_mislead_where_both_metrics_say_the_same(write_run, accuracy_p, f1_p):
    assert "Accuracy misleads" not in text_of(write_run(**against_majority(accuracy_p, f1_p)))


def test_accuracy_misleads_where_one_class_has_most_rows(write_run):
    folder = write_run(**against_majority(0.001, 0.001))
    split = json.loads((folder / "split.json").read_text(encoding="utf-8"))
    split["class_counts"]["test"] = {"cheerful": 330, "gloomy": 70}
    (folder / "split.json").write_text(json.dumps(split), encoding="utf-8")
    assert "82.5\u202f% of the test rows are “cheerful”" in text_of(folder)


def test_a_named_metric_is_not_said_to_mislead(write_run):
    changes = against_majority(0.6, 0.001) | {"primary_metric": "macro_f1"}
    assert "Accuracy misleads" not in text_of(write_run(**changes))


def decided(write_run, offsets: dict[str, float], **options: Any) -> Path:
    settings = {"evaluation": {"metric": "macro_f1"}} | options.pop("settings", {})
    return write_run(
        decisions={"network": offsets},
        watched={"title": "macro-F1 on validation", "better": 1},
        settings=settings,
        **options,
    )


def test_rows_that_are_decided_against_the_most_probable_class_are_counted(write_run):
    folder = decided(write_run, {"cheerful": 0.0, "gloomy": 0.75})
    file = folder / "predictions.parquet"
    frame = pl.read_parquet(file)
    moved = pl.int_range(pl.len()) < 7
    other = pl.when(pl.col("probability_gloomy") > 0.5).then(pl.lit("cheerful"))
    prediction = pl.when(moved).then(other.otherwise(pl.lit("gloomy")))
    frame.with_columns(
        prediction.otherwise(pl.col("prediction")).alias("prediction")
    ).write_parquet(file)
    page = text_of(folder)
    assert "In 7 of 400 test rows the network does not predict what is most probable" in page
    assert "macro-F1 on validation" in page
    assert "cheerful 0.00, gloomy 0.75" in page
    assert "Lipton et al. 2014" in page
    assert "of their most probable class" in page


def test_a_mistake_is_shown_with_the_probability_of_what_was_predicted(write_run):
    folder = decided(write_run, {"cheerful": 0.0, "gloomy": 2.0}, rows=120)
    file = folder / "predictions.parquet"
    first = pl.int_range(pl.len()) == 0
    pl.read_parquet(file).with_columns(
        pl.lit("cheerful").alias("tone"),
        pl.when(first).then(pl.lit("gloomy")).otherwise(pl.lit("cheerful")).alias("prediction"),
        pl.lit(0.7).alias("probability_cheerful"),
        pl.lit(0.3).alias("probability_gloomy"),
    ).write_parquet(file)
    mistakes = text_of(folder).split('id="mistakes"')[1].split("</section>")[0]
    assert "<b>gloomy</b> (30.0\u202f%)" in mistakes
    assert "<b>cheerful</b> (70.0\u202f%)" in mistakes


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_decision_that_was_not_moved_is_said_to_be_none(write_run, language):
    page = text_of(decided(write_run, {"cheerful": 0.0, "gloomy": 0.0}), language)
    sentences = {"en": "showed no gain larger than its standard error", "zh": "其提高未超过标准误"}
    assert sentences[language] in page
    assert {"en": "predicts as it would without", "zh": "预测规则与不用 --metric 时相同"}[
        language
    ] in page


def test_thresholds_of_labels_are_described_as_thresholds(write_run):
    folder = decided(
        write_run,
        {"cheerful": 0.5, "gloomy": 0.31},
        settings={"data": {"label_separator": ";"}, "evaluation": {"metric": "macro_f1"}},
    )
    page = text_of(folder)
    assert "from its own threshold of probability on" in page
    assert "cheerful 0.50, gloomy 0.31" in page


def test_a_run_without_a_named_metric_says_nothing_of_decisions(letters):
    page = text_of(letters)
    assert "Lipton" not in page
    assert "beyond noise" not in page
    assert "by the probability of the predicted class" in page
