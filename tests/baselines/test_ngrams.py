"""Counts of units and pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from duree.baselines import ngrams
from duree.baselines.ngrams import Ngrams

TEXTS = st.lists(st.lists(st.sampled_from("abcd"), max_size=6).map(" ".join), max_size=12)


def names(grams):
    """What each feature is, as text."""
    unit_of = {number: unit for unit, number in grams.numbers.items()}
    parts = [(key >> 32, key & (2**32 - 1)) for key in grams.features["key"].to_list()]
    return [" ".join(unit_of[part] for part in pair if part) for pair in parts]


def test_units_and_pairs_are_counted_within_each_text():
    grams = Ngrams(str.split)
    train, validation = grams.fit(["a b a", "b a b a"], ["b"])
    assert sorted(zip(names(grams), train.toarray().T.tolist(), strict=True)) == [
        ("a", [2, 2]),
        ("a b", [1, 1]),
        ("b", [1, 2]),
        ("b a", [1, 2]),
    ]
    assert dict(zip(names(grams), validation.toarray()[0], strict=True)) == {
        "a": 0,
        "a b": 0,
        "b": 1,
        "b a": 0,
    }
    assert [" " not in name for name in names(grams)] == grams.is_unit.tolist()


def test_units_seen_once_are_no_features():
    grams = Ngrams(str.split)
    grams.fit(["a b", "a c"], [])
    assert names(grams) == ["a"]


@pytest.mark.parametrize("chunk", [1, 3, 5000])
@settings(max_examples=30)
@given(train=TEXTS.filter(len), validation=TEXTS, test=TEXTS)
def test_counts_are_those_of_scikit_learn(chunk, train, validation, test):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "CHUNK", chunk)
        grams = Ngrams(str.split)
        counts = *grams.fit(train, validation), grams.count(test)
    given_units = any(text for text in train + validation)
    if not given_units:
        assert [part.nnz for part in counts[:2]] == [0, 0]
        return
    analyzer = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\S+")
    reference = analyzer.fit(train + validation)
    total = np.asarray(reference.transform(train + validation).sum(axis=0)).ravel()
    every = reference.get_feature_names_out()
    seen = {name for name, times in zip(every, total, strict=True) if times >= 2} or set(every)
    assert set(names(grams)) == seen
    order = [reference.vocabulary_[name] for name in names(grams)]
    for part, texts in zip(counts, (train, validation, test), strict=True):
        assert part.shape == (len(texts), len(order))
        if texts:
            expected = reference.transform(texts).toarray()[:, order]
            np.testing.assert_array_equal(part.toarray(), expected)


def test_units_that_were_never_seen_count_for_nothing():
    grams = Ngrams(str.split)
    grams.fit(["a b", "a b"], [])
    assert grams.count(["c", "c d", ""]).nnz == 0
    assert dict(zip(names(grams), grams.count(["a c b a b"]).toarray()[0], strict=True)) == {
        "a": 2,
        "b": 2,
        "a b": 1,
    }


def test_each_list_of_texts_is_split_once():
    texts = []

    def units(text):
        texts.append(text)
        return text.split()

    train, validation, test = ["a b"] * 3, ["b a"], ["a"]
    grams = Ngrams(units)
    for _ in range(3):
        grams.fit(train, validation)
        grams.count(test)
    assert texts == train + validation + test


@pytest.mark.parametrize("which", [0, 1])
def test_new_lists_are_fitted_again(which):
    grams = Ngrams(str.split)
    parts, test = [["a a"], ["a"]], ["a b"]
    grams.fit(*parts)
    assert grams.count(test).toarray().tolist() == [[1]]
    parts[which] = ["b b a"]
    assert grams.fit(*parts)[which].toarray().tolist() == [[1, 2]]
    assert names(grams) == ["a", "b"]
    assert grams.count(test).toarray().tolist() == [[1, 1]]
