"""Edit distances and alignments of integer rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.evaluation import edit_distance
from duree.evaluation.edit_distance import Step, alignments, edit_distances

ROW = st.lists(st.integers(0, 3), max_size=9)
PAIRS = st.lists(st.tuples(ROW, ROW), max_size=12)


def of_words(one, other):
    return edit_distances([list(map(ord, one))], [list(map(ord, other))])[0]


def slow(one, other):
    """The recursive definition."""
    if not one or not other:
        return len(one) + len(other)
    if one[-1] == other[-1]:
        return slow(one[:-1], other[:-1])
    return 1 + min(slow(one[:-1], other), slow(one, other[:-1]), slow(one[:-1], other[:-1]))


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("kitten", "sitting", 3),
        ("", "abc", 3),
        ("abc", "", 3),
        ("", "", 0),
        ("vnd", "und", 1),
        ("aaaaaaaaaa", "a", 9),
    ],
)
def test_known_distances(one, other, distance):
    assert of_words(one, other) == distance


@given(st.tuples(*[st.lists(st.integers(0, 2), max_size=5)] * 2))
def test_distances_are_those_of_the_definition(pair):
    assert edit_distances([pair[0]], [pair[1]]).tolist() == [slow(*pair)]


@given(PAIRS)
def test_a_distance_does_not_depend_on_the_other_rows(pairs):
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    alone = [edit_distances([a], [b])[0] for a, b in pairs]
    assert edit_distances(one, other).tolist() == alone


def test_many_rows_are_measured_in_batches(monkeypatch):
    one, other = [[1] * (row % 7) for row in range(50)], [[1, 2] * (row % 3) for row in range(50)]
    expected = edit_distances(one, other).tolist()
    monkeypatch.setattr(edit_distance, "CELLS", 60)
    assert edit_distances(one, other).tolist() == expected


@given(PAIRS)
def test_alignments_hold_both_rows_and_as_many_edits_as_the_distance(pairs):
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    for path, a, b, edits in zip(
        alignments(one, other), one, other, edit_distances(one, other), strict=True
    ):
        assert [step.one for step in path if step.one >= 0] == a
        assert [step.other for step in path if step.other >= 0] == b
        assert sum(step.one != step.other for step in path) == edits


def test_a_substitution_is_aligned_as_one_step():
    assert alignments([[1, 2, 3]], [[1, 4, 3, 5]]) == [
        [Step(1, 1), Step(2, 4), Step(3, 3), Step(-1, 5)]
    ]
