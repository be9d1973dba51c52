"""Alignment: units that go together are found from pairs alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from duree.baselines.alignment import align, most_target_units

WORDS = st.lists(st.tuples(st.text("abc", max_size=6), st.text("xyz", max_size=9)), max_size=8)


def aligned(pairs: list[tuple[str, str]]) -> list[str | None]:
    """Chunks as ``source:target``, separated by blanks."""
    sources, targets = [tuple(one) for one, _ in pairs], [tuple(other) for _, other in pairs]
    found = align(sources, targets, [1] * len(pairs))
    return [
        None if cut is None else " ".join("".join(one) + ":" + "".join(other) for one, other in cut)
        for cut in found
    ]


def test_units_that_go_together_are_found() -> None:
    pairs = [("ab", "xy"), ("ba", "yx"), ("aab", "xxy"), ("bca", "yzx"), ("cb", "zy"), ("c", "z")]
    assert aligned(pairs)[3:5] == ["b:y c:z a:x", "c:z b:y"]


def test_two_units_may_stand_for_one_and_one_for_two_or_none() -> None:
    pairs = [("shah", "xak"), ("sha", "xa"), ("ash", "ax"), ("ah", "ak"), ("has", "kas")]
    pairs += [("sah", "sak"), ("a", "a"), ("h", "k"), ("s", "s"), ("q", "kw"), ("aq", "akw")]
    pairs += [("e", ""), ("ea", "a"), ("eas", "as")]
    found = dict(zip((one for one, _ in pairs), aligned(pairs), strict=True))
    assert found["shah"] == "sh:x a:a h:k"
    assert found["aq"] == "a:a q:kw"
    assert found["e"] == "e:"


def test_frequent_pairs_count_for_more() -> None:
    sources = [("a", "b"), ("a",), ("b",), ("a",), ("b",)]
    targets = [("x", "y"), ("x",), ("y",), ("y",), ("x",)]
    straight = align(sources, targets, [1, 9, 9, 1, 1])[0]
    assert straight == ((("a",), ("x",)), (("b",), ("y",)))


@given(WORDS)
def test_chunks_put_together_are_the_pair(pairs: list[tuple[str, str]]) -> None:
    sources, targets = [tuple(one) for one, _ in pairs], [tuple(other) for _, other in pairs]
    most = most_target_units(sources, targets)
    for source, target, cut in zip(
        sources, targets, align(sources, targets, [1] * len(pairs)), strict=True
    ):
        if cut is None:
            assert not source or len(target) > most * len(source)
        else:
            assert sum((one for one, _ in cut), ()) == source
            assert sum((other for _, other in cut), ()) == target


def test_long_targets_widen_the_chunks_only_where_many_need_it() -> None:
    short, long = (("a",), ("x",)), (("a",), ("w", "x", "y", "z"))
    assert most_target_units(*zip(*[short] * 199, long, strict=True)) == 3
    assert most_target_units(*zip(*[short] * 9, long, strict=True)) == 4


def test_a_target_too_long_for_its_source_is_not_aligned() -> None:
    pairs = [("ab", "xy")] * 200 + [("a", "x" * 9), ("", "x"), ("", "")]
    assert aligned(pairs)[-3:] == [None, None, None]


def test_a_source_of_hundreds_of_units_is_aligned_without_loss_of_precision() -> None:
    pairs = [("ab" * 200, "xy" * 200), ("a", "x"), ("b", "y")]
    assert aligned(pairs)[0] == " ".join(["a:x b:y"] * 200)
