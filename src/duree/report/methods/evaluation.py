"""Methods section: evaluation, with intervals and tests."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from duree.report.methods.phrases import Phrases
from duree.report.numbers import count
from duree.report.run_data import RunData

TESTS = {
    "paired bootstrap": "a paired bootstrap",
    "paired bootstrap by group": "a paired bootstrap of whole groups",
    "McNemar exact": "McNemar’s exact test ({mcnemar1947})",
    "paired permutation": "a paired permutation test ({pitman1937}; {phipson2010})",
    "paired permutation by group": "a paired permutation test of whole groups ({pitman1937}; "
    "{phipson2010})",
}


class Resampling(Enum):
    """The units that the bootstrap resamples, with the sentence for each."""

    ROWS = (
        "The 95 % intervals are percentiles of {n} bootstrap resamples ({efron1979}), widened "
        "for small numbers of rows ({hesterberg2015})."
    )
    SEQUENCES = (
        "The 95 % intervals are percentiles of {n} bootstrap resamples ({efron1979}) of whole "
        "sequences ({field2007}), widened for small numbers of sequences ({hesterberg2015})."
    )
    GROUPS = (
        "The 95 % intervals are percentiles of {n} bootstrap resamples ({efron1979}) of whole "
        "groups ({field2007}), widened for small numbers of groups ({hesterberg2015})."
    )


def evaluation_sentences(run: RunData, say: Phrases) -> Iterator[str]:
    """Sentences on the evaluation and comparison of models."""
    yield say("All metrics are computed on the {test} test rows.", test=count(run.test_rows))
    resamples = run.recipe.evaluation.bootstrap
    yield say(run.target.resampling(run).value, n=count(resamples))
    yield from run.target.share_sentences(run, say)
    sources = [source for m in run.metrics.metric_names if (source := run.metrics.metric(m).source)]
    if sources:
        named = say.words.listed([say(source) for source in sources])
        yield say("The metrics include {metrics}.", metrics=named)
    yield from _comparison_sentences(run, say)
    if run.metrics.seeds:
        seeds = max((len(values) for values in run.metrics.seeds.values.values()), default=0)
        yield say(
            "{n} networks were trained from different seeds; differences within their range "
            "are not claimed.",
            n=seeds,
        )


def _comparison_sentences(run: RunData, say: Phrases) -> Iterator[str]:
    primary = run.metrics.primary_metric
    methods = {found.method: 0 for found in run.metrics.comparisons if found.metric == primary}
    if methods:
        tests = [say(TESTS[method]) if method in TESTS else method for method in methods]
        yield say(
            "The network was compared with each baseline in {metric}, on the same rows, by "
            "{tests}; a difference is claimed only if every test supports it after Holm’s "
            "correction for the number of baselines ({holm1979}).",
            metric=say.words.within(say.words.metric(primary)),
            tests=say.words.listed(tests),
        )


def share_sentences(run: RunData, resampling: Resampling, say: Phrases) -> Iterator[str]:
    """Sentences on the intervals of shares of rows, if there are any."""
    if not any(run.metrics.metric(name).share for name in run.metrics.metric_names):
        return
    is_plain = resampling is Resampling.ROWS and run.recipe.data.weight is None
    yield say(
        "Shares of correct rows have Wilson intervals ({wilson1927})."
        if is_plain
        else "Shares of correct rows have Wilson intervals ({wilson1927}), based on the "
        "effective number of rows ({kish1965})."
    )
