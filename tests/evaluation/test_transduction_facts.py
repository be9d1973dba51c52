"""What the report says about the errors of predicted sequences."""

import numpy as np
import pytest

from duree.evaluation.transduction_facts import describe_transduction
from duree.evaluation.transduction_metrics import statistics


def describe(rows, known=(), probabilities=None, **kind):
    """The facts on rows of (source, predicted, actual)."""
    sources, predicted, actual = (list(column) for column in zip(*rows, strict=True))
    marks = np.array([source in known for source in sources])
    chances = np.full(len(rows), np.nan) if probabilities is None else np.array(probabilities)
    sums = statistics(predicted, actual, marks, **kind)
    return describe_transduction(sources, sources, predicted, actual, marks, chances, sums, **kind)


def kinds_of(rows, **kind):
    return {one.kind: one.rows for one in describe(rows, **kind).kinds}


@pytest.mark.parametrize(
    ("source", "predicted", "actual", "kind"),
    [
        ("vnd", "", "und", "empty"),
        ("vnd", "vnd", "und", "copy"),
        ("vnd", "undundundund", "und", "repetition"),
        ("vnd", "undddd", "und", "repetition"),
        ("vnd", "un", "und", "omission"),
        ("vnd", "undt", "und", "insertion"),
        ("vnd", "unt", "und", "substitution"),
        ("vnd", "ont", "unde", "several"),
        # What the target repeats itself, and three letters, are no endless repetition.
        ("haha", "hahahahaa", "hahahaha", "insertion"),
        ("schiffart", "schifffahrt", "schiffahrt", "insertion"),
    ],
)
def test_each_wrong_row_has_one_kind_of_error(source, predicted, actual, kind):
    assert kinds_of([(source, predicted, actual), ("a", "a", "a")]) == {kind: 1}


def test_the_surest_errors_of_a_kind_are_its_examples():
    rows = [(f"{n}x", f"{n}y", f"{n}z") for n in range(8)]
    found = describe(rows, probabilities=[0.1, 0.9, 0.3, 0.2, 0.8, np.nan, 0.5, 0.4])
    assert [one.row for one in found.kinds[0].examples] == [1, 4, 6, 7, 2]
    assert found.kinds[0].rows == 8


def test_neighbouring_edits_are_one_confusion():
    rows = [("thun", "thun", "tun"), ("theil", "theil", "teil"), ("vß", "vs", "uß")]
    found = describe([(f"{source}-", *others) for source, *others in rows])
    assert [(one.actual, one.predicted, one.count) for one in found.confusions] == [
        ("", "h", 2),
        ("uß", "vs", 1),
    ]
    assert found.confusions[0].share == pytest.approx(2 / 3)
    assert found.confusions[0].example.actual == "tun"


def test_empty_and_endless_outputs_are_no_confusions():
    assert describe([("a", "", "abc"), ("b", "abcabcabcabc", "abc")]).confusions == []


def test_sounds_and_words_are_units_of_errors():
    sounds = describe([("chat", "t͡ʃ a", "ʃ a")], symbols=True)
    assert (sounds.unit, sounds.confusions[0].actual, sounds.confusions[0].predicted) == (
        *("symbol", "ʃ", "t͡ʃ"),
    )
    words = describe([("a", "the big cat", "the cat")], sentences=True)
    assert (words.unit, words.confusions[0].predicted) == ("word", "big")


def test_figures_are_given_for_known_and_unknown_sources():
    found = describe([("a", "x", "x"), ("b", "y", "x"), ("c", "x", "x")], known=["a", "b"])
    assert (found.known.rows, found.known.figures["exact"]) == (2, 0.5)
    assert (found.unknown.rows, found.unknown.figures["exact"]) == (1, 1)
    assert "exact_known" not in found.known.figures


def test_without_known_sources_their_group_is_empty():
    found = describe([("a", "x", "x")])
    assert (found.known.rows, found.known.figures) == (0, {})


def test_lengths_are_grouped_into_ranges_that_hold_all_rows():
    rows = [("s", "a" * (n % 9), "a" * (1 + n % 9)) for n in range(90)]
    found = describe(rows).lengths
    assert [(one.low, one.high) for one in found] == [(1, 2), (3, 4), (5, 6), (7, 8), (9, 9)]
    assert sum(one.rows for one in found) == 90
    assert found[0].figures["cer"] > found[-1].figures["cer"]


def test_few_rows_are_one_group():
    assert len(describe([("a", "x", "x"), ("b", "y", "yyyy")]).lengths) == 1


def test_a_source_with_several_targets_sets_a_ceiling():
    rows = [("das", "das", "das")] * 3 + [("das", "das", "dass")] + [("in", "in", "in")] * 4
    found = describe(rows)
    assert (found.ambiguous_rows, found.ambiguous_sources) == (4, 1)
    assert found.ceiling == pytest.approx(7 / 8)
    assert found.ambiguous[0].targets == {"das": 3, "dass": 1}


def test_a_run_without_errors_has_no_kinds_of_them():
    found = describe([("a", "b", "b")])
    assert (found.wrong, found.kinds, found.confusions) == (0, [], [])
