"""Methods section: decisions for the metric that the user names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from duree.report.methods.phrases import Phrases
from duree.report.run_data import RunData
from duree.report.safe_text import label
from duree.results.metrics_file import NETWORK

# Classes whose offsets are listed; those of the others are in metrics.json.
MOST_LISTED = 12


@dataclass(frozen=True)
class Decided:
    """Templates on the decision: where it was ``moved``, and where it was ``not_moved``, as all
    values are ``usual``."""

    moved: str
    not_moved: str
    usual: float


OF_CLASSES = Decided(
    "The class predicted is the one with the largest sum of its log-probability and an offset. The "
    "offsets were chosen on the validation set for the highest {metric} (after {lipton2014}), as "
    "five-fold cross-validation within that set showed a gain larger than its standard error: "
    "{values}.",
    "Offsets to the log-probabilities of the classes, chosen on the validation set for the highest "
    "{metric} (after {lipton2014}), showed no gain larger than its standard error in five-fold "
    "cross-validation within that set: the most probable class is predicted.",
    0.0,
)
OF_LABELS = Decided(
    "Each label is predicted from its own threshold of probability on. The thresholds were chosen "
    "on the validation set for the highest {metric} (after {lipton2014}), as five-fold "
    "cross-validation within that set showed a gain larger than its standard error: {values}.",
    "Thresholds of the labels, chosen on the validation set for the highest {metric} (after "
    "{lipton2014}), showed no gain larger than its standard error in five-fold cross-validation "
    "within that set: a label is predicted from a probability of 0.5 on.",
    0.5,
)


def decision_sentences(run: RunData, decided: Decided, say: Phrases) -> Iterator[str]:
    """Sentences on how classes or labels are decided, if the user named a metric for it."""
    values = run.metrics.decisions.get(NETWORK)
    if not values:
        return
    metric = say.words.within(say.words.metric(run.metrics.primary_metric))
    if any(value != decided.usual for value in values.values()):
        listed = [f"{label(name)} {value:.2f}" for name, value in values.items()][:MOST_LISTED]
        listed += ["…"] if len(values) > MOST_LISTED else []
        separator = "，" if say.words.language == "zh" else ", "
        yield say(decided.moved, metric=metric, values=separator.join(listed))
    else:
        yield say(decided.not_moved, metric=metric)
    yield say(
        "The probabilities are unchanged, and the baselines decide by the same rule, each on its "
        "own predictions of the validation set before it was refitted (a random forest on its "
        "out-of-bag predictions). Early stopping watched {metric} under the best such decision.",
        metric=metric,
    )
