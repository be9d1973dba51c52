"""Where predicted sequences err: by length, by known sources, by confusions, by kind of error."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from duree.evaluation.edit_distance import Step, alignments
from duree.evaluation.metrics import MetricSet
from duree.evaluation.transduction_metrics import RIGHT, normal, transduction_metrics
from duree.evaluation.weighted_metrics import Floats
from duree.results.transduction import (
    Ambiguity,
    Chooser,
    ErrorKind,
    Kind,
    LengthGroup,
    RowGroup,
    Transduced,
    TransductionFacts,
    UnitConfusion,
)

Unit = Literal["character", "symbol", "word"]

MOST_CONFUSIONS, MOST_EXAMPLES, MOST_AMBIGUOUS = 20, 5, 10
# Groups of lengths, and the fewest rows of one.
GROUPS, GROUP_ROWS = 5, 10
# An output repeats itself if it is longer than the target, and up to 8 units come three times one
# after another, or four times if it is one unit ("Schifffahrt"), and not so in the target.
REPEATED = re.compile(r"(.)\1{3,}|(.{2,8}?)\2{2,}", re.DOTALL)
# Groups of rows are known, or unknown, by their names.
NOT_OF_GROUPS = {"exact_known", "exact_unknown"}


@dataclass(frozen=True)
class Pair:
    """A wrong row: its place, and the units of its output and target, as numbers."""

    row: int
    predicted: list[int]
    actual: list[int]
    path: list[Step]


def describe_transduction(
    sources: Sequence[str],
    copied: Sequence[str],
    predicted: Sequence[str],
    actual: Sequence[str],
    known: NDArray[np.bool_],
    probabilities: Floats,
    sums: Floats,
    *,
    chosen_by: Chooser = "network",
    sentences: bool = False,
    chinese: bool = False,
    symbols: bool = False,
) -> TransductionFacts:
    """The errors of the network on the test part, for the report.

    Parameters
    ----------
    sources, copied : sequence of str
        The sources as they are shown, and without their covariates.
    predicted, actual : sequence of str
    known : bool [rows]
        Whether the source of each row stands in training.
    probabilities : float64 [rows]
        Of the outputs; NaN where there is none.
    sums : float64 [rows, STATISTICS]
        From ``statistics``, with the same arguments.
    chosen_by
        See ``TransductionFacts``.
    sentences, chinese, symbols
        See ``transduction_metrics``.
    """
    metrics = transduction_metrics(sentences=sentences, chinese=chinese, symbols=symbols)
    unit: Unit = "symbol" if symbols else "word" if sentences and not chinese else "character"
    numbers: dict[str, int] = {}
    split = list if unit == "character" else str.split
    given, true = (
        [[numbers.setdefault(one, len(numbers)) for one in split(normal(text))] for text in side]
        for side in (predicted, actual)
    )
    lengths = np.array([len(units) for units in true], dtype=np.int64)
    shown = [
        Transduced(
            row=row, source=source, predicted=given_text, actual=text, probability=_finite(chance)
        )
        for row, (source, given_text, text, chance) in enumerate(
            zip(sources, predicted, actual, probabilities.tolist(), strict=True)
        )
    ]
    wrong = np.flatnonzero(sums[:, RIGHT] == 0).tolist()
    paths = alignments([true[row] for row in wrong], [given[row] for row in wrong])
    pairs = [Pair(row, given[row], true[row], path) for row, path in zip(wrong, paths, strict=True)]
    kinds = {
        pair.row: _kind(pair, is_copy=normal(predicted[pair.row]) == normal(copied[pair.row]))
        for pair in pairs
    }
    aligned = [pair for pair in pairs if kinds[pair.row] not in ("empty", "repetition")]
    by_source = _by_source(sources, actual)
    several = {source: counts for source, counts in by_source.items() if len(counts) > 1}
    best = sum(max(counts.values()) for counts in by_source.values())
    return TransductionFacts(
        rows=len(actual),
        wrong=len(wrong),
        unit=unit,
        chosen_by=chosen_by,
        known=_group(np.asarray(known), sums, metrics),
        unknown=_group(~np.asarray(known), sums, metrics),
        lengths=list(_by_length(lengths, sums, metrics)),
        confusions=_confusions(aligned, list(numbers), "" if unit == "character" else " ", shown),
        kinds=_kinds(kinds, shown),
        ambiguous_rows=sum(counts.total() for counts in several.values()),
        ambiguous_sources=len(several),
        ceiling=best / max(len(actual), 1),
        ambiguous=[
            Ambiguity(source=source, targets=dict(counts.most_common()))
            for source, counts in sorted(
                several.items(), key=lambda item: (-item[1].total(), item[0])
            )[:MOST_AMBIGUOUS]
        ],
    )


def _group(rows: NDArray[np.bool_], sums: Floats, metrics: MetricSet) -> RowGroup:
    return RowGroup(rows=int(rows.sum()), figures=_figures(sums[rows], metrics))


def _figures(sums: Floats, metrics: MetricSet) -> dict[str, float]:
    values = metrics.values(sums, np.zeros(len(sums))) if len(sums) else {}
    return {name: value for name, value in values.items() if name not in NOT_OF_GROUPS}


def _by_length(
    lengths: NDArray[np.int64], sums: Floats, metrics: MetricSet
) -> Iterator[LengthGroup]:
    """Groups of about as many rows each, none of one length in two."""
    groups = max(1, min(GROUPS, len(lengths) // GROUP_ROWS))
    ends = np.quantile(lengths, np.arange(1, groups + 1) / groups, method="lower")
    which = np.searchsorted(np.unique(ends), lengths, side="left")
    for group in np.unique(which):
        rows = which == group
        yield LengthGroup(
            low=int(lengths[rows].min()),
            high=int(lengths[rows].max()),
            rows=int(rows.sum()),
            figures=_figures(sums[rows], metrics),
        )


def _kind(pair: Pair, *, is_copy: bool) -> Kind:
    if not pair.predicted:
        return "empty"
    if _repeats(pair.predicted, pair.actual):
        return "repetition"
    if is_copy:
        return "copy"
    edits = {
        "insertion" if step.one < 0 else "omission" if step.other < 0 else "substitution"
        for step in pair.path
        if step.one != step.other
    }
    kinds: tuple[Kind, ...] = ("insertion", "omission", "substitution")
    return next((kind for kind in kinds if edits == {kind}), "several")


def _repeats(predicted: list[int], actual: list[int]) -> bool:
    # As texts of private characters, so that a unit of several characters is one.
    given, true = ("".join(chr(0x20000 + unit) for unit in units) for units in (predicted, actual))
    is_longer = len(given) > len(true)
    return is_longer and any(found.group() not in true for found in REPEATED.finditer(given))


def _confusions(
    pairs: Sequence[Pair], units: Sequence[str], between: str, shown: Sequence[Transduced]
) -> list[UnitConfusion]:
    """The most frequent stretches of units that were written in place of others."""
    counts: Counter[tuple[str, str]] = Counter()
    rows: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for pair in pairs:
        for is_edit, steps in groupby(pair.path, lambda step: step.one != step.other):
            if not is_edit:
                continue
            stretch = list(steps)
            confusion = (
                between.join(units[step.one] for step in stretch if step.one >= 0),
                between.join(units[step.other] for step in stretch if step.other >= 0),
            )
            counts[confusion] += 1
            rows[confusion].append(pair.row)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        UnitConfusion(
            actual=confusion[0],
            predicted=confusion[1],
            count=count,
            share=count / counts.total(),
            # The shortest row shows it best.
            example=min(
                (shown[row] for row in rows[confusion]), key=lambda one: (len(one.actual), one.row)
            ),
        )
        for confusion, count in ranked[:MOST_CONFUSIONS]
    ]


def _kinds(kinds: dict[int, Kind], shown: Sequence[Transduced]) -> list[ErrorKind]:
    counts = Counter(kinds.values())
    found = []
    for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        rows = [shown[row] for row in kinds if kinds[row] == kind]
        rows.sort(key=lambda one: (-(one.probability or 0.0), one.row))
        found.append(ErrorKind(kind=kind, rows=count, examples=rows[:MOST_EXAMPLES]))
    return found


def _by_source(sources: Sequence[str], actual: Sequence[str]) -> dict[str, Counter[str]]:
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for source, text in zip(sources, actual, strict=True):
        found[normal(source)][normal(text)] += 1
    return dict(found)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
