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
    message = refused(
        frame=changed(chance=chance.cast(pl.Float64)), sample_prob="chance", equal_prob=False
    )
    assert message.startswith(f"the probability of being labelled is {value}, in row ")
    assert "of column 'chance'" in message


def test_percentages_and_decimal_commas_are_explained() -> None:
    options = {"sample_prob": "chance", "equal_prob": False}
    message = refused(frame=changed(chance=pl.lit(20)), **options)
    assert "write probabilities, not percentages: 20 % is 0.2" in message
    message = refused(frame=changed(chance=pl.lit("0,2")), **options)
    assert "write probabilities with a decimal point: 0,2 is 0.2" in message


def test_rows_that_could_not_be_drawn_are_refused() -> None:
    chance = pl.when(pl.col("pos").is_null() & (pl.col("x") > 1)).then(0.0).otherwise(0.3)
    message = refused(frame=changed(chance=chance), sample_prob="chance", equal_prob=False)
    assert "the probability of being labelled is 0.0" in message


def test_chances_that_are_given_and_said_to_be_equal_are_refused() -> None:
    message = refused(frame=changed(chance=pl.lit(0.3)), sample_prob="chance", equal_prob=True)
    assert message.startswith("the chance of being labelled is given twice: by column 'chance' and")


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
    frame = predicted_table().with_columns(
        part=pl.when(pl.col("pos").is_null()).then(pl.int_range(pl.len()) % 20).otherwise(
            pl.int_range(pl.len()) % 9
        )
    )  # fmt: skip
    message = refused(frame=frame, cluster="part")
    assert message.startswith("the labelled rows are of only 9 clusters; label rows of at least 10")


def test_clusters_that_the_table_does_not_have_are_not_asked_for() -> None:
    message = refused(frame=predicted_table(), cluster="group")
    assert message.startswith("the table has only 3 clusters: standard errors by cluster need at")
    assert "label rows" not in message
    shares = estimate("pos ~ 0 + group", predicted_table(), predicted_var="pos",
                      prediction="probability_pos", equal_prob=True, cluster="group")  # fmt: skip
    for note in shares.record.notes:
        assert "label" not in note.fix


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("pos ~ x + one", "'one' is 0.1 in every row: a constant has no effect that can"),
        ("pos ~ x + one | group", "'one' is 0.1 in every row: a constant has no effect that can"),
        ("pos ~ x + I(2 * x)", "'I(2 * x)' is a combination of 'x': their effects cannot be told"),
        ("pos ~ x + late + total", "'total' is a combination of 'x', 'late': their effects"),
        ("pos ~ C(group) + level", "'level' is a combination of 'Intercept', 'C(group)[T.b]', 'C("),
        ("pos ~ x | id", "each value of 'id' has one row: its fixed effects leave nothing"),
        ("pos ~ x + level | group", "the fixed effects of 'group' explain 'level' in every row"),
    ],
)
def test_terms_that_cannot_be_told_apart_are_named(formula: str, words: str) -> None:
    level = pl.col("group").replace_strict({"a": 0.1, "b": 0.7, "c": 0.8}, return_dtype=pl.Float64)
    frame = changed(one=pl.lit(0.1), level=level, late=pl.int_range(pl.len()) % 7)
    frame = frame.with_columns(total=pl.col("x") - 3 * pl.col("late"))
    assert refused(formula, frame).startswith(words)


def test_fixed_effects_of_a_logit_may_explain_a_term_too() -> None:
    level = pl.col("group").replace_strict({"a": 0.1, "b": 0.7, "c": 0.8}, return_dtype=pl.Float64)
    message = refused("pos ~ x + level | group", changed(level=level), model="logit")
    assert message.startswith("the fixed effects of 'group' explain 'level'")


@pytest.mark.parametrize("sign", [1, -1])
def test_a_term_that_separates_the_outcome_of_a_logit_is_named(sign: int) -> None:
    sure = sign * ((pl.col("true_pos") == 1) & (pl.col("x") > -0.5)).cast(pl.Int64)
    message = refused("pos ~ x + sure", changed(sure=sure), model="logit")
    assert message.startswith("'sure' separates pos = 1 from pos = 0 in the labelled rows")
    assert "use --model lm" in message


@pytest.mark.parametrize("formula", ["pos ~ 0 + C(group)", "pos ~ x + C(group)"])
def test_groups_without_a_label_are_refused(formula: str) -> None:
    frame = changed(pos=pl.when(pl.col("group") != "c").then(pl.col("pos")))
    message = refused(formula, frame)
    assert message.startswith("no labelled row has 'C(group)[")
    assert "label rows of these groups" in message


def test_an_outcome_that_x_separates_does_not_converge() -> None:
    frame = predicted_table(labelled=600).with_columns(pos=(pl.col("x") > 0).cast(float))
    message = refused(frame=frame, model="logit")
    assert message.startswith("'x' separates pos = 1 from pos = 0 in the labelled rows")


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("pos", "'pos' is not a formula; write it as"),
        ("pos ~ ", "is not a formula"),
        ("pos ~ x |", "is not a formula"),
        ("pos ~ x ~ group", "is not a formula"),
        ("pos ~ xx", "'xx', in the formula 'pos ~ xx', is not a column of the table; did you mean"),
        ("pos ~ factor(group)", "write categories as C(column)"),
        ("pos ~ (x", "the formula 'pos ~ (x' cannot be read: brackets or quotation marks are not"),
        ("pos ~ x + C(group", "quotation marks are not balanced in 'C(group'; close what is"),
        ("pos ~ x)", "quotation marks are not balanced in 'x)'"),
        ("pos ~ I(x + `group)", "quotation marks are not balanced in 'I(x + `group)'"),
        ("pos ~ x *", "nothing stands beside '*' in 'x *'; write a term on each side"),
        ("pos ~ : x", "nothing stands beside ':' in ': x'"),
        ("pos + ~ x", "nothing stands beside '+' in 'pos +'"),
        ("pos ~ (x + ) * group", "nothing stands beside '+' in 'x +'"),
        ("pos ~ x + group x", "cannot be read: 'group x' is not understood; join terms by +"),
        ("pos ~ x + I(x / )", "cannot be read: 'I(x / )' is not understood"),
        ("pos ~ x + np.log(group)", "cannot be used: 'np.log(group)' cannot be computed from the"),
        ("pos ~ np.nolog(x) + x", "'np.nolog(x)' cannot be computed from the table; check the"),
        ("pos ~ x + C(group, 3)", "'C(group, 3)' cannot be computed from the table"),
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


def test_a_formula_that_cannot_be_read_is_refused_in_chinese_too() -> None:
    with pytest.raises(DataError) as found:
        estimate("pos ~ x *", predicted_table(), predicted_var="pos", prediction="probability_pos",
                 equal_prob=True)  # fmt: skip
    assert found.value.message("zh") == (
        "无法读取公式 'pos ~ x *'：'x *' 中 '*' 的一侧缺少项；请在两侧各写一项，或去掉该符号"
    )


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


@pytest.mark.parametrize("typo", ["2", "on"])
def test_a_few_labels_that_are_neither_0_nor_1_are_refused(typo: str) -> None:
    written = pl.col("pos").cast(pl.Int64).cast(pl.String)
    first = (pl.col("pos").is_not_null()).cum_sum() == 1
    frame = changed(
        pos=pl.when(first & pl.col("pos").is_not_null()).then(pl.lit(typo)).otherwise(written)
    )
    message = refused(frame=frame)
    assert message.startswith(f"1 labels of 'pos' are neither 0 nor 1: '{typo}', in row ")


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (pl.col("probability_pos") - 0.5, "the standard deviation of 'probability_pos' is 0."),
        (pl.col("x") - 0.8, "the mean of 'probability_pos' is 0."),
    ],
)
def test_rows_picked_for_training_do_not_look_like_a_random_sample(
    order: pl.Expr, words: str
) -> None:
    picked = pl.when(order.abs().rank("ordinal") <= 100).then(pl.col("true_pos"))
    frame = changed(pos=picked)
    notes = [
        note.message for chosen in (frame, predicted_table())
        for note in estimate("pos ~ x", chosen, predicted_var="pos", prediction="probability_pos",
                             equal_prob=True).record.notes
    ]  # fmt: skip
    assert len(notes) == 1
    assert notes[0].startswith(f"the labelled rows do not look like a random sample: {words}")


def test_whole_clusters_may_differ_from_all_rows_by_more() -> None:
    frame = predicted_table().sort("probability_pos").with_columns(
        part=pl.int_range(pl.len()) // 12
    ).with_columns(pos=pl.when(pl.col("part") % 5 == 0).then(pl.col("true_pos")))  # fmt: skip
    found = estimate("pos ~ x", frame, predicted_var="pos", prediction="probability_pos",
                     equal_prob=True, cluster="part")  # fmt: skip
    assert "not_random" not in {note.check for note in found.record.notes}


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
