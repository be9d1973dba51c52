"""Methods of forecasts: how series were steadied and read, what forecast them, what was seen."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods import network
from duree.report.methods.phrases import Phrases
from duree.report.numbers import count
from duree.report.run_data import RunData
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.run_files import ForecastFacts

DIFFERENCES = {
    "none": "the mean of the window (no differencing)",
    "first": "its last value (which is first differencing)",
    "seasonal": "the value a season before (which is seasonal differencing)",
    "both": "the value a season before plus the change since (first and seasonal differencing)",
}
DISTRIBUTIONS = {
    "quantiles": "eleven quantiles of every step ({wen2017})",
    "gaussian": "the mean and standard deviation of a normal distribution for every step",
    "student": "a Student t distribution for every step",
    "negative_binomial": "a negative binomial distribution for every step ({salinas2020})",
}
BASELINES = {
    "naive": "the last value",
    "naive2": "Naive2, the last value after a seasonal adjustment where there is a season "
    "({makridakis2020})",
    "seasonal_naive": "the value of the season before",
    "ses": "simple exponential smoothing",
    "theta": "the dynamic optimised Theta method ({fiorucci2016})",
    "ets": "exponential smoothing chosen by AICc (ETS; {hyndman2002})",
    "arima": "ARIMA chosen by AICc ({hyndman2008})",
}
LOSSES = {
    "quantiles": "pinball loss ({koenker1978})",
    "gaussian": "negative log-likelihood",
    "student": "negative log-likelihood",
    "negative_binomial": "negative log-likelihood",
}


def question_sentence(run: RunData, facts: ForecastFacts, say: Phrases) -> str:
    """What was forecast."""
    return say(
        "Of {series} series of “{target}” the next {horizon} steps were forecast.",
        series=count(facts.series),
        target=label(run.target_column()),
        horizon=facts.horizon,
    )


def encoding_sentences(facts: ForecastFacts, say: Phrases) -> Iterator[str]:
    """How a series became windows."""
    power, shift = facts.transform["power"], facts.transform["shift"]
    if power == 0:
        plus = " + 1" if shift else ""
        yield say("Logarithms of the values{plus} were taken.", plus=plus)
    elif power != 1:
        yield say(
            "Values were transformed by Box and Cox’s power {power:g} ({box1964}; chosen as "
            "{guerrero1993} does).",
            power=power,
        )
    yield say(
        "Each window of {window} steps was measured from {reference}, in units of its own mean "
        "absolute change; all of this is undone in the forecasts.",
        window=facts.window,
        reference=say(DIFFERENCES[facts.difference]),
    )
    if facts.season > 1:
        yield say(
            "Beside each value stood how the series had gone on {season} steps before.",
            season=facts.season,
        )
    if facts.past or facts.known or facts.calendar:
        covariates = [label(name) for name in (*facts.past, *facts.known)]
        covariates += [say("the calendar")] if facts.calendar else []
        yield say("Read beside them: {columns}.", columns=say.words.listed(covariates))


def network_sentences(run: RunData, facts: ForecastFacts, say: Phrases) -> Iterator[str]:
    """What the network is made of."""
    yield say(
        "The windows were read by a {cell} of {layers}; {pooling}, and a linear layer gave from it "
        "{distribution}, all steps at once; a linear autoregression on the last {horizon} values "
        "was added ({lai2018}).",
        cell=network.cell(run, say),
        layers=network.layers(run, say),
        pooling=network.pooling(run, say),
        distribution=say(DISTRIBUTIONS[facts.distribution]),
        horizon=facts.horizon,
    )
    if facts.distribution != "negative_binomial":
        yield say(
            "Its bands were stretched by factors found on the validation part, so that they hold "
            "as much of it as they say ({romano2019})."
        )


def baseline_sentences(described: str, say: Phrases) -> Iterator[str]:
    """How the baselines, which ``described`` lists, were fitted."""
    yield say(
        "Beside the network stood, each fitted anew at every origin to that series alone "
        "(statsforecast; {garza2022}): {baselines}.",
        baselines=described,
    )


def seen_sentences(run: RunData, facts: ForecastFacts, words: Words) -> list[str]:
    """What each model may see of the future, a plain sentence each."""
    covariates = [label(name) for name in facts.known]
    covariates += [words("the calendar")] if facts.calendar else []
    sentences = [
        words(
            "The network sees a series up to the origin and {columns} of the steps to come, known "
            "beforehand; it was trained once, on windows whose answers end before the first "
            "forecast of the validation part.",
            columns=words.listed(covariates),
        )
        if covariates
        else words(
            "The network sees a series up to the origin and nothing of the steps to come; it was "
            "trained once, on windows whose answers end before the first forecast of the "
            "validation part."
        )
    ]
    if len(run.metrics.models) > 1:
        sentences.append(
            words(
                "Each baseline is fitted anew at every origin, to that series alone, on all its "
                "values up to the origin, and sees nothing of the steps to come."
            )
        )
    sentences.append(
        words(
            "What errors are divided by (the mean change of the series; Naive2) is taken from the "
            "values up to the origin."
        )
    )
    sentences.append(
        words("Intervals are from resampling whole series.")
        if facts.series > 1
        else words(
            "There is one series only: intervals are from resampling its {n} origins, and tell of "
            "no other series.",
            n=count(facts.origins),
        )
    )
    return sentences


def stationarity_sentence(facts: ForecastFacts, words: Words) -> str:
    """What ADF and KPSS found; nothing where they were not made."""
    found = facts.stationarity
    if found is None:
        return ""
    return words(
        "Of {series} series, as they stood before the test and after the transformation, the ADF "
        "test rejects a unit root in {adf} and the KPSS test rejects stationarity in {kpss}; of "
        "their changes from step to step, in {adf_changes} and {kpss_changes} (5 % level). The "
        "forecasts start from {reference}: that lay nearest in the training windows, or was set.",
        series=count(found.series),
        adf=found.series - found.values["unit_root"],
        kpss=found.values["wanders"],
        adf_changes=found.series - found.changes["unit_root"],
        kpss_changes=found.changes["wanders"],
        reference=words(DIFFERENCES[facts.difference]),
    )
