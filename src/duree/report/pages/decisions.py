"""Remarks on results: where accuracy misleads, and where the class predicted is not the most
probable one."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.differences import differences
from duree.report.numbers import count, estimate, share
from duree.report.run_data import RunData
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.metric import ACCURACY, MACRO_F1
from duree.results.metrics_file import NETWORK

MAJORITY = "majority"
MISLEADS = "Accuracy misleads here."
# With a class of at least this share of the rows, accuracy says little of the others.
LARGEST = 0.8


def remarks(run: RunData, words: Words) -> Iterator[str]:
    """All remarks, as sentences."""
    if misleading := misleading_accuracy(run, words):
        yield words.joined(words(MISLEADS), misleading)
    yield from moved_decisions(run, words)


def misleading_accuracy(run: RunData, words: Words) -> str:
    """Why accuracy misleads; empty if it does not, or if the verdict is about another metric."""
    metrics = run.metrics
    constant = metrics.models.get(MAJORITY)
    if metrics.primary_metric != ACCURACY.name or constant is None:
        return ""
    if MACRO_F1.name not in constant.estimates or ACCURACY.name not in constant.estimates:
        return ""
    remedy = words("Compare macro-F1, or train with --metric macro_f1.")
    largest = max(run.split.class_counts.get("test", {}).items(), key=_rows, default=None)
    if largest and largest[1] >= LARGEST * run.test_rows:
        return words.joined(
            words(
                "{part} of the test rows are “{label}”: always predicting it is right as often.",
                part=share(largest[1] / run.test_rows, run.test_rows),
                label=label(largest[0], 40),
            ),
            remedy,
        )
    if not _differs(run, ACCURACY.name) and _differs(run, MACRO_F1.name):
        own, other = (metrics.models[name].estimates for name in (NETWORK, MAJORITY))
        return words.joined(
            words(
                "The network’s accuracy is within noise of that of the majority class alone "
                "({network} and {majority}), which never predicts another class; their macro-F1 "
                "differs ({network_f1} and {majority_f1}).",
                network=estimate(own[ACCURACY.name], ACCURACY, run.test_rows).value,
                majority=estimate(other[ACCURACY.name], ACCURACY, run.test_rows).value,
                network_f1=estimate(own[MACRO_F1.name], MACRO_F1, run.test_rows).value,
                majority_f1=estimate(other[MACRO_F1.name], MACRO_F1, run.test_rows).value,
            ),
            remedy,
        )
    return ""


def moved_decisions(run: RunData, words: Words) -> Iterator[str]:
    """A remark if the network decided for a named metric, and not for the most probable class."""
    if NETWORK not in run.metrics.decisions or (moved := run.target.moved(run)) is None:
        return
    metric = words.within(words.metric(run.metrics.primary_metric))
    if not moved.any():
        yield words(
            "The network predicts as it would without --metric: no other decision raised {metric} "
            "on the validation set beyond noise.",
            metric=metric,
        )
        return
    yield words(
        "In {n} of {rows} test rows the network does not predict what is most probable: it decides "
        "for {metric}, as it was asked to. The probabilities are unchanged.",
        n=count(int(moved.sum())),
        rows=count(run.answers),
        metric=metric,
    )


def _rows(pair: tuple[str, int]) -> int:
    return pair[1]


def _differs(run: RunData, metric: str) -> bool:
    """Whether the network and the majority class differ significantly in a metric."""
    found = (one for one in differences(run, metric) if one.model == MAJORITY)
    return any(one.evidence.is_claimed for one in found)
