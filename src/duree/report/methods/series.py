"""Methods of series of numbers: how they were read, and what the network and its rivals see."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods.model import CELLS, POOLINGS, dropouts
from duree.report.methods.phrases import Phrases
from duree.report.numbers import count
from duree.report.run_data import RunData
from duree.report.safe_text import label
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
    "random_forest": "a random forest ({breiman2001}) on the same figures of each channel",
}
KEEP = {
    "both": "Of a longer series the first {head} and the last {tail} steps were kept.",
    "head": "Of a longer series the first {limit} steps were kept.",
    "tail": "Of a longer series the last {limit} steps were kept.",
}


def source(run: RunData, say: Phrases) -> str:
    """What was read."""
    named = say.words.listed([label(name) for name in run.recipe.data.series])
    if run.recipe.data.has_long_rows:
        return say("each one’s series of {named} in order of time", named=named)
    return say("the numbers in the columns {named}", named=named)


def series_sentences(run: RunData, facts: ChannelFacts, say: Phrases) -> Iterator[str]:
    """How a series became what the network reads."""
    yield say(
        "Each channel was brought to mean 0 and standard deviation 1 by its values in the training "
        "rows."
    )
    if any(channel.missing for channel in facts.channels):
        yield say(
            "A missing value was read as that mean, and in a further channel, for each that has "
            "missing values in the training rows, 1 told so ({lipton2016})."
        )
    if any(check.check == "uneven_steps" for check in run.checks):
        yield say(
            "Steps are not evenly spaced: the logarithm of one and the time since the step before, "
            "in units of the usual one, was read as a further channel."
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
    """What the network is made of."""
    model = run.recipe.model
    size = "{n} units in each direction" if model.bidirectional else "{n} units"
    yield say(
        "Each step was read by a {direction}{cell} of {layers} with {size}; {pooling}, and a "
        "linear layer gave the scores.",
        direction=say("bidirectional ({schuster1997}) ") if model.bidirectional else "",
        cell=say(CELLS[model.cell]),
        layers=say("one layer") if model.num_layers == 1 else say("{n} layers", n=model.num_layers),
        size=say(size, n=model.hidden_size),
        pooling=say(POOLINGS[model.pooling]),
    )
    if dropped := dropouts(run, say):
        yield say(
            "While training, dropout with one mask for each sequence ({gal2016}) hid {dropped}.",
            dropped=say.words.listed(dropped),
        )
