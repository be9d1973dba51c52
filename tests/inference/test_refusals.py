"""What is refused, with what, where and what to do; never an estimate that does not hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.support.predicted import predicted_table

from duree.errors import DataError
from duree.inference import estimate


def refused(formula: str = "pos ~ x", frame: Any = None, **options: Any) -> str:
    """The message of the error."""
    chosen: dict[str, Any] = {
        "predicted_var": "pos",
        "prediction": "probability_pos",
        "equal_prob": True,
    }
    chosen |= options
    with pytest.raises(DataError) as found:
        estimate(formula, predicted_table() if frame is None else frame, **chosen)
    return found.value.message("en")


def changed(**columns: pl.Expr) -> pl.DataFrame:
    return predicted_table().with_columns(**columns)


def test_labels_whose_drawing_is_unknown_are_refused() -> None:
    message = refused(equal_prob=False)
    assert message.startswith("nothing says how the labelled rows were drawn; give the folder of")


@pytest.mark.parametrize("value", [0.0, -0.1, 1.5, None])
def test_probabilities_outside_0_to_1_are_refused(value: float | None) -> None:
    labelled = pl.col("pos").is_not_null()
    chance = pl.when(labelled & (pl.col("x") > 0)).then(value).otherwise(0.3)
    message = refused(frame=changed(chance=chance.cast(pl.Float64)), sample_prob="chance")
    assert message.startswith(f"the probability of being labelled is {value}, in row ")
    assert "of column 'chance'" in message


def test_rows_that_could_not_be_drawn_are_refused() -> None:
    chance = pl.when(pl.col("pos").is_null() & (pl.col("x") > 1)).then(0.0).otherwise(0.3)
    message = refused(frame=changed(chance=chance), sample_prob="chance")
    assert "the probability of being labelled is 0.0" in message


def test_a_stratum_without_labels_is_refused() -> None:
    frame = changed(pos=pl.when(pl.col("group") != "c").then(pl.col("pos")))
    message = refused(frame=frame, stratum="group", equal_prob=False)
    assert message.startswith("1 of 3 strata have no labelled row")


def test_a_table_without_labels_is_refused() -> None:
    frame = changed(pos=pl.lit(None, pl.Float64))
    assert refused(frame=frame).startswith("no row is labelled; label a random sample")


def test_fewer_than_ten_labels_are_refused() -> None:
    frame = predicted_table(labelled=9)
    message = refused("score ~ x", frame, predicted_var="score", prediction="predicted_score")
    assert message.startswith("only 9 rows are labelled; label at least 10")


def test_a_regression_on_fewer_than_ten_labels_of_a_class_is_refused() -> None:
    frame = changed(
        pos=pl.when(pl.col("pos") == 1)
        .then(pl.when((pl.col("pos") == 1).cum_sum() <= 6).then(1.0).otherwise(0.0))
        .otherwise(pl.col("pos"))
    )
    assert refused(frame=frame).startswith("only 6 labelled rows have pos = 1; label more rows")
    shares = estimate(
        "pos ~ 1", frame, predicted_var="pos", prediction="probability_pos", equal_prob=True
    )
    assert shares.terms[0].method == "mover"


def test_a_regression_on_fewer_than_ten_labelled_clusters_is_refused() -> None:
    frame = predicted_table().with_columns(part=pl.int_range(pl.len()) % 9)
    message = refused(frame=frame, cluster="part")
    assert message.startswith("the labelled rows are of only 9 clusters; label rows of at least 10")


def test_terms_that_cannot_be_told_apart_are_refused() -> None:
    message = refused("pos ~ x + I(2 * x)")
    assert message.startswith("the terms of the formula cannot be told apart: their moments are")


@pytest.mark.parametrize("formula", ["pos ~ 0 + C(group)", "pos ~ x + C(group)"])
def test_groups_without_a_label_are_refused(formula: str) -> None:
    frame = changed(pos=pl.when(pl.col("group") != "c").then(pl.col("pos")))
    message = refused(formula, frame)
    assert message.startswith("no labelled row has 'C(group)[")
    assert "label rows of these groups" in message


def test_an_outcome_that_x_separates_does_not_converge() -> None:
    frame = predicted_table(labelled=600).with_columns(pos=(pl.col("x") > 0).cast(float))
    message = refused(frame=frame, model="logit")
    assert message.startswith(("the estimate does not converge", "the terms of the formula cannot"))


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("pos", "'pos' is not a formula; write it as"),
        ("pos ~ ", "is not a formula"),
        ("pos ~ x |", "is not a formula"),
        ("pos ~ x ~ group", "is not a formula"),
        ("pos ~ xx", "'xx', in the formula 'pos ~ xx', is not a column of the table; did you mean"),
        ("pos ~ factor(group)", "write categories as C(column)"),
        ("pos ~ (x", "the formula 'pos ~ (x' cannot be used: "),
        ("pos ~ x | groop", "the table has no column 'groop'; its columns are: id, author"),
        ("pos ~ 0", "the formula has no terms to estimate"),
        ("score ~ x", "the formula 'score ~ x' does not name the predicted variable 'pos'"),
        ("x ~ C(pos)", "'pos' is predicted, and cannot be a category of the formula"),
        ("group ~ pos", "the outcome 'group' is not one number per row; in the formula"),
        ("pos ~ np.log(x)", "'np.log(x)' is not a finite number in every row"),
    ],
)
def test_formulas_that_cannot_be_used_are_refused(formula: str, words: str) -> None:
    assert words in refused(formula)


def test_missing_values_are_refused_with_their_number() -> None:
    frame = changed(x=pl.when(pl.int_range(pl.len()) >= 597).then(None).otherwise(pl.col("x")))
    message = refused(frame=frame)
    assert message.startswith(
        "column 'x' has no value in 3 of 600 rows, the first of them row 598; leave out"
    )


def test_predictions_that_are_missing_or_no_numbers_are_refused() -> None:
    gaps = changed(probability_pos=pl.when(pl.col("x") < 0).then(pl.col("probability_pos")))
    assert "column 'probability_pos' has no value in " in refused(frame=gaps)
    words = changed(probability_pos=pl.lit("often"))
    assert "column 'probability_pos' holds 'often', which is not a number" in refused(frame=words)


def test_probabilities_of_a_binary_variable_must_be_probabilities() -> None:
    message = refused(prediction="predicted_score")
    assert message.startswith("the labels of 'pos' are 0 and 1, but column 'predicted_score' holds")


def test_labels_that_are_texts_need_the_probability_of_one_of_them() -> None:
    words = changed(
        pos=pl.col("pos").replace_strict({0.0: "bad", 1.0: "good"}, return_dtype=pl.String)
    )
    message = refused(frame=words)
    assert message.startswith("the labels of 'pos' are texts: 'bad', 'good'; name the column of")


def test_rows_called_labelled_without_a_label_are_refused() -> None:
    message = refused(frame=changed(coded=pl.lit(1)), labeled="coded")
    assert message.startswith("column 'coded' calls 400 rows labelled that have no label")


def test_each_predicted_variable_needs_its_predictions() -> None:
    message = refused(predicted_var=["pos", "score"])
    assert message.startswith("there are 2 predicted variables and 1 columns of predictions")


def test_outcomes_that_a_model_does_not_allow_are_refused() -> None:
    options = {"predicted_var": "score", "prediction": "predicted_score"}
    for model in ("logit", "poisson"):
        message = refused("score ~ x", model=model, **options)
        assert f"which the model {model} does not allow" in message


def test_predictions_that_a_model_does_not_allow_are_named() -> None:
    options = {"predicted_var": "count", "prediction": "predicted_count", "model": "poisson"}
    low = predicted_table().filter(pl.col("count").is_null(), pl.col("predicted_count") < 0)
    message = refused("count ~ x", **options)
    assert len(low) > 0
    assert "the predictions 'predicted_count' of 'count' are not allowed by the model" in message
    assert f"in {len(low)} rows: " in message
    assert "write 0 for smaller ones" in message


def test_unknown_models_and_tables_are_refused() -> None:
    assert refused(model="probit").startswith("there is no model 'probit'; choose one of lm")
    assert refused(frame=[1, 2]).startswith("the table is of type list, not a data frame")


def test_fixed_effects_of_a_logit_are_limited() -> None:
    frame = predicted_table().with_columns(row=pl.int_range(pl.len()))
    message = refused("pos ~ x | row", frame, model="logit")
    assert message.startswith("column 'row' has 600 groups; models other than lm")


def test_more_labels_than_there_are_rows_are_refused() -> None:
    found = estimate(
        "pos ~ x",
        predicted_table(),
        predicted_var="pos",
        prediction="probability_pos",
        equal_prob=True,
    )
    with pytest.raises(DataError, match="401 more labels cannot be had; at most 400 are left"):
        found.power(401)


def test_predictions_that_know_the_labels_hide_their_errors() -> None:
    """Labelled rows that trained the network: why ``duree estimate`` refuses them."""
    generator = np.random.default_rng(0)
    covered = 0
    for seed in range(60):
        frame = predicted_table(1500, 300, seed=seed)
        biased = frame["true_score"] + 0.5 * frame["x"] + 0.5 * generator.normal(size=1500)
        learnt = pl.coalesce("score", biased.alias("biased"))
        term = estimate(
            "score ~ x",
            frame.with_columns(predicted_score=learnt),
            predicted_var="score",
            prediction="predicted_score",
            equal_prob=True,
            splits=2,
        ).terms[1]
        covered += term.low <= 0.5 <= term.high
    assert covered / 60 < 0.1
