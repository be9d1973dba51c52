"""Methods where what comes next is foretold: its baselines, and what a weight counts for."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods.phrases import Phrases
from duree.report.run_data import RunData

BASELINES = {
    "majority": "the shares of the states among all steps",
    "last_state": "the state before, as often as a state stays",
    "markov": "a Markov chain, smoothed towards those shares ({mackay1995})",
    "markov_2": "one of order 2, smoothed towards the first",
    "markov_by_time": "one with transition probabilities of its own for each time point, smoothed "
    "towards the first",
    "hidden_markov": "a hidden Markov model ({rabiner1989})",
    "logistic": "multinomial logistic regression on the last three states, the state before the "
    "present one, how long that has lasted, the number of spells, the time and the covariates, "
    "each by itself and together with the present state, and the shares of the time spent in each "
    "state",
    "random_forest": "a random forest ({breiman2001}) on the same and the times spent in each "
    "state",
    "boosted_trees": "gradient boosting ({friedman2001}) on the last two states, how long the last "
    "has lasted, the time, the times spent in each state so far, and the covariates",
}


def weight_sentences(run: RunData, weight: str, say: Phrases) -> Iterator[str]:
    """What rows, or each step of a sequence, count by; ``weight`` is the column."""
    if not run.answers_steps:
        yield say(
            "Each row counts by its weight in “{weight}”, 1 on average over the training rows: in "
            "the loss, in the baselines and in every figure.",
            weight=weight,
        )
        return
    yield say(
        "Each sequence counts by its weight in “{weight}”, 1 on average over the training rows, at "
        "each of its steps: in the loss, in the baselines and in every figure.",
        weight=weight,
    )
    if "hidden_markov" in run.metrics.models:
        yield say("The hidden Markov model (hmmlearn) learned from all sequences alike.")
    if run.waiting_times is not None:
        yield say("Waiting times were learned and judged without weights.")
