"""Methods section: networks and weights for next states."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods import network
from duree.report.methods.phrases import Phrases
from duree.report.run_data import RunData

BASELINES = {
    "majority": "the shares of the states among all steps",
    "last_state": "the previous state, with the probability that a state stays the same",
    "markov": "a Markov chain, smoothed towards those shares ({mackay1995})",
    "markov_2": "a chain of order 2, smoothed towards the first",
    "markov_by_time": "a chain with separate transition probabilities for each time point, "
    "smoothed towards the first",
    "hidden_markov": "a hidden Markov model ({rabiner1989})",
    "logistic": "multinomial logistic regression on the last three states, the state before the "
    "present one, how long that has lasted, the number of spells, the time and the covariates, "
    "each by itself and together with the present state, and the shares of the time spent in each "
    "state",
    "random_forest": "a random forest ({breiman2001}) on the same features and the times spent in "
    "each state",
    "boosted_trees": "gradient boosting ({friedman2001}) on the last two states, how long the last "
    "has lasted, the time, the times spent in each state so far, and the covariates",
}


WEIGHTS = (
    "Each sequence is weighted by “{weight}” (mean 1 over the training rows) at each of its "
    "steps, in the loss, the baselines and all metrics."
)


def network_sentences(run: RunData, say: Phrases) -> Iterator[str]:
    """Sentences on a network that predicts at each step."""
    model, data = run.recipe.model, run.recipe.data
    named = [say("its duration so far")]
    named += [say("its position in time")] if run.rows.has_places_in_time else []
    named += [say("the covariates")] if data.covariate else []
    yield say(
        "Each state, together with {named}, was embedded in {embedding} dimensions; the sum of "
        "these embeddings was read by a {cell} with {layers} and {size}, and at each step a "
        "linear layer gave the scores of the next state.",
        named=say.words.listed(named),
        embedding=model.embedding_size,
        cell=network.cell(run, say),
        layers=network.layers(run, say),
        size=say("{n} units", n=model.hidden_size),
    )
    if run.metrics.distillation_share:
        yield say(
            "{share:g} % of the loss was distilled ({hinton2015}) from the predictions that "
            "gradient boosting ({friedman2001}) made for each step without having been trained "
            "on its sequence.",
            share=100 * run.metrics.distillation_share,
        )
    if model.wide and run.rows.has_places_in_time:
        yield say("A score of each state by time point was added ({cheng2016}).")
    yield from network.dropout_sentences(run, say)


def weight_sentences(run: RunData, weight: str, say: Phrases) -> Iterator[str]:
    """Sentences on the weights of steps; ``weight`` is the column."""
    yield say(WEIGHTS, weight=weight)
    if "hidden_markov" in run.metrics.models:
        yield say("The hidden Markov model (hmmlearn) was fitted without weights.")
