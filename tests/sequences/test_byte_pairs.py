"""Byte pairs: words as their frequent parts."""

import itertools
import pickle
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.sequences.byte_pairs import LONGEST_WORD, BytePairs, text_of, words_of

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
# The example of Sennrich et al. 2016, figure 1, without their mark for the end of a word.
WORDS = {"low": 5, "lower": 2, "newest": 6, "widest": 3}


def slow(words, most):
    """The algorithm as the paper states it: all pairs are counted again after every merge."""
    spelt, merges = {word: list(word) for word in words}, []
    while len(merges) < most:
        counts = Counter()
        for word, units in spelt.items():
            for pair in itertools.pairwise(units):
                counts[pair] += words[word]
        best = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if best is None or counts[best] < 2:
            break
        merges.append(best)
        for units in spelt.values():
            place = 0
            while place + 1 < len(units):
                if (units[place], units[place + 1]) == best:
                    units[place : place + 2] = ["".join(best)]
                place += 1
    return tuple(merges)


def test_the_most_frequent_pair_is_merged_first_and_ties_in_order_of_the_alphabet():
    learned = BytePairs.learn(WORDS, 4)
    assert learned.merges == (("e", "s"), ("es", "t"), ("l", "o"), ("lo", "w"))
    assert learned("lowest") == ("low", "est")


@given(st.dictionaries(st.text("abc", min_size=1, max_size=8), st.integers(1, 9), max_size=12))
def test_counts_that_are_kept_up_to_date_learn_the_same_merges(words):
    assert BytePairs.learn(words, 20).merges == slow(words, 20)


def test_pairs_that_occur_once_are_not_merged():
    assert BytePairs.learn({"abcd": 1}, 10).merges == ()


@given(ANY)
def test_words_joined_are_the_text(text):
    assert text_of(words_of(text)) == text


@given(ANY)
def test_units_joined_are_the_word(word):
    assert "".join(BytePairs.learn(WORDS, 9)(word)) == word


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("A man, asleep.", [" A", " man", ",", " asleep", "."]),
        ("  two\tblanks ", [" ", " ", " two", "\t", "blanks", " "]),
        ("« été »", [" «", " été", " »"]),
        # The vowel signs of Hindi are marks, and stay in their word.
        ("हिन्दी है", [" हिन्दी", " है"]),
    ],
)
def test_words_keep_the_blank_before_them(text, words):
    assert words_of(text) == words


def test_time_does_not_grow_with_the_square_of_a_word_without_end():
    words = words_of("a" * 100_000)
    assert max(map(len, words)) <= LONGEST_WORD + 1
    assert text_of(words) == "a" * 100_000


def test_merges_can_be_pickled():
    learned = BytePairs.learn(WORDS, 4)
    assert pickle.loads(pickle.dumps(learned))("lower") == learned("lower")
