"""Estimates with predicted variables, compared with exact answers and with other packages."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from statsmodels.stats.proportion import proportion_confint
from tests.support.predicted import predicted_table

from duree.inference import Estimate, estimate
from duree.results.estimates import Estimates, Term

POS = {"predicted_var": "pos", "prediction": "probability_pos", "equal_prob": True}
SCORE = {"predicted_var": "score", "prediction": "predicted_score", "equal_prob": True}


def by_term(terms: list[Term]) -> dict[str, Term]:
    return {term.term: term for term in terms}


def all_labelled() -> pl.DataFrame:
    return predicted_table(labelled=600)


def values(found: Estimate, name: str = "estimate") -> list[float]:
    return [getattr(term, name) for term in found.terms]


@pytest.mark.parametrize(
    ("model", "variable", "family"),
    [
        ("lm", "score", sm.families.Gaussian()),
        ("logit", "pos", sm.families.Binomial()),
        ("poisson", "count", sm.families.Poisson()),
    ],
)
def test_with_all_rows_labelled_it_is_the_usual_regression(
    model: Any, variable: str, family: Any
) -> None:
    frame = all_labelled()
    column = "probability_pos" if variable == "pos" else f"predicted_{variable}"
    found = estimate(
        f"{variable} ~ x + group",
        frame,
        predicted_var=variable,
        prediction=column,
        equal_prob=True,
        model=model,
    )
    dummies = frame["group"].to_dummies().to_numpy()[:, 1:]
    x = np.column_stack([np.ones(600), frame["x"], dummies])
    theirs = sm.GLM(frame[variable].to_numpy(), x, family=family).fit(cov_type="HC0")
    assert values(found) == pytest.approx(theirs.params, abs=1e-7)
    assert values(found, "se") == pytest.approx(theirs.bse * np.sqrt(600 / 599), rel=1e-6)


def test_with_all_rows_labelled_standard_errors_by_cluster_are_the_usual_ones() -> None:
    frame = all_labelled()
    found = estimate("score ~ x", frame, cluster="author", **SCORE)
    x = np.column_stack([np.ones(600), frame["x"]])
    author = frame["author"].to_numpy()
    options = {"groups": author, "use_correction": False}
    theirs = sm.OLS(frame["score"].to_numpy(), x).fit(cov_type="cluster", cov_kwds=options)
    clusters = len(set(author))
    expected = theirs.bse * np.sqrt(clusters / (clusters - 1))
    assert values(found, "se") == pytest.approx(expected, rel=1e-6)
    assert found.record.labelled_clusters == clusters


def test_a_predicted_regressor_that_is_labelled_everywhere_is_an_ordinary_one() -> None:
    frame = all_labelled()
    found = estimate("score ~ pos + x + pos:x", frame.drop("predicted_score"), **POS)
    pos, x = frame["pos"].to_numpy(), frame["x"].to_numpy()
    columns = np.column_stack([np.ones(600), pos, x, pos * x])
    theirs = sm.OLS(frame["score"].to_numpy(), columns).fit()
    assert values(found) == pytest.approx(theirs.params, abs=1e-7)


def test_fixed_effects_are_the_same_as_dummies() -> None:
    frame = predicted_table().with_columns(region=pl.col("author") % 12)
    absorbed = by_term(estimate("score ~ x | group + region", frame, **SCORE).terms)
    dummies = by_term(estimate("score ~ x + C(group) + C(region)", frame, **SCORE).terms)
    assert list(absorbed) == ["x"]
    assert absorbed["x"].estimate == pytest.approx(dummies["x"].estimate, abs=1e-8)
    assert absorbed["x"].se == pytest.approx(dummies["x"].se, rel=1e-6)


def test_fixed_effects_with_a_predicted_regressor_are_the_same_as_dummies() -> None:
    frame = predicted_table().with_columns(score=pl.col("true_score"))
    absorbed = by_term(estimate("score ~ pos + x | group", frame, **POS).terms)
    dummies = by_term(estimate("score ~ pos + x + C(group)", frame, **POS).terms)
    for name in ("pos", "x"):
        assert absorbed[name].estimate == pytest.approx(dummies[name].estimate, abs=1e-8)
        assert absorbed[name].se == pytest.approx(dummies[name].se, rel=1e-6)


def test_fixed_effects_of_a_logit_are_the_same_as_dummies() -> None:
    frame = predicted_table()
    absorbed = estimate("pos ~ x | group", frame, model="logit", **POS)
    dummies = estimate("pos ~ x + C(group)", frame, model="logit", **POS)
    assert [term.term for term in absorbed.terms] == ["Intercept", "x"]
    assert absorbed.terms[1].estimate == pytest.approx(dummies.terms[1].estimate, abs=1e-7)


def test_the_unit_of_a_regressor_does_not_matter() -> None:
    frame = predicted_table()
    found = estimate("pos ~ x", frame, model="logit", **POS)
    scaled = estimate("pos ~ x", frame.with_columns(pl.col("x") * 1e4), model="logit", **POS)
    assert scaled.terms[1].estimate * 1e4 == pytest.approx(found.terms[1].estimate, rel=1e-5)
    assert scaled.terms[1].p == pytest.approx(found.terms[1].p, rel=1e-4)


def test_the_same_seed_gives_the_same_result_and_another_nearly_the_same() -> None:
    frame = predicted_table()
    first, again = (estimate("score ~ x", frame, **SCORE) for _ in range(2))
    assert first.record == again.record
    other = estimate("score ~ x", frame, seed=5, **SCORE)
    assert other.terms != first.terms
    assert other.terms[1].estimate == pytest.approx(
        first.terms[1].estimate, abs=0.2 * first.terms[1].se
    )


def test_worthless_predictions_give_what_the_labels_alone_give() -> None:
    noise = np.random.default_rng(3).normal(size=3000)
    frame = predicted_table(3000, 300).with_columns(predicted_score=pl.Series(noise))
    found = estimate("score ~ 1", frame, **SCORE)
    (ours,), (labels,) = found.terms, found.labelled_only
    assert ours.estimate == pytest.approx(labels.estimate, abs=0.2 * labels.se)
    assert ours.se == pytest.approx(labels.se, rel=0.05)


def test_good_predictions_narrow_intervals() -> None:
    found = estimate("score ~ x", predicted_table(3000, 300), **SCORE)
    for ours, labels in zip(found.terms, found.labelled_only, strict=True):
        assert ours.se < 0.75 * labels.se


def test_naive_terms_take_the_predicted_class_for_the_truth() -> None:
    frame = predicted_table()
    found = estimate("pos ~ x", frame, model="logit", **POS)
    x = np.column_stack([np.ones(600), frame["x"]])
    classes = (frame["probability_pos"] >= 0.5).cast(int).to_numpy()
    theirs = sm.Logit(classes, x).fit(disp=0)
    assert [term.estimate for term in found.naive] == pytest.approx(theirs.params, abs=1e-6)


def test_weights_of_a_stratified_sample_undo_its_oversampling() -> None:
    frame = predicted_table(4000, 4000).with_columns(
        stratum=(pl.col("probability_pos") > 0.5).cast(int)
    )
    generator = np.random.default_rng(0)
    kept = generator.random(4000) < np.where(frame["stratum"] == 1, 0.3, 0.05)
    labels = pl.Series("pos", np.where(kept, frame["true_pos"], np.nan)).fill_nan(None)
    found = estimate(
        "pos ~ 1",
        frame.with_columns(labels),
        predicted_var="pos",
        prediction="probability_pos",
        stratum="stratum",
    )
    truth = frame["true_pos"].mean()
    raw = labels.mean()
    assert abs(found.terms[0].estimate - truth) < 2.5 * found.terms[0].se
    assert abs(raw - truth) > 5 * found.terms[0].se
    assert [one.labelled for one in found.record.strata] == [
        int((kept & (frame["stratum"] == stratum).to_numpy()).sum()) for stratum in (0, 1)
    ]


def test_a_corpus_that_is_labelled_throughout_has_no_uncertainty() -> None:
    found = estimate("score ~ x", all_labelled(), population=True, **SCORE)
    assert max(values(found, "se")) < 1e-6


@pytest.mark.parametrize("formula", ["pos ~ x", "pos ~ 0 + C(group)"])
def test_a_corpus_that_is_labelled_throughout_has_no_intervals(formula: str) -> None:
    found = estimate(formula, all_labelled(), population=True, **POS)
    assert all((one.low, one.high, one.p) == (None, None, None) for one in found.terms)
    (note,) = found.record.notes
    assert note.message.startswith("every row is labelled: these are the figures of the corpus")
    assert found.record.power is not None
    assert found.record.power.half_widths == [None] * len(found.terms)


def test_a_group_with_few_labelled_clusters_has_no_interval() -> None:
    frame = predicted_table().with_columns(country=pl.Series(np.arange(600) % 7))
    found = estimate("pos ~ 0 + C(country)", frame, cluster="country", **POS)
    assert all(one.low is None and one.high is None for one in found.terms)
    assert "intervals of C(country)[0], C(country)[1]" in found.record.notes[-1].message
    across = estimate("pos ~ 0 + C(group)", frame, cluster="country", **POS)
    assert any(one.low is not None for one in across.terms)


def test_a_corpus_is_described_more_precisely_than_what_produced_it() -> None:
    frame = predicted_table(600, 300)
    corpus = estimate("score ~ x", frame, population=True, **SCORE)
    process = estimate("score ~ x", frame, **SCORE)
    assert values(corpus) == values(process)
    assert all(
        0 < one < 0.9 * other
        for one, other in zip(values(corpus, "se"), values(process, "se"), strict=True)
    )


def test_the_share_of_a_rare_class_has_wilsons_interval() -> None:
    labels = np.full(5000, np.nan)
    labels[:300] = 0
    labels[[3, 50, 120]] = 1
    frame = pl.DataFrame({"pos": labels, "probability_pos": np.full(5000, 0.02)})
    (found,) = estimate("pos ~ 1", frame, **POS).terms
    low, high = proportion_confint(3, 300, method="wilson")
    assert found.method == "mover"
    assert (found.labelled, found.positives) == (300, 3)
    assert found.estimate == pytest.approx(0.01)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
    assert found.p is None


def test_cells_of_a_rare_share_are_weighted_by_their_rows() -> None:
    # Of 1000 rows predicted positive, 20 of 100 labelled ones are; of the others, 1 of 200.
    probability = np.where(np.arange(5000) < 1000, 0.9, 0.1)
    labels = np.full(5000, np.nan)
    labels[:100] = np.arange(100) < 20
    labels[1000:1200] = np.arange(200) < 1
    frame = pl.DataFrame({"pos": labels, "probability_pos": probability})
    (found,) = estimate("pos ~ 1", frame, population=True, **POS).terms
    assert found.estimate == pytest.approx(0.2 * 0.2 + 0.8 * 0.005)
    parts = [
        proportion_confint(20, 100, method="wilson"),
        proportion_confint(1, 200, method="wilson"),
    ]
    down = np.hypot(0.2 * (0.2 - parts[0][0]), 0.8 * (0.005 - parts[1][0]))
    # Of a finite corpus, and so a little shorter.
    assert 0.9 < (found.estimate - found.low) / down < 1


def test_more_labels_bring_what_power_says() -> None:
    few = estimate("score ~ x", predicted_table(4000, 300), **SCORE)
    more = estimate("score ~ x", predicted_table(4000, 900), **SCORE)
    promised = few.power(600)
    assert promised["se"].to_list() == pytest.approx(values(more, "se"), rel=0.1)
    assert few.power(0)["se"].to_list() == values(few, "se")
    ratio = promised["half_width"] / promised["half_width_now"]
    assert ratio.to_list() == pytest.approx((promised["se"] / promised["se_now"]).to_list())


def test_the_curve_of_the_power_begins_with_what_there_is() -> None:
    found = estimate("score ~ x", predicted_table(), **SCORE)
    power = found.record.power
    assert power is not None
    assert [point.extra for point in power.points] == [0, 50, 100, 200, 400]
    assert power.points[0].se == values(found, "se")
    assert power.points[-1].labelled == 600


def test_labels_that_are_texts_count_by_the_name_of_the_probability() -> None:
    numbers = predicted_table()
    texts = numbers.with_columns(
        pl.col("pos").replace_strict({0.0: "neg", 1.0: "pos"}, return_dtype=pl.String)
    )
    found = estimate("pos ~ x", texts, **POS)
    assert found.terms == estimate("pos ~ x", numbers, **POS).terms
    assert found.record.variables[0].category == "pos"


def test_pandas_and_polars_give_the_same() -> None:
    frame = predicted_table()
    assert (
        estimate("score ~ x", frame.to_pandas(), **SCORE).record
        == estimate("score ~ x", frame, **SCORE).record
    )


def test_the_record_survives_its_file() -> None:
    record = estimate("pos ~ 0 + C(group)", predicted_table(), cluster="author", **POS).record
    assert Estimates.model_validate_json(record.model_dump_json()) == record
    assert record.shares
    assert record.notes == []


def test_the_table_has_a_row_for_each_term() -> None:
    found = estimate("score ~ x", predicted_table(), **SCORE)
    assert found.to_frame().columns == ["term", "estimate", "se", "low", "high", "p", "df"]
    assert found.to_frame()["term"].to_list() == ["Intercept", "x"]


def test_a_group_whose_labels_are_all_alike_has_an_interval_as_wide_as_their_number_asks() -> None:
    frame = predicted_table(3000, 600)
    alike = (pl.col("group") == "c") & pl.col("pos").is_not_null()
    changed = frame.with_columns(pos=pl.when(alike).then(1.0).otherwise(pl.col("pos")))
    found = by_term(estimate("pos ~ 0 + C(group)", changed, **POS).terms)
    term = found["C(group)[c]"]
    assert term.method == "mover"
    assert term.positives == term.labelled
    low, _ = proportion_confint(term.labelled, term.labelled, method="wilson")
    assert term.low <= low
    assert found["C(group)[a]"].method == "dsl"


def test_comparisons_without_variation_have_no_interval_of_width_0() -> None:
    frame = predicted_table().with_columns(part=pl.lit("p") + (pl.col("author") % 12).cast(str))
    for cluster in ("part", None):
        found = estimate("pos ~ 0 + part", frame, cluster=cluster, **POS)
        for term in (*found.naive, *found.labelled_only):
            assert (term.low is None) == (cluster == "part")
            assert (term.p is None) == (cluster == "part")
    alike = frame.with_columns(probability_pos=0.3)
    assert estimate("pos ~ 1", alike, **POS).naive[0].low is None


def test_intervals_of_few_clusters_are_withheld() -> None:
    frame = predicted_table().with_columns(quarter=pl.Series(np.arange(600) % 4))
    found = estimate("pos ~ 0 + C(group)", frame, cluster="quarter", **POS)
    assert all(term.low is None and term.high is None for term in found.terms)
    assert {note.check for note in found.record.notes} == {"few_clusters", "withheld"}


def test_few_labels_of_a_class_are_a_caution() -> None:
    frame = predicted_table(labelled=40)
    found = estimate("pos ~ x", frame, **POS)
    assert [note.check for note in found.record.notes] == ["few_labels"]
    assert "labelled rows have pos = " in found.record.notes[0].message
