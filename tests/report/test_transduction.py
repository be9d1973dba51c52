"""Runs from one sequence to another: the facets, sections and methods of their report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from duree.evaluation.evaluate import evaluate_models
from duree.evaluation.transduction_facts import describe_transduction
from duree.evaluation.transduction_metrics import statistics, transduction_metrics
from duree.report.facets.transduction import Outputs, PairRows
from duree.report.load import load_run
from duree.report.pages.report import render_report
from duree.results.run_files import TextFacts

Write = Callable[..., Path]

# Sources, targets and wrong outputs of words; the rest of the rows is right.
ERRORS = [
    ("vnnd", "vnnd", "und"),
    ("thun", "thun", "tun"),
    ("theil", "theil", "teil"),
    ("jnn", "", "in"),
    ("haus", "hausausausaus", "haus"),
    ("weyß", "weys", "weiß"),
    ("fraw", "fra", "frau"),
]


@pytest.fixture
def write_pairs(write_run: Write) -> Write:
    """A function that writes the folder of a run from old to new spelling."""

    def write(rows: int = 200, **changes: Any) -> Path:
        folder = write_run(text="historical", target="modern", rows=rows, settings=changes)
        right = [("daz", f"das{n % 3}", f"das{n % 3}") for n in range(rows - len(ERRORS))]
        sources, predicted, actual = map(list, zip(*ERRORS, *right, strict=True))
        known = np.array([source == "daz" for source in sources])
        chances = np.linspace(0.5, 1, rows)
        sums = statistics(predicted, actual, known)
        found = describe_transduction(sources, sources, predicted, actual, known, chances, sums)
        units = TextFacts(segmenter="characters", target_segmenter="characters", units=31)
        _write(folder / "transduction.json", found.model_dump())
        _write(folder / "encoding.json", units.model_dump())
        pl.DataFrame(
            {
                "historical": sources,
                "modern": actual,
                "prediction": predicted,
                "probability": chances,
            }
        ).write_parquet(folder / "predictions.parquet")
        metrics = transduction_metrics()
        copied = statistics(sources, actual, known)
        models = evaluate_models(
            {"network": sums, "copy": copied}, known[:, None], metrics, resamples=100
        )
        _write(
            folder / "metrics.json",
            json.loads((folder / "metrics.json").read_text("utf-8"))
            | {
                "task": "transduce",
                "models": models.models,
                "comparisons": [],
                "primary_metric": "exact",
                "metric_names": list(models.models["network"]),
                "metrics": {one.name: asdict(one) for one in metrics.metrics},
                "per_class": {},
            },
        )
        for name in ("baselines.parquet", "calibration.json"):
            (folder / name).unlink()
        return folder

    return write


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def page(folder: Path, language: str = "en") -> str:
    run = load_run(folder)
    return render_report(run, run.words(language))


def text_of(html: str) -> str:
    return re.sub(r"[ \n]+", " ", unescape(re.sub(r"<[^>]+>", "", html)))


def test_pairs_are_found_by_what_the_folder_holds(write_pairs: Write) -> None:
    run = load_run(write_pairs())
    assert isinstance(run.rows, PairRows)
    assert isinstance(run.target, Outputs)


def test_the_page_says_where_the_network_errs(write_pairs: Write) -> None:
    text = text_of(page(write_pairs()))
    assert "7 of 200 outputs (3.5\u202f%) differ from their target." in text
    assert "193 test rows have one of 1 sources with several targets" in text
    assert "at most 36.0\u202f% of all rows could be right" in text
    for kind in ("The source as it was 3 rows", "No output 1 rows", "Repeats without end 1 rows"):
        assert kind in text
    assert "true frau · predicted fra" in text


def test_confusions_are_stretches_of_characters_with_an_example(write_pairs: Write) -> None:
    html = page(write_pairs())
    rows = re.findall(
        r"<tr><th scope=\"row\"><bdi>(.*?)</bdi></th><td><bdi>(.*?)</bdi>.*?</tr>", html
    )
    assert rows[0] == ("–", "h")
    assert "thun (tun)" in html


def test_figures_are_given_for_known_and_unknown_sources(write_pairs: Write) -> None:
    html = page(write_pairs())
    row = re.search(r"<th scope=\"row\">source does not occur in training</th>(.*?)</tr>", html)
    assert row is not None
    assert re.findall(r">([^<]+)<", row[1])[:2] == ["7", "0.000"]


def test_blanks_that_are_errors_are_seen(write_pairs: Write) -> None:
    folder = write_pairs()
    found = json.loads((folder / "transduction.json").read_text("utf-8"))
    found["confusions"][0] |= {"actual": " ", "predicted": "a "}
    _write(folder / "transduction.json", found)
    html = page(folder)
    assert "<bdi>␣</bdi>" in html
    assert "<bdi>a␣</bdi>" in html


def test_the_methods_name_units_network_and_decoding(write_pairs: Write) -> None:
    text = text_of(page(write_pairs()))
    for sentence in (
        "From the texts in the column “historical” the text in “modern” was predicted",
        "Sources and targets were split into characters.",
        "Both share one vocabulary, of all 31 units of the training rows; characters outside of it",
        "attends to the states of the source (scaled dot products; Luong et al. 2015)",
        "copied from the source (Gu et al. 2016; See et al. 2017)",
        "Outputs were found by beam search with 5 hypotheses.",
        "the character error rate, by edit distance (Levenshtein 1966)",
    ):
        assert sentence in text


def test_settings_of_the_network_change_the_methods(write_pairs: Write) -> None:
    model = {"attention": "additive", "copying": False, "beam": 1, "label_smoothing": 0.0}
    text = text_of(page(write_pairs(model=model)))
    assert "Bahdanau" in text
    assert "Gu et al. 2016" not in text
    assert "Outputs were written greedily" in text
    assert "label smoothing of" not in text


@pytest.mark.parametrize(
    ("chosen_by", "sentence"),
    [
        ("lookup", "A source that occurs in training was given its most frequent target there"),
        ("joint_ngram", "A log-linear model (Och & Ney 2002) chose among the outputs"),
    ],
)
def test_what_chooses_beside_the_network_is_told(
    write_pairs: Write, chosen_by: str, sentence: str
) -> None:
    folder = write_pairs()
    assert sentence not in text_of(page(folder))
    found = json.loads((folder / "transduction.json").read_text("utf-8"))
    _write(folder / "transduction.json", found | {"chosen_by": chosen_by})
    assert sentence in text_of(page(folder))


def test_a_vocabulary_that_was_cut_is_told(write_pairs: Write) -> None:
    text = text_of(page(write_pairs(text={"max_features": 31}, model={"copying": False})))
    assert "of the 31 most frequent units of the training rows." in text


def test_units_of_both_sides_are_named_where_they_differ(write_pairs: Write) -> None:
    folder = write_pairs(data={"covariate": ["tags"]})
    units = TextFacts(segmenter="subwords", target_segmenter="symbols", units=90, merges=2000)
    _write(folder / "encoding.json", units.model_dump())
    text = text_of(page(folder))
    assert (
        "Sources were split into parts of words, by 2,000 merges of byte pairs (Sennrich et al. "
        "2016) learned on the training rows, targets into symbols separated by blanks." in text
    )
    assert "The values of “tags” stand before the source" in text


def test_the_chinese_page_is_chinese(write_pairs: Write) -> None:
    text = text_of(page(write_pairs(), "zh"))
    for sentence in (
        "200 个输出中有 7 个（3.5%）与目标不同。",
        "源文本未在训练集中出现",
        "原样照抄源文本",
        "完全匹配率",
        "输出由束搜索得到，保留 5 个候选。",
    ):
        assert sentence in text
    for english in ("Something", "outputs", "confusions", "exact match"):
        assert english not in text


def test_a_run_without_errors_says_so(write_pairs: Write) -> None:
    folder = write_pairs()
    found = json.loads((folder / "transduction.json").read_text("utf-8"))
    _write(folder / "transduction.json", found | {"wrong": 0, "kinds": [], "confusions": []})
    assert "None: every test row was predicted correctly." in text_of(page(folder))
