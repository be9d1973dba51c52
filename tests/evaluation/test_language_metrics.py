"""Perplexity counts units, bits per character count characters."""

from __future__ import annotations

import numpy as np
import pytest

from duree.evaluation.evaluate import evaluate_model
from duree.evaluation.language_metrics import OF_CHARACTERS, OF_WORDS, terms

# A word of four characters, one that is spelt by three codes, and the end of the text.
COUNTED = np.array([[1, 4, 0], [0, 0, 0], [0, 0, 0], [1, 4, 0], [1, 0, 1]])
PROBABILITIES = np.array([1 / 2, 1 / 4, 1 / 2, 1, 1 / 4])


def test_metrics_are_ratios_of_sums():
    found = terms(np.log(PROBABILITIES)[:, None], COUNTED)
    np.testing.assert_allclose(found[:, 0], [1, 2, 1, 0, 2])
    values = OF_WORDS.values(found, COUNTED)
    assert values["perplexity"] == pytest.approx(2 ** (6 / 3))
    assert values["bits_per_character"] == pytest.approx(6 / 8)


def test_the_primary_metric_depends_on_the_units():
    assert OF_WORDS.primary == "perplexity"
    assert OF_CHARACTERS.primary == "bits_per_character"


def test_intervals_are_over_documents():
    rng = np.random.default_rng(0)
    counted = np.tile([1, 1, 0], (4000, 1))
    documents = np.repeat(np.arange(40), 100)
    of_documents = rng.normal(-2, 0.5, 40)[documents]
    found = terms(of_documents[:, None], counted)
    figures = evaluate_model(found, counted, OF_CHARACTERS, groups=documents)
    alone = evaluate_model(found, counted, OF_CHARACTERS)
    widths = [one["bits_per_character"]["high"] - one["bits_per_character"]["low"]
              for one in (figures, alone)]  # fmt: skip
    assert widths[0] > 5 * widths[1]
