"""Duplicates: repeated texts are found, nothing else is claimed, and time stays linear."""

import time
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duree.tables.checks.duplicates import find_duplicates

# Stated again, so that a change of either is noticed.
RESEMBLANCE, MIN_UNITS = 0.8, 5

REVIEW = (
    "This movie has beautiful scenery. Unfortunately it has no plot. In order to have a plot there "
    "must be a conflict, and here nobody wants anything that anybody else would keep from them."
)
HOTEL = (
    "商务大床房，房间很大，床有2M宽，整体感觉经济实惠不错，早餐品种也比较丰富，下次还会再来入住。"
)


def near(*texts: str | None) -> list[int]:
    return find_duplicates(pl.Series("text", texts, dtype=pl.String)).near.tolist()


def exact(*texts: str | None) -> list[int]:
    return find_duplicates(pl.Series("text", texts, dtype=pl.String)).exact.tolist()


def shingles(text: str) -> set[tuple[str, ...]]:
    """The oracle's own shingles of a text in words."""
    words = text.lower().split()
    return set(zip(words, words[1:], words[2:], strict=False))


def resemblance(one: str, other: str) -> float:
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b)


def test_texts_that_differ_only_in_white_space_are_exact_duplicates():
    assert exact("a  cold\tday", "a cold day ", "a cold day", "a cold days") == [0, 0, 0, 3]


def test_case_and_punctuation_make_a_near_duplicate_not_an_exact_one():
    shouted = REVIEW.upper().replace(".", " !!!")
    assert exact(REVIEW, shouted) == [0, 1]
    assert near(REVIEW, shouted) == [0, 0]


def test_break_tags_do_not_hide_a_near_duplicate():
    assert near(REVIEW, REVIEW.replace(". ", ".<br /><br />")) == [0, 0]


def test_a_corrected_typing_error_leaves_a_near_duplicate():
    assert near(
        REVIEW, "something else entirely, at some length", REVIEW.replace("plot", "plott", 1)
    ) == [0, 1, 0]


def test_a_half_rewritten_text_is_no_near_duplicate():
    half = REVIEW[: len(REVIEW) // 2] + " while I for one have seldom laughed so much in a cinema."
    assert near(REVIEW, half) == [0, 1]


def test_a_chinese_text_is_compared_character_by_character():
    assert near(HOTEL, HOTEL.replace("下次", "以后"), "房间很小，隔音太差，晚上根本睡不着。") == [
        0,
        0,
        2,
    ]


def test_a_chinese_text_that_shares_a_sentence_is_no_duplicate():
    assert near(HOTEL, HOTEL[:20] + "可是前台态度恶劣，退房等了一个小时。") == [0, 1]


@pytest.mark.parametrize("empty", [None, "", "   ", "\n\t"])
def test_empty_and_missing_texts_are_duplicates_of_nothing(empty):
    assert exact(empty, "a", empty, "a") == [0, 1, 2, 1]
    assert near(empty, "a", empty, "a") == [0, 1, 2, 1]


def test_short_texts_are_duplicates_only_when_identical():
    assert near("yes", "Yes", "yes", "no comment", "No comment!") == [0, 1, 0, 3, 4]
    assert near("no comment from me", "No comment from me!") == [0, 1]
    assert near("no comment from me yet", "No comment from me yet!") == [0, 0]


def test_marks_without_words_are_duplicates_only_when_identical():
    assert near("!!! ???", "...", "!!! ???") == [0, 1, 0]


def test_an_empty_column_has_no_duplicates():
    assert near() == []
    assert near(None) == [0]
    assert find_duplicates(pl.Series("text", [None, None])).near.tolist() == [0, 1]


def test_a_chain_of_small_changes_is_one_cluster_named_by_its_first_row():
    words = REVIEW.split()
    chain = [" ".join(words[:cut]) for cut in range(20, len(words))]
    assert resemblance(chain[0], chain[-1]) < RESEMBLANCE
    assert near("first of all, something quite different", *chain) == [0] + [1] * len(chain)


def test_only_texts_of_the_stated_resemblance_are_claimed():
    words = [f"w{number}" for number in range(100)]
    for changed in range(1, 12):
        other = words.copy()
        for place in range(changed):
            other[place * 9] = "x"
        one, two = " ".join(words), " ".join(other)
        expected = [0, 0] if resemblance(one, two) >= RESEMBLANCE else [0, 1]
        assert near(one, two) == expected, changed


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_clusters_are_those_that_brute_force_joins(data):
    vocabulary = data.draw(st.sampled_from([3, 8, 40]))
    text = st.lists(st.integers(0, vocabulary), min_size=1, max_size=14)
    drawn = data.draw(st.lists(text, min_size=1, max_size=12))
    texts = [" ".join(f"w{word}" for word in words) for words in drawn]
    parent = list(range(len(texts)))
    for one, other in combinations(range(len(texts)), 2):
        is_long = min(len(drawn[one]), len(drawn[other])) >= MIN_UNITS
        alike = is_long and resemblance(texts[one], texts[other]) >= RESEMBLANCE
        if alike or texts[one] == texts[other]:
            low, high = sorted((parent[one], parent[other]))
            parent = [low if mark == high else mark for mark in parent]
    assert near(*texts) == parent


def test_the_order_of_the_rows_does_not_change_the_clusters():
    rng = np.random.default_rng(3)
    texts = pl.Series("text", corpus(rng, 300))
    order = rng.permutation(len(texts))
    straight, shuffled = find_duplicates(texts).near, find_duplicates(texts.gather(order)).near
    together = straight[order][:, None] == straight[order][None, :]
    assert np.array_equal(together, shuffled[:, None] == shuffled[None, :])


def test_nearly_all_true_pairs_of_a_corpus_are_found():
    texts = corpus(np.random.default_rng(5), 900)
    sets = [shingles(text) for text in texts]
    true = [
        (one, other)
        for one, other in combinations(range(len(texts)), 2)
        if len(sets[one] & sets[other]) >= RESEMBLANCE * len(sets[one] | sets[other])
    ]
    clusters = near(*texts)
    found = sum(clusters[one] == clusters[other] for one, other in true)
    assert len(true) > 150
    assert found >= 0.995 * len(true)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_gives_the_same_clusters(seed):
    texts = pl.Series("text", corpus(np.random.default_rng(seed), 100))
    once, twice = (find_duplicates(texts, seed=seed) for _ in range(2))
    assert np.array_equal(once.near, twice.near)


def test_a_hundred_thousand_copies_are_one_cluster_in_seconds():
    begin = time.process_time()
    clusters = find_duplicates(pl.Series("text", [REVIEW] * 100_000))
    assert not clusters.exact.any()
    assert not clusters.near.any()
    assert time.process_time() - begin < 20  # of two threads: 10 s


def test_many_texts_that_differ_in_one_number_are_clustered_in_linear_time():
    letters = pl.Series("text", [f"{REVIEW} Signed, number {number}." for number in range(5_000)])
    begin = time.process_time()
    clusters = find_duplicates(letters)
    assert np.array_equal(clusters.exact, np.arange(5_000))
    assert not clusters.near.any()
    assert time.process_time() - begin < 20  # of two threads: 10 s


def test_a_text_of_a_megabyte_is_compared_like_any_other():
    long = " ".join(f"word{number % 40_000}" for number in range(120_000))
    assert near(long, "short and sweet and something else", long + " indeed") == [0, 1, 0]


def corpus(rng: np.random.Generator, count: int) -> list[str]:
    """Texts of 10 to 80 words, a third of them an edited copy of one before."""
    texts: list[list[str]] = []
    for number in range(count):
        if number % 3 == 2:
            text = texts[rng.integers(len(texts))].copy()
            for place in rng.integers(len(text), size=rng.integers(1, 4)):
                text[place] = f"edit{rng.integers(1000)}"
        else:
            text = [f"w{word}" for word in rng.integers(2000, size=rng.integers(10, 80))]
        texts.append(text)
    return [" ".join(text) for text in texts]
