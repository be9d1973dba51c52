"""The page of an estimate: what it says, in both languages, and that it is self-contained."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from duree.errors import RunError
from duree.report.estimate_facts import EstimateFacts
from duree.report.pages.estimate import render_estimate, write_estimate_page
from duree.report.vocabulary import Words
from duree.results.estimates import (
    Estimates,
    Power,
    PowerPoint,
    PredictedVariable,
    Settings,
    Stratum,
    Term,
)
from duree.results.run_files import Check

# Variances of 0.0012/k + 0.0004 at k times as many labels.
CURVE = [(0, 300, 0.04), (300, 600, 0.001**0.5), (600, 900, 0.0008**0.5)]


def term(name: str, estimate: float, se: float, method: str = "dsl", **more: Any) -> Term:
    ends = {"low": estimate - 2 * se, "high": estimate + 2 * se, "p": 0.012, "df": 90.4}
    return Term(term=name, estimate=estimate, se=se, method=method, **ends | more)


def record(**changes: Any) -> Estimates:
    points = [PowerPoint(extra=k, labelled=n, se=[2 * se, se]) for k, n, se in CURVE]
    settings = {
        "terms": [term("Intercept", 0.5, 0.08), term("rating", 0.12, 0.04)],
        "naive": [term("Intercept", 0.9, 0.01, "naive"), term("rating", 0.31, 0.01, "naive")],
        "labelled_only": [term("rating", 0.1, 0.09, "labelled_only")],
        "formula": "pos ~ rating",
        "model": "lm",
        "population": False,
        "shares": False,
        "variables": [
            PredictedVariable(
                name="pos",
                prediction="probability_pos",
                role="outcome",
                kind="binary",
                labelled_mean=0.41,
                predicted_mean=0.47,
                positives=123,
            )
        ],
        "rows": 5000,
        "labelled": 300,
        "strata": [Stratum(rows=5000, labelled=300)],
        "design": "coding",
        "probabilities": (0.06, 0.06),
        "power": Power(unit="rows", half_widths=[0.16, 0.08], points=points),
        "settings": Settings(seed=3, splits=10, folds=5),
        "data": "speeches.parquet",
        "version": "0.2.0",
    }
    return Estimates(**settings | changes)


def text_of(found: Estimates, language: str = "en") -> str:
    """The texts of the page, without tags, each white space one blank."""
    page = render_estimate(found, Words(language))
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_page_leads_with_the_first_regressor_and_what_predictions_alone_would_have_said():
    text = text_of(record())
    assert "The estimate of “rating” is 0.120 [0.040, 0.200]. The interval does not contain 0." in (
        text
    )
    assert "With predictions taken for the truth, the interval would not have contained" in text


def test_an_interval_that_contains_0_is_not_read_as_an_effect():
    text = text_of(record(terms=[term("Intercept", 0.5, 0.08), term("rating", 0.05, 0.04)]))
    assert "The interval contains 0: the data do not show its sign." in text


def test_the_table_shows_all_methods_beside_each_other():
    text = text_of(record())
    row = "rating 0.120 [0.040, 0.200] 0.040 0.012 90 0.100 [−0.080, 0.280] 0.310 [0.290, 0.330]"
    assert row in text
    assert "Intercept 0.500 [0.340, 0.660] 0.080 0.012 90 – 0.900 [0.880, 0.920]" in text


def test_the_intercept_has_its_chinese_name_in_sentence_figure_and_table():
    alone = record(terms=[term("Intercept", 0.5, 0.08)], power=None)
    text = text_of(alone, "zh")
    assert "“截距”" in text
    assert "截距 0.500 [0.340, 0.660]" in text
    assert "Intercept" not in render_estimate(alone, Words("zh")).split("<body")[1]


def test_the_sentence_on_power_follows_the_curve():
    facts = EstimateFacts(record())
    expected = 0.08 * ((0.0012 * 300 / 400 + 0.0004) / 0.0016) ** 0.5
    assert facts.half_width(1, 100) == pytest.approx(expected)
    assert facts.half_width(1, 0) == pytest.approx(0.08)
    assert "100 more labels bring the interval of “rating” from ± 0.080 to ± 0.072." in text_of(
        record()
    )


def test_clusters_are_counted_as_clusters():
    points = [PowerPoint(extra=k, labelled=n, se=[1, 1 / n]) for k, n in ((0, 40), (40, 80))]
    power = Power(unit="clusters", half_widths=[0.16, 0.08], points=points)
    text = text_of(record(power=power, cluster="author", clusters=900, labelled_clusters=40))
    assert "10 more labelled clusters bring the interval of “rating” from" in text
    assert "40 labelled clusters (“author”)" in text
    assert "robust to dependence within “author” (900 clusters, 40 of them with labels)" in text


def test_withheld_intervals_are_said_to_be_withheld():
    power = record().power
    assert power is not None
    text = text_of(
        record(
            terms=[term("rating", 0.12, 0.04, low=None, high=None, p=None, df=2.0)],
            power=power.model_copy(update={"half_widths": [None]}),
        )
    )
    assert "The estimate of “rating” is 0.120 (interval withheld)." in text
    assert "The interval of the first term is withheld: label more rows first." in text
    assert "rating 0.120 withheld 0.040" in text


def test_a_wholly_labelled_population_has_no_curve():
    assert "No more rows are left to label." in text_of(record(power=None))


def test_shares_are_named_by_their_groups_and_the_extremes_lead():
    shares = [
        term(f"C(year)[{year}]", share, 0.05, labelled=30, positives=9, p=None)
        for year, share in ((1990, 0.31), (1991, 0.24), (1992, 0.52))
    ]
    found = record(
        formula="pos ~ 0 + C(year)", shares=True, terms=shares, naive=shares, labelled_only=[]
    )
    found = found.model_copy(update={"power": None})
    text = text_of(found)
    assert (
        "The share of “pos” goes from 0.240 [0.140, 0.340] (year = 1991) to 0.520 [0.420, 0.620] "
        "(year = 1992)." in text
    )
    assert "year = 1990 0.310 [0.210, 0.410] 0.050 30 9 – 0.310" in text
    assert "A regression is a description" not in text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"design": "coding"}, "They were drawn by “duree sample”, each with a known probability"),
        ({"design": "sample_prob"}, "come from a column of the table"),
        ({"design": "equal_prob"}, "was stated by whoever made this estimate"),
        ({"out_of_fold": True}, "Predictions are out of fold"),
        ({"out_of_fold": False}, "This was checked against the record"),
        ({"out_of_fold": None}, "could not be checked: make sure of it"),
        ({"population": True}, "These 5,000 rows and no others"),
        ({"population": False}, "What produced these 5,000 rows"),
    ],
)
def test_the_assumptions_are_those_of_this_estimate(changes: dict[str, Any], sentence: str):
    assert sentence in text_of(record(**changes))


def test_the_methods_paragraph_cites_only_what_was_done():
    text = text_of(record())
    assert "We estimated a linear regression (pos ~ rating) over 5,000 rows" in text
    assert "medians over 10 random divisions" in text
    assert "Durée 0.2.0 (seed 3)" in text
    for work in ("Egami", "Angelopoulos", "Zrnic", "Satterthwaite"):
        assert work in text
    assert "Zou" not in text
    assert "Chernozhukov" not in text
    mover = [term("C(year)[1]", 0.3, 0.1, "mover"), term("C(year)[2]", 0.4, 0.1, "mover")]
    found = record(terms=mover, naive=[], labelled_only=[], out_of_fold=True, shares=True)
    text = text_of(found)
    assert "Zou" in text
    assert "Chernozhukov" in text


def test_the_chinese_page_is_chinese_and_says_the_same():
    note = Check(check="few", level="warning", message="only a few", message_zh="标注过少")
    page = text_of(record(notes=[note], out_of_fold=True), "zh")
    assert "“rating”的估计值为 0.120 [0.040, 0.200]。区间不包含 0。" in page
    assert "再标注 100 行，“rating”的区间将从 ± 0.080 缩小到 ± 0.072。" in page
    assert "标注过少" in page
    assert "only a few" not in page
    assert "预测均为折外预测" in page
    outside = page.partition("In English")[0]
    assert not re.search(r"\b(the|of|rows|labels)\b", outside)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_loads_and_runs_nothing(language: str):
    page = render_estimate(record(), Words(language))
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert "default-src &#39;none&#39;" in page
    assert page.count("<svg") == 2
    assert ' style="' not in page


def test_coefficients_on_unlike_scales_get_scales_of_their_own():
    alike = render_estimate(record(terms=[term("a", 1, 0.1), term("b", 2, 0.2)]), Words("en"))
    unlike = render_estimate(record(terms=[term("a", 1, 0.1), term("b", 200, 20)]), Words("en"))
    size = re.compile(r'viewBox="0 0 [\d.]+ ([\d.]+)"')
    heights = [float(size.findall(page)[0]) for page in (alike, unlike)]
    assert heights[1] > heights[0] + 30


def test_a_name_from_the_data_cannot_become_markup():
    page = render_estimate(record(data="<b>x</b>.parquet", formula="pos ~ `<i>`"), Words("en"))
    assert "<b>x</b>" not in page
    assert "<i>" not in page


def test_many_groups_are_shown_in_the_table_alone():
    terms = [term(f"C(year)[{n}]", 0.3, 0.05) for n in range(80)]
    page = render_estimate(record(terms=terms, power=None, shares=True), Words("en"))
    assert "figure-terms" not in page
    assert "year = 79" in page


def test_the_page_is_written_beside_the_estimates(tmp_path: Path):
    with pytest.raises(RunError, match=r"estimate\.json"):
        write_estimate_page(tmp_path)
    (tmp_path / "estimate.json").write_text(record().model_dump_json())
    page = write_estimate_page(tmp_path, "en")
    assert page == tmp_path / "estimate.html"
    first = page.read_bytes()
    assert write_estimate_page(tmp_path, "en").read_bytes() == first
