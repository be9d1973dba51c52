"""The metrics of predicted sequences: exact match, error rates, chrF and BLEU.

Every metric is a function of sums over rows, so that the figure of all rows, its interval and
paired tests rest on the same sums. Predicted and actual texts are compared in Unicode's NFC, in
which canonically equivalent texts are one, and both are split by one tokeniser.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.evaluation import bleu, chrf
from duree.evaluation.edit_distance import edit_distances
from duree.evaluation.metrics import MetricSet
from duree.evaluation.weighted_metrics import Floats, Weighted, ratio
from duree.results.metric import (
    BLEU,
    CER,
    CHRF,
    EXACT,
    EXACT_KNOWN,
    EXACT_UNKNOWN,
    SYMBOL_ERROR_RATE,
    WER,
    WRONG_ROWS,
    Metric,
)

OfSums = Callable[[Floats], Floats]

# The columns of ``Scoring.statistics``: 1, and whether the row is right; both for rows with a known
# source, and for others; edits, and units of the actual text; the same of words; then the sums of
# chrF and of BLEU.
ROWS, RIGHT, KNOWN, RIGHT_KNOWN, UNKNOWN, RIGHT_UNKNOWN, EDITS, UNITS, WORD_EDITS, WORDS = range(10)
_ENDS = list(accumulate([chrf.SUMS, bleu.SUMS], initial=10))
OF_CHRF, OF_BLEU = slice(_ENDS[0], _ENDS[1]), slice(_ENDS[1], _ENDS[2])
# The number of columns.
STATISTICS = _ENDS[2]


def transduction_metrics(
    *, sentences: bool = False, chinese: bool = False, symbols: bool = False
) -> MetricSet:
    """The metrics of predicted sequences, the primary one first.

    Predictions are float64 [rows, columns], of which the first are those of ``statistics`` with
    the same arguments. Targets are integers [rows, columns], of which only the first is used: 1
    where the source of a row stands in training, otherwise 0.

    Parameters
    ----------
    sentences : bool
        Whether texts are sentences, which are rarely right as a whole: chrF comes first, and BLEU
        and the error rate of words are defined. Otherwise exact match comes first.
    chinese : bool
        Whether BLEU is that of Chinese characters; there is no error rate of words then.
    symbols : bool
        Whether the units of texts are separated by blanks, as sounds are, and not characters.
    """
    exact = (EXACT, EXACT_KNOWN, EXACT_UNKNOWN, SYMBOL_ERROR_RATE if symbols else CER)
    metrics: tuple[Metric, ...] = (*exact, WRONG_ROWS, CHRF)
    functions = OF_SUMS | {"wer": _wrong_rows}
    if sentences:
        tokeniser = {"tokeniser": "zh" if chinese else "13a"}
        words = () if chinese else (WER,)
        metrics, functions = (CHRF, replace(BLEU, values=tokeniser), *exact, *words), OF_SUMS

    def prepare(predictions: Floats, targets: NDArray[Any]) -> dict[str, Weighted]:
        sums = np.ascontiguousarray(predictions[:, :STATISTICS].T)
        return {metric.name: _weighted(functions[metric.name], sums) for metric in metrics}

    primary = metrics[0].name
    right = None if sentences else _right
    return MetricSet(
        metrics, (primary, 0.0), False, prepare, right, sums=STATISTICS, rows_of=_rows_of
    )


def statistics(
    predicted: Sequence[str],
    actual: Sequence[str],
    known: NDArray[np.bool_],
    *,
    sentences: bool = False,
    chinese: bool = False,
    symbols: bool = False,
) -> Floats:
    """The sums that the metrics are made of, float64 [rows, STATISTICS].

    Parameters
    ----------
    predicted, actual : sequence of str
    known : bool [rows]
        Whether the source of each row stands in training.
    sentences, chinese, symbols
        See ``transduction_metrics``.
    """
    texts = [map(normal, side) for side in (predicted, actual)]
    places: dict[tuple[str, str], int] = {}
    which = [places.setdefault(pair, len(places)) for pair in zip(*texts, strict=True)]
    pairs = list(places)
    found = np.zeros((len(pairs), STATISTICS))
    found[:, ROWS] = 1
    found[:, RIGHT] = [given == true for given, true in pairs]
    found[:, [EDITS, UNITS]] = _errors(pairs, str.split if symbols else list)
    found[:, OF_CHRF] = _counts(pairs, chrf.chrf_counts, chrf.SUMS)
    if sentences:
        found[:, [WORD_EDITS, WORDS]] = _errors(pairs, str.split)
        of_bleu = bleu.chinese_counts if chinese else bleu.word_counts
        found[:, OF_BLEU] = _counts(pairs, of_bleu, bleu.SUMS)
    found = found[np.array(which, dtype=np.int64)]
    for of_rows, of_right, marks in ((KNOWN, RIGHT_KNOWN, known), (UNKNOWN, RIGHT_UNKNOWN, ~known)):
        found[:, of_rows] = marks
        found[:, of_right] = found[:, RIGHT] * marks
    return found


def _counts(
    pairs: Sequence[tuple[str, str]], counts: Callable[[str, str], list[int]], sums: int
) -> NDArray[np.int64]:
    """The sums of each pair of texts, int64 [pairs, sums]."""
    return np.array([counts(*pair) for pair in pairs], dtype=np.int64).reshape(-1, sums)


def _rows_of(name: str, targets: NDArray[Any]) -> NDArray[np.bool_]:
    """The rows with a known or an unknown source, or all."""
    known = targets[:, 0] > 0
    return {EXACT_KNOWN.name: known, EXACT_UNKNOWN.name: ~known}.get(name, np.ones_like(known))


def _weighted(metric: OfSums, sums: Floats) -> Weighted:
    return lambda weights: metric(sums @ weights)


def _quotient(above: int, below: int) -> OfSums:
    return lambda sums: ratio(sums[above], sums[below])


def _wrong_rows(sums: Floats) -> Floats:
    return 1 - ratio(sums[RIGHT], sums[ROWS])


# The metrics as functions of sums float64 [STATISTICS, ...].
OF_SUMS: dict[str, OfSums] = {
    "exact": _quotient(RIGHT, ROWS),
    "exact_known": _quotient(RIGHT_KNOWN, KNOWN),
    "exact_unknown": _quotient(RIGHT_UNKNOWN, UNKNOWN),
    "cer": _quotient(EDITS, UNITS),
    "wer": _quotient(WORD_EDITS, WORDS),
    "chrf": lambda sums: chrf.chrf(sums[OF_CHRF]),
    "bleu": lambda sums: bleu.bleu(sums[OF_BLEU]),
}


def _right(predictions: Floats, targets: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(predictions[:, RIGHT] > 0)


def _errors(
    pairs: Sequence[tuple[str, str]], split: Callable[[str], Sequence[str]]
) -> NDArray[np.int64]:
    """The edits of each pair of texts, and the units of the second: int64 [pairs, 2]."""
    numbers: dict[str, int] = {}
    given, true = (
        [[numbers.setdefault(unit, len(numbers)) for unit in split(pair[side])] for pair in pairs]
        for side in (0, 1)
    )
    units = np.array([len(row) for row in true], dtype=np.int64)
    return np.column_stack([edit_distances(given, true), units])


def normal(text: str) -> str:
    """The text in NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
