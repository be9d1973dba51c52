"""Methods section: forecasts, with transformation, encoding, network and baselines."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods import network
from duree.report.methods.phrases import Phrases
from duree.report.numbers import count
from duree.report.run_data import RunData
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.run_files import ForecastFacts
from duree.tables.time.seasons import LONGEST_SEASON

DIFFERENCES = {
    "none": "the mean of the window (no differencing)",
    "first": "its last value (first differencing)",
    "seasonal": "the value one season earlier (seasonal differencing)",
    "both": (
        "the value one season earlier plus the change since then (first and seasonal differencing)"
    ),
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
# Baselines that have the season of the network, unless it is longer than they can fit.
SEASONAL = ("seasonal_naive", "theta", "ets", "arima")
LOSSES = {
    "quantiles": "pinball loss ({koenker1978})",
    "gaussian": "negative log-likelihood",
    "student": "negative log-likelihood",
    "negative_binomial": "negative log-likelihood",
}


def question_sentence(run: RunData, facts: ForecastFacts, say: Phrases) -> str:
    """A sentence on the target of the forecasts."""
    return say(
        "The next {horizon} steps of {series} series of “{target}” were forecast.",
        series=count(facts.series),
        target=label(run.target_column()),
        horizon=facts.horizon,
    )


def encoding_sentences(facts: ForecastFacts, say: Phrases) -> Iterator[str]:
    """Sentences on the encoding of series as windows."""
    power, shift = facts.transform["power"], facts.transform["shift"]
    if power == 0:
        plus = " + 1" if shift else ""
        yield say("Logarithms of the values{plus} were taken.", plus=plus)
    elif power != 1:
        yield say(
            "Values were Box–Cox transformed with power {power:g} ({box1964}; chosen by the "
            "method of {guerrero1993}).",
            power=power,
        )
    if zero := facts.transform.get("zero"):
        yield say(
            "The values are counts without a 0 in training; a later 0 was read as {zero:g}.",
            zero=zero,
        )
    yield say(
        "Each window of {window} steps was expressed relative to {reference}, in units of its "
        "own mean absolute change; the forecasts were transformed back.",
        window=facts.window,
        reference=say(DIFFERENCES[facts.difference]),
    )
    if found := facts.season_search:
        yield say(
            "The season of {season} steps was not set: it was found in {seasonal} of {series} "
            "series, as peaks at {season} and {twice} steps of the autocorrelation of their "
            "training values, after a quadratic trend and a first-order autoregression.",
            season=facts.season,
            twice=2 * facts.season,
            seasonal=count(found.seasonal),
            series=count(found.series),
        )
    if facts.season > 1:
        yield say(
            (
                "The values one season ({season} steps) before the steps to come were read as a "
                "further channel."
            ),
            season=facts.season,
        )
    if facts.past or facts.known or facts.calendar:
        covariates = [label(name) for name in (*facts.past, *facts.known)]
        covariates += [say("the calendar")] if facts.calendar else []
        yield say("Covariates: {columns}.", columns=say.words.listed(covariates))


def network_sentences(run: RunData, facts: ForecastFacts, say: Phrases) -> Iterator[str]:
    """Sentences on the network's architecture."""
    yield say(
        "The windows were read by a {cell} with {layers}; {pooling}, and a linear layer "
        "predicted {distribution}, for all steps at once; a linear autoregression on the last "
        "{horizon} values was added ({lai2018}).",
        cell=network.cell(run, say),
        layers=network.layers(run, say),
        pooling=network.pooling(run, say),
        distribution=say(DISTRIBUTIONS[facts.distribution]),
        horizon=facts.horizon,
    )
    if facts.distribution != "negative_binomial":
        yield say(
            "Its bands were scaled by factors found on the validation set, so that they reach "
            "their nominal coverage there ({romano2019})."
        )


def baseline_sentences(
    run: RunData, facts: ForecastFacts, described: str, say: Phrases
) -> Iterator[str]:
    """Sentences on how the baselines were fitted; ``described`` lists them."""
    yield say(
        "The baselines, each refitted at every origin to that series alone (statsforecast; "
        "{garza2022}), were: {baselines}.",
        baselines=described,
    )
    names = [name for name in SEASONAL if name in run.metrics.results]
    if facts.season > 1 and names:
        fits = facts.season <= LONGEST_SEASON
        able = [name for name in names if fits or name == "seasonal_naive"]
        yield say(
            "Like the network, {models} had a season of {season} steps.",
            models=_models(able, say),
            season=facts.season,
        )
        if without := [name for name in names if name not in able]:
            yield say(
                "It is longer than {models} can fit: they had none.", models=_models(without, say)
            )
    if "naive2" in run.metrics.results and facts.naive_season != facts.season:
        yield say(
            "Naive2 and the scale of errors had a season of {season} steps."
            if facts.naive_season > 1
            else "Naive2 and the scale of errors had no season.",
            season=facts.naive_season,
        )


def _models(names: list[str], say: Phrases) -> str:
    return say.words.listed([say.words.model(name, "") for name in names])


def seen_sentences(run: RunData, facts: ForecastFacts, words: Words) -> list[str]:
    """Sentences on the information about the future available to each model."""
    covariates = [label(name) for name in facts.known]
    covariates += [words("the calendar")] if facts.calendar else []
    sentences = [
        words(
            "The network sees a series up to the origin and {columns} of the future steps, "
            "known in advance; it was trained once, on windows whose targets end before the "
            "first forecast of the validation set.",
            columns=words.listed(covariates),
        )
        if covariates
        else words(
            "The network sees a series up to the origin and nothing of the future steps; it "
            "was trained once, on windows whose targets end before the first forecast of the "
            "validation set."
        )
    ]
    if len(run.metrics.models) > 1:
        sentences.append(
            words(
                "Each baseline is refitted at every origin, to that series alone, on all its "
                "values up to the origin, and sees nothing of the future steps."
            )
        )
    sentences.append(
        words(
            "Errors are scaled by the mean change of the series and by Naive2, both computed "
            "from the values up to the origin."
            if facts.naive_season == 1
            else "Errors are scaled by the mean change of the series over a season of {season} "
            "steps and by Naive2, both computed from the values up to the origin.",
            season=facts.naive_season,
        )
    )
    sentences.append(
        words("Intervals come from resampling whole series.")
        if facts.series > 1
        else words(
            "There is only one series: intervals come from resampling its {n} origins and say "
            "nothing about other series.",
            n=count(facts.origins),
        )
    )
    return sentences


def stationarity_sentence(facts: ForecastFacts, words: Words) -> str:
    """A sentence on the results of the ADF and KPSS tests; empty if they were not done."""
    found = facts.stationarity
    if found is None:
        return ""
    return words(
        "Of {series} series (up to the test period, after the transformation), the ADF test "
        "rejects a unit root in {adf} and the KPSS test rejects stationarity in {kpss}; for "
        "their step-to-step changes, in {adf_changes} and {kpss_changes} (5 % level). "
        "Forecasts are relative to {reference}, which was set, or was closest to the following "
        "values in the training windows.",
        series=count(found.series),
        adf=found.series - found.values["unit_root"],
        kpss=found.values["wanders"],
        adf_changes=found.series - found.changes["unit_root"],
        kpss_changes=found.changes["wanders"],
        reference=words(DIFFERENCES[facts.difference]),
    )
