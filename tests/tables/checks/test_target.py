"""The target: quantities distinguished from classes, labels cleaned, useless targets refused."""

import numpy as np
import polars as pl
import pytest

from duree.tables.checks.target import MOST_CLASSES, check_target, clean_labels, is_quantity


def findings(labels, test_rows=None):
    target = pl.Series("tone", labels, dtype=pl.String)
    found = check_target(target, is_quantity(target), test_rows)
    return {finding.check: finding for finding in found}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([str(number) for number in range(21)], True),
        ([str(number) for number in range(20)], False),
        ([f" {number / 8} " for number in range(30)], True),
        ([*map(str, range(30)), None], True),
        ([*map(str, range(30)), "thirty"], False),
        (["pos", "neg"] * 20, False),
        ([None, None], False),
    ],
)
def test_more_than_twenty_different_numbers_are_a_quantity(values, expected):
    assert is_quantity(pl.Series("tone", values, dtype=pl.String)) is expected


def test_numbers_in_a_numeric_column_are_a_quantity_too():
    assert is_quantity(pl.Series("tone", np.arange(30)))
    assert not is_quantity(pl.Series("tone", [True, False] * 20))


def test_white_space_around_labels_is_trimmed_and_reported():
    labels, found = clean_labels(pl.Series("tone", [" pos", "pos", "neg\t", "\ufeffneg", None]))
    assert labels.to_list() == ["pos", "pos", "neg", "neg", None]
    assert [finding.check for finding in found] == ["trimmed_labels"]
    assert found[0].rows == (0, 2, 3)
    assert found[0].level == "warning"


def test_clean_labels_are_left_as_they_are():
    before = pl.Series("tone", ["pos", "very neg", "Müller"])
    labels, found = clean_labels(before)
    assert labels.equals(before)
    assert found == []


@pytest.mark.parametrize(
    ("names", "alike"),
    [
        (["1", "TRUE", "true", "0"], "'1', 'TRUE', 'true'"),
        (["Pos", "pos", "neg"], "'Pos', 'pos'"),
        (["1", "1.0", "2"], "'1', '1.0'"),
        (["well  done", "well done"], "'well  done', 'well done'"),
        (["１", "1"], "'1', '１'"),
        (["ＯＫ", "OK"], "'OK', 'ＯＫ'"),
    ],
)
def test_labels_that_may_mean_the_same_are_reported_and_not_merged(names, alike):
    labels, found = clean_labels(pl.Series("tone", names))
    assert labels.to_list() == names
    assert [finding.values["labels"] for finding in found] == [alike]
    assert found[0].message("en") == (
        f"the labels {alike} in 'tone' may mean the same, but count as different classes; "
        "if they do, write them the same way"
    )


def test_labels_that_look_alike_by_chance_are_not_reported():
    assert clean_labels(pl.Series("tone", ["nan", "inf", "1", "10", "one", "-1"]))[1] == []


def test_the_balance_of_the_classes_is_reported():
    found = findings(["pos"] * 60 + ["neg"] * 40)
    assert list(found) == ["class_balance"]
    assert found["class_balance"].level == "ok"
    assert found["class_balance"].values["listed"] == "'pos' 60, 'neg' 40"


def test_labels_are_counted_as_they_will_be_trimmed():
    found = findings(["pos", " pos"] * 30 + ["neg"] * 40)
    assert found["class_balance"].values["listed"] == "'pos' 60, 'neg' 40"


def test_a_class_of_nine_tenths_is_a_warning():
    found = findings(["no"] * 95 + ["yes"] * 5 + ["yes"])
    assert found["lopsided_classes"].level == "warning"
    assert "94% of the rows are 'no'" in found["lopsided_classes"].message("en")
    assert "lopsided_classes" not in findings(["no"] * 90 + ["yes"] * 10)


@pytest.mark.parametrize(
    ("labels", "check", "words"),
    [
        (["pos"] * 50, "one_class", "only one class, 'pos'"),
        (["pos"] * 50 + [None, " "], "one_class", "only one class, 'pos'"),
        (["a"] * 50 + ["b"] * 50 + ["c"] * 5, "rare_classes", "too few rows of 'c'"),
        ([f"name {n}" for n in range(MOST_CLASSES + 1)] * 6, "many_classes", "1001 classes"),
        ([*map(str, range(50)), "inf"], "target_not_finite", "numbers: 1;"),
        (["1", "2"] * 20 + ["NaN"], "target_not_finite", "numbers: 1;"),
        ([*map(str, range(50)), "1e400", "-inf", "nan"], "target_not_finite", "numbers: 3;"),
    ],
)
def test_a_target_that_cannot_be_learned_is_an_error(labels, check, words):
    found = findings(labels)
    assert found[check].level == "error"
    assert words in found[check].message("en")


def test_a_quantity_is_described_with_its_range():
    found = findings([str(number / 2) for number in range(101)])
    assert found["target_range"].message("en") == (
        "'tone' holds numbers from 0 to 50, with median 25"
    )


def test_the_sides_of_a_given_split_are_compared():
    labels = ["a", "b"] * 20 + ["c"] * 3 + ["a"] * 5 + ["d"]
    found = findings(labels, np.arange(len(labels)) >= 43)
    assert found["unseen_class"].level == "error"
    assert "'d'" in found["unseen_class"].message("en")
    assert found["untested_class"].level == "warning"
    assert found["untested_class"].values["classes"] == "'b', 'c'"
    assert found["rare_classes"].values["classes"] == "'c'"
    assert found["rare_classes"].values["needed"] == 4


def found_in(labels: list[str]) -> dict[str, str]:
    """The levels of the findings on a target that is no quantity, by check."""
    findings = check_target(pl.Series("score", labels), False, None)
    return {finding.check: finding.level for finding in findings}


def test_many_numbers_with_a_decimal_comma_are_named_as_such() -> None:
    labels = [f"{n % 9},{n:02}" for n in range(60)] + ["3"] * 5
    assert found_in(labels) == {"decimal_comma": "error"}
    assert found_in(["4,5", "5,0"] * 20).get("decimal_comma") == "warning"
    assert "decimal_comma" not in found_in(["a,1", "b,2"] * 20)


@pytest.mark.parametrize("cell", ["['a', {}]", '["{}"]', "{{'x{}'}}", 'c("a", "{}")', "('b', {})"])
def test_lists_in_cells_are_named_as_such(cell: str) -> None:
    assert found_in([cell.format(n) for n in range(60)]) == {"list_labels": "error"}
    assert found_in([cell.format(n % 2) for n in range(60)]).get("list_labels") == "warning"
    assert "list_labels" not in found_in(["(low)", "[", "high"] * 20)


def test_labels_joined_in_a_cell_are_named_where_they_are_too_rare_as_classes() -> None:
    labels = [f"war; topic{n}" for n in range(60)] + ["war"] * 20
    assert found_in(labels) == {"joined_labels": "error"}
    assert "joined_labels" not in found_in(["war; trade", "law; order"] * 20)


@pytest.mark.parametrize(
    ("labels", "read"),
    [
        (["1.0", "0.0", None, " 2.0"], ["1", "0", None, "2"]),
        (["1.0", "1", "0.0"], ["1.0", "1", "0.0"]),
        (["1.0", "0.5"], ["1.0", "0.5"]),
        (["-1.0", ""], ["-1", ""]),
    ],
)
def test_labels_that_are_all_whole_floats_are_whole_numbers(
    labels: list[str | None], read: list[str | None]
) -> None:
    assert clean_labels(pl.Series("label", labels))[0].to_list() == read
