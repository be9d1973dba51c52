"""Sentences on the search that a recipe was chosen by."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from duree.report.methods.phrases import Phrases
from duree.results.tuning import TuningFacts

DEFAULT_IS_BEST = (
    "The usual recipe was the best of {trials} on the validation set: none of the others beat it."
)
BEYOND_NOISE = (
    "Trial {best} was the best of {trials} on the validation set, where it beat the usual recipe: "
    "{metric} {difference:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}, p = {p_value:.3f}, "
    "multiplied by the number of trials."
)
WITHIN_NOISE = (
    "Trial {best} was the best of {trials} on the validation set, but it did not beat the usual "
    "recipe beyond noise: {metric} {difference:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}, "
    "p = {p_value:.3f}, multiplied by the number of trials."
)
UNTESTED = "Trial {best} was the best of {trials} on the validation set."


def outcome(facts: TuningFacts, translate: Callable[[str], str]) -> str:
    """What the search found, as a sentence."""
    if not facts.best:
        template = DEFAULT_IS_BEST
    elif facts.p_value is None:
        template = UNTESTED
    else:
        template = BEYOND_NOISE if facts.is_beyond_noise else WITHIN_NOISE
    words = {"trials": len(facts.trials), "metric": translate(facts.metric)}
    return translate(template).format(**facts.model_dump() | words)


def tuning_sentences(facts: TuningFacts, say: Phrases) -> Iterator[str]:
    """Sentences on how many recipes were tried, how they were chosen, and what was found."""
    stopped = sum(trial.ending != "finished" for trial in facts.trials)
    yield say(
        "The recipe was chosen among {trials} by {watched}: the usual one, then others that a "
        "tree-structured Parzen estimator suggested ({bergstra2011}), of which {stopped} were "
        "stopped early or failed. The figure of the best of many trials on the "
        "validation set is too favourable; that on the test set, which was opened for this recipe "
        "only, is not.",
        trials=len(facts.trials),
        watched=say.words(facts.watched),
        stopped=stopped,
    )
    yield outcome(facts, say.words)
