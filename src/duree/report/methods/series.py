"""Methods section: encoding of numeric series, and their network."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods import network
from duree.report.methods.phrases import Phrases
from duree.report.numbers import count
from duree.report.run_data import RunData
from duree.results.series import ChannelFacts

BASELINES = {
    "series_logistic": "logistic regression on length and, of each channel, the share of missing "
    "steps, mean, standard deviation, quartiles, extremes, first and last value, slope, mean "
    "absolute change, autocorrelation and the place of the largest value",
    "series_ridge": "ridge regression ({hoerl1970}) on length and, of each channel, the share of "
    "missing steps, mean, standard deviation, quartiles, extremes, first and last value, slope, "
    "mean absolute change, autocorrelation and the place of the largest value",
    "rocket": "a linear model on the largest response to each of 1,000 random convolutional "
    "kernels, and on how often it responds (after ROCKET; {dempster2020})",
    "random_forest": "a random forest ({breiman2001}) on the same features of each channel",
}
KEEP = {
    "both": "Longer series were truncated to their first {head} and last {tail} steps.",
    "head": "Longer series were truncated to their first {limit} steps.",
    "tail": "Longer series were truncated to their last {limit} steps.",
}


def encoding_sentences(run: RunData, facts: ChannelFacts, say: Phrases) -> Iterator[str]:
    """Sentences on the encoding of series."""
    yield say(
        "Each channel was standardised to mean 0 and standard deviation 1 over the training rows."
    )
    if any(channel.missing for channel in facts.channels):
        yield say(
            "Missing values were replaced by that mean, and each channel with missing values "
            "in the training rows has a further channel that marks them with 1 ({lipton2016})."
        )
    if any(check.check == "uneven_steps" for check in run.checks):
        yield say(
            "Steps are not evenly spaced: the logarithm of 1 plus the time since the previous "
            "step, in units of the usual interval, was read as a further channel."
        )
    longest = run.recipe.text.max_length
    if facts.lengths[2] > longest:
        tail = longest // 2
        yield say(
            KEEP[run.recipe.text.keep],
            limit=count(longest),
            head=count(longest - tail),
            tail=count(tail),
        )


def network_sentences(run: RunData, say: Phrases) -> Iterator[str]:
    """Sentences on the network's architecture."""
    yield say(
        "Each step was read by a {direction}{cell} with {layers} and {size}; {pooling}, and a "
        "linear layer gave the scores.",
        direction=network.direction(run, say),
        cell=network.cell(run, say),
        layers=network.layers(run, say),
        size=network.size(run, say),
        pooling=network.pooling(run, say),
    )
    yield from network.dropout_sentences(run, say)
