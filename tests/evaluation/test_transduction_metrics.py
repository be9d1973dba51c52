"""Metrics of predicted sequences, alone and in the evaluation of several models."""

import unicodedata

import numpy as np
import pytest

from duree.evaluation.evaluate import evaluate_model, evaluate_models, spread_of_seeds
from duree.evaluation.transduction_metrics import (
    STATISTICS,
    statistics,
    transduction_metrics,
)
from duree.evaluation.uncertainty import wilson

TRUE = ["und", "uns", "in", "Haus"]
KNOWN = np.array([True, True, False, False])
# The kinds of texts, as arguments of both functions.
WORDS: dict[str, bool] = {}
SENTENCES = {"sentences": True}
CHINESE = {"sentences": True, "chinese": True}
SOUNDS = {"symbols": True}


def targets_of(known):
    """Whether the source is known, and codes of the target, which do not matter here."""
    return np.column_stack([known, np.arange(len(known))]).astype(np.int64)


def values(kind, predicted, actual, known=None):
    known = np.zeros(len(actual), dtype=bool) if known is None else known
    found = statistics(predicted, actual, known, **kind)
    assert found.shape == (len(actual), STATISTICS)
    return transduction_metrics(**kind).values(found, targets_of(known))


def with_outputs(statistics, seed=0):
    """Statistics followed by what a model predicted: its probability, length and codes."""
    rng = np.random.default_rng(seed)
    return np.column_stack([statistics, rng.random((len(statistics), 5))])


def test_words_are_right_or_wrong_as_a_whole():
    found = values(WORDS, ["und", "vns", "in", "Hauus"], TRUE, KNOWN)
    assert found == pytest.approx(
        {
            "exact": 0.5,
            "exact_known": 0.5,
            "exact_unknown": 0.5,
            "cer": 2 / 12,
            "wer": 0.5,
            "chrf": found["chrf"],
        }
    )


def test_without_known_sources_their_figure_is_left_out():
    found = values(WORDS, TRUE, TRUE)
    assert found["exact_unknown"] == 1
    assert "exact_known" not in found


def test_sentences_are_led_by_chrf_and_words_by_exact_match():
    assert transduction_metrics(**SENTENCES).primary == "chrf"
    assert transduction_metrics().primary == "exact"
    assert [metric.name for metric in transduction_metrics(**CHINESE).metrics] == [
        *("chrf", "bleu", "exact", "exact_known", "exact_unknown", "cer")
    ]


def test_word_errors_of_sentences_are_edits_of_words():
    found = values(SENTENCES, ["the cat sat", "a"], ["the dog sat down", "a"])
    assert found["wer"] == pytest.approx(2 / 5)


def test_errors_of_sounds_are_those_of_symbols():
    found = values(SOUNDS, ["t͡ʃ a t"], ["t͡ʃʰ a t"])
    assert found["cer"] == pytest.approx(1 / 3)
    assert transduction_metrics(**SOUNDS)["cer"].title == "symbol error rate"
    # 3 characters of 7 differ or none: as characters, another figure.
    assert values(WORDS, ["t͡ʃ a t"], ["t͡ʃʰ a t"])["cer"] == pytest.approx(1 / 8)


def test_canonically_equivalent_texts_are_the_same():
    composed, decomposed = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))
    assert values(WORDS, [composed], [decomposed])["exact"] == 1
    assert values(WORDS, [composed], [decomposed])["cer"] == 0


def test_bleu_says_by_which_tokeniser_it_is():
    definitions = [transduction_metrics(**kind)["bleu"].definition for kind in (SENTENCES, CHINESE)]
    assert "{tokeniser}" in definitions[0]
    assert [transduction_metrics(**kind)["bleu"].values for kind in (SENTENCES, CHINESE)] == [
        {"tokeniser": "13a"},
        {"tokeniser": "zh"},
    ]
    pairs = ["学习并且复习"], ["学习并且温习"]
    assert values(CHINESE, *pairs)["bleu"] > values(SENTENCES, *pairs)["bleu"] == 0


def test_empty_predictions_are_wrong_and_all_of_their_target_is_missing():
    found = values(SENTENCES, ["", ""], ["a b", "c"])
    assert (found["exact"], found["cer"], found["wer"], found["chrf"], found["bleu"]) == (
        0,
        1,
        1,
        0,
        0,
    )


def test_endless_repeats_cost_more_than_an_empty_prediction():
    assert values(WORDS, ["und" * 30], ["und"])["cer"] == pytest.approx(29)


def test_a_sentinel_that_leaks_into_the_output_is_an_error():
    for leak in ("und</s>", "<s>und", "und\x00", "und ", "und<unknown>"):
        assert values(WORDS, [leak], ["und"])["exact"] == 0


def test_unseen_characters_are_counted_like_any_other():
    assert values(WORDS, ["𠀀ж"], ["𠀀ж"])["exact"] == 1
    assert values(WORDS, ["𠀀?"], ["𠀀ж"])["cer"] == 0.5


def test_sums_over_rows_are_the_corpus_and_not_the_mean_of_rows():
    found = values(WORDS, ["ab", "cccccccc"], ["aa", "cccccccc"])
    assert found["cer"] == pytest.approx(1 / 10)


def made_up(kind, rows=120):
    """Three models: right in 80, 50 and 20 % of the rows."""
    rng = np.random.default_rng(1)
    actual = ["".join(rng.choice(list("abcde"), 6)) for _ in range(rows)]
    known = rng.random(rows) < 0.4
    draws = rng.random(rows)
    models = {}
    for name, share in (("network", 0.8), ("lookup", 0.5), ("copy", 0.2)):
        predicted = [
            text if draw < share else text[:-1] + "x"
            for text, draw in zip(actual, draws, strict=True)
        ]
        models[name] = with_outputs(statistics(predicted, actual, known, **kind))
    return models, targets_of(known)


def test_the_network_is_compared_with_each_baseline_and_gets_a_verdict():
    models, targets = made_up(WORDS)
    found = evaluate_models(models, targets, transduction_metrics(), resamples=300)
    assert found.primary == "exact"
    exact = found.models["network"]["exact"]
    assert exact["low"] < exact["value"] < exact["high"]
    methods = {c.method for c in found.comparisons if c.metric == "exact"}
    assert methods == {"paired bootstrap", "McNemar exact"}
    assert found.verdict.claim == "better"
    assert "exact match" in found.verdict.sentence()


@pytest.mark.parametrize("kind", [SENTENCES, CHINESE])
def test_sentences_are_compared_in_chrf_by_permutation(kind):
    models, targets = made_up(kind)
    found = evaluate_models(models, targets, transduction_metrics(**kind), resamples=300)
    assert found.primary == "chrf"
    methods = {c.method for c in found.comparisons if c.metric == "chrf"}
    assert methods == {"paired bootstrap", "paired permutation"}
    assert found.verdict.claim == "better"
    chrf = found.models["network"]["chrf"]
    assert chrf["low"] < chrf["value"] < chrf["high"] <= 100


def test_groups_are_resampled_as_a_whole():
    models, targets = made_up(WORDS)
    groups = np.arange(len(targets)) // 10
    found = evaluate_models(models, targets, transduction_metrics(), groups=groups, resamples=300)
    assert {c.method for c in found.comparisons} == {
        "paired bootstrap by group",
        "paired permutation by group",
    }


def test_the_value_of_a_metric_is_the_same_in_the_evaluation_and_alone():
    models, targets = made_up(WORDS)
    alone = evaluate_model(models["network"], targets, transduction_metrics())
    plain = transduction_metrics().values(models["network"], targets)
    assert {name: figure["value"] for name, figure in alone.items()} == pytest.approx(plain)


def test_weights_of_rows_enter_all_sums():
    models, targets = made_up(WORDS)
    weights = np.where(np.arange(len(targets)) < 60, 2.0, 0.5)
    weighted = transduction_metrics().values(models["network"], targets, weights)
    right = models["network"][:, 1]
    assert weighted["exact"] == pytest.approx(np.average(right, weights=weights))
    found = evaluate_models(models, targets, transduction_metrics(), weights=weights, resamples=200)
    assert found.models["network"]["exact"]["value"] == pytest.approx(weighted["exact"])


def test_models_without_probabilities_are_evaluated():
    models, targets = made_up(WORDS)
    models["copy"][:, STATISTICS] = np.nan
    found = evaluate_models(models, targets, transduction_metrics(), resamples=200)
    assert set(found.models) == {"network", "lookup", "copy"}


def test_perfect_shares_of_known_and_unknown_words_have_the_intervals_of_their_own_rows():
    known = np.arange(60) < 12
    found = statistics(["x"] * 60, ["x"] * 60, known)
    figures = evaluate_model(found, targets_of(known), transduction_metrics())
    for name, rows in (("exact_known", 12), ("exact_unknown", 48)):
        low, high = wilson(rows, rows)
        assert figures[name] == pytest.approx({"value": 1, "low": low, "high": high})


def test_the_spread_of_seeds_is_of_every_metric():
    models, targets = made_up(WORDS)
    found = spread_of_seeds([models["network"], models["lookup"]], targets, transduction_metrics())
    assert set(found) == {metric.name for metric in transduction_metrics().metrics}
