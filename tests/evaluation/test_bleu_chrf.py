"""BLEU and chrF: equal to sacreBLEU's, and to figures that can be checked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duree.evaluation.bleu import bleu, chinese_counts, tokenise_13a, tokenise_zh, word_counts
from duree.evaluation.chrf import chrf, chrf_counts

WORDS = st.sampled_from(
    [*"abc", "the", "cat", "3.5", "1,000", "don't", "U.S.", "10-year", "&quot;x", ".", ",", "—"]
)
SENTENCES = st.lists(WORDS, max_size=9).map(" ".join)
HAN = st.text("学而时习之，。3.a“”𠀀 ", max_size=12)


def corpus(counts, score, pairs):
    return float(score(np.sum([counts(*pair) for pair in pairs], axis=0, dtype=float)))


def of_13a(pairs):
    return corpus(word_counts, bleu, pairs)


def of_zh(pairs):
    return corpus(chinese_counts, bleu, pairs)


def of_chrf(pairs):
    return corpus(chrf_counts, chrf, pairs)


def sides(pairs):
    return [given for given, _ in pairs], [[true for _, true in pairs]]


@given(st.lists(st.tuples(SENTENCES, SENTENCES), min_size=1, max_size=4))
def test_bleu_of_words_is_that_of_sacrebleu(pairs):
    sacrebleu = pytest.importorskip("sacrebleu")
    assert of_13a(pairs) == pytest.approx(
        sacrebleu.BLEU().corpus_score(*sides(pairs)).score, abs=1e-9
    )


@given(st.lists(st.tuples(HAN, HAN), min_size=1, max_size=4))
def test_bleu_of_chinese_is_that_of_sacrebleu(pairs):
    sacrebleu = pytest.importorskip("sacrebleu")
    theirs = sacrebleu.BLEU(tokenize="zh").corpus_score(*sides(pairs)).score
    assert of_zh(pairs) == pytest.approx(theirs, abs=1e-9)


@given(st.lists(st.tuples(SENTENCES | HAN, SENTENCES | HAN), min_size=1, max_size=4))
def test_chrf_is_that_of_sacrebleu(pairs):
    sacrebleu = pytest.importorskip("sacrebleu")
    assert of_chrf(pairs) == pytest.approx(
        sacrebleu.CHRF().corpus_score(*sides(pairs)).score, abs=1e-9
    )


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | SENTENCES)
def test_tokens_of_any_text_are_those_of_sacrebleu(text):
    pytest.importorskip("sacrebleu")
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
    from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

    assert list(tokenise_13a(text)) == Tokenizer13a()(text.rstrip()).split()
    assert list(tokenise_zh(text)) == TokenizerZh()(text).split()


def test_every_character_of_the_first_plane_is_set_apart_as_sacrebleu_does():
    pytest.importorskip("sacrebleu")
    from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

    theirs = TokenizerZh()
    signs = [chr(code) for code in range(32, 0x20100) if not 0xD800 <= code < 0xE000]
    text = "".join(f"x{sign}x " for sign in signs)
    assert list(tokenise_zh(text)) == theirs(text).split()


def test_bleu_of_a_short_prediction_is_its_precision_times_the_penalty():
    # 5 of 6 tokens: all n-grams are right, and the penalty is exp(1 - 6 / 5).
    assert of_13a([("a b c d e", "a b c d e f")]) == pytest.approx(100 * np.exp(1 - 6 / 5))


@pytest.mark.parametrize("predicted", ["", "   ", "x y z"])
def test_a_prediction_without_any_right_word_scores_0(predicted):
    assert of_13a([(predicted, "a b c d")]) == of_chrf([(predicted, "a b c d")]) == 0


def test_right_predictions_score_100():
    pairs = [("The cat sat down.", "The cat sat down.")] * 2
    assert of_13a(pairs) == pytest.approx(100)
    assert of_chrf(pairs) == pytest.approx(100)


def test_endless_repeats_are_not_rewarded():
    once, often = ("the cat", "the cat on the mat"), ("the " * 50, "the cat on the mat")
    assert of_chrf([often]) < of_chrf([once])
    # Clipped: "the" stands twice in the actual text, and counts twice of 50.
    assert word_counts(*often)[0] == 2


def test_chinese_texts_scored_by_the_tokeniser_of_words_are_other_figures():
    pairs = [("学习并且复习", "学习并且温习")]
    assert of_zh(pairs) > 0 == of_13a(pairs)


@settings(max_examples=25)
@given(st.lists(st.tuples(SENTENCES, SENTENCES), min_size=3, max_size=3))
def test_many_sums_at_once_are_those_one_by_one(pairs):
    for counts, score in ((chrf_counts, chrf), (word_counts, bleu)):
        sums = np.array([counts(*pair) for pair in pairs], dtype=float)
        together = score(np.ascontiguousarray(sums.T))
        assert together == pytest.approx([float(score(row)) for row in sums], abs=1e-9)
