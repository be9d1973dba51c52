"""Methods: what was done, as paragraphs ready to paste, each claim with the work it rests on.

A sentence is a template; what it cites stands in it as ``{breiman2001}``, so that only works
which a run really used are listed below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from duree.evaluation.metrics import SHARES
from duree.report.methods import forecasts, series
from duree.report.methods.model import network_sentences, text_sentences, training_sentences
from duree.report.methods.next import BASELINES as NEXT_BASELINES
from duree.report.methods.next import weight_sentences
from duree.report.methods.phrases import Phrases
from duree.report.methods.references import Reference, references
from duree.report.methods.tags import BASELINES as TAG_BASELINES
from duree.report.methods.tags import question_of_tags, tagger_sentences, word_sentences
from duree.report.numbers import count
from duree.report.run_data import RunData
from duree.report.safe_text import label

MOST_FILES = 3
DIGEST = 16  # of 64 digits, enough to tell files apart; the whole stands in the data table

BASELINES = {
    "majority": "the commonest class of the training rows",
    "mean": "the mean of the training rows",
    "tfidf_logistic": "logistic regression on TF-IDF weights ({sparckjones1972}) of units and "
    "pairs of neighbouring units",
    "tfidf_ridge": "ridge regression ({hoerl1970}) on TF-IDF weights ({sparckjones1972}) of units "
    "and pairs of neighbouring units",
    "nb_svm": "NB-SVM ({wang2012}) with the logistic loss",
    "random_forest": "a random forest ({breiman2001}) on TF-IDF weights of units",
}
STATE_BASELINES = {
    "state_logistic": "logistic regression on times spent in each state, spells, and the first "
    "and last states ({studer2016})",
    "state_ridge": "ridge regression ({hoerl1970}) on times spent in each state, spells, and the "
    "first and last states ({studer2016})",
    "random_forest": "a random forest ({breiman2001}) on the same",
}
# What a baseline's constants are called in a sentence.
CHOSEN = {
    "hidden_states": "hidden states",
    "leaf_steps": "steps in a leaf",
    "rounds": "rounds",
    "strength": "strength",
    "trees": "trees",
}
METRIC_SOURCES = {
    "brier": "the Brier score ({brier1950})",
    "auc": "the area under the ROC curve ({hanley1982})",
    "calibration_error": "the expected calibration error over 15 bins ({naeini2015})",
    "spearman": "Spearman’s rank correlation ({spearman1904})",
}

TESTS = {
    "paired bootstrap": "a paired bootstrap",
    "paired bootstrap by group": "a paired bootstrap of whole groups",
    "McNemar exact": "McNemar’s exact test ({mcnemar1947})",
    "paired permutation": "a paired permutation test ({pitman1937}; {phipson2010})",
    "paired permutation by group": "a paired permutation test of whole groups ({pitman1937}; "
    "{phipson2010})",
}


@dataclass(frozen=True)
class Methods:
    """Paragraphs with their titles, and the works that they cite."""

    paragraphs: list[tuple[str, str]]
    cited: list[Reference]


def write_methods(run: RunData, language: str) -> Methods:
    """The methods section in ``language`` (``"en"`` or ``"zh"``)."""
    words = run.words(language)
    say = Phrases(words)
    parts = {
        "Data": _data(run, say),
        **_of_the_model(run, say),
        "Training": training_sentences(run, say),
        "Baselines": _baselines(run, say),
        "Judging": _evaluation(run, say),
        "Explanations": _explanations(run, say),
        "Software": _software(run, say),
    }
    gap = "" if language == "zh" else " "
    paragraphs = [(words(title), gap.join(found)) for title, found in parts.items()]
    cited = sorted((references()[key] for key in say.cited), key=lambda work: work.full)
    return Methods([(title, text) for title, text in paragraphs if text], cited)


def _of_the_model(run: RunData, say: Phrases) -> dict[str, Iterator[str]]:
    if run.tags is not None:
        network = tagger_sentences(run, run.tags, say)
        return {"Words": word_sentences(run, say), "Network": network}
    if facts := run.forecasts:
        network = forecasts.forecaster_sentences(run, facts, say)
        return {"Series": forecasts.series_sentences(facts, say), "Network": network}
    if channels := run.channels:
        network = series.network_sentences(run, say)
        return {"Series": series.series_sentences(run, channels, say), "Network": network}
    return {"Text": text_sentences(run, say), "Network": network_sentences(run, say)}


def _data(run: RunData, say: Phrases) -> Iterator[str]:
    sources, counts = run.data.sources, run.split.counts
    digests = {source.name: source.sha256[:DIGEST] for source in sources}
    named = [say("{file} (SHA-256 {digest}…)", file=label(f), digest=d) for f, d in digests.items()]
    several = say("{n} files", n=len(sources))
    files = say.words.listed(named) if len(sources) <= MOST_FILES else several
    if sources:
        rows = count(sum(source.rows for source in sources))
        described = (
            "The data were {rows} tokens from {files}."
            if run.tags
            else "The data were {rows} rows from {files}."
        )
        yield say(described, rows=rows, files=files)
    if run.tags is not None:
        yield from question_of_tags(run, run.tags, say)
    else:
        yield _question(run, say)
    if weight := run.recipe.data.weight:
        yield from weight_sentences(run, label(weight), say)
    method = run.split.method_zh if say.words.language == "zh" else run.split.method
    method = say.words.swapped(method or run.split.method)
    yield say("The rows were parted as follows: {method}.", method=method.rstrip(".。"))
    numbers = {part: count(counts.get(part, 0)) for part in ("train", "validation", "test")}
    yield say(
        "This gave {train} rows for training, {validation} for validation and {test} for the test.",
        **numbers,
    )
    if left_out := counts.get("left_out", 0):
        yield say("{n} rows were left out.", n=count(left_out))
    openings = len(run.metrics.test_openings)
    if openings == 1:
        yield say("The test part was opened once, after every choice had been made.")
    elif openings:
        yield say("The test part was opened {n} times.", n=openings)
    if shared := run.metrics.without_shared_rows:
        yield say(
            "{n} test rows have a near-duplicate or their group in the training rows; figures "
            "without them are given beside.",
            n=count(shared.shared),
        )


def _question(run: RunData, say: Phrases) -> str:
    if run.forecasts:
        return forecasts.question_sentence(run, run.forecasts, say)
    names = {"source": _source(run, say), "target": label(run.target_column())}
    if run.answers_steps:
        return say("In {source} what comes next was foretold after each step.", **names)
    if run.is_multilabel:
        return say(
            "From {source} the labels in “{target}” were predicted: any "
            "number of {k} for each row.",
            k=len(run.classes),
            **names,
        )
    if run.classes:
        return say(
            "From {source} the class in “{target}” was predicted, one of {k}.",
            k=len(run.classes),
            **names,
        )
    return say("From {source} the number in “{target}” was predicted.", **names)


def _source(run: RunData, say: Phrases) -> str:
    """What was read."""
    data = run.recipe.data
    if run.channels:
        return series.source(run, say)
    if data.states:
        named = say.words.listed([label(name) for name in data.states])
        return say("the sequences of states in the columns {named}", named=named)
    if data.state:
        return say("each one’s spells of “{state}” in order of time", state=label(data.state))
    if data.event:
        named = say.words.listed([label(name) for name in data.event])
        return say("each one’s events of “{named}” in order of time", named=named)
    return say("the texts in the column “{text}”", text=label(run.column("text") or ""))


def _baselines(run: RunData, say: Phrases) -> Iterator[str]:
    names = [n for n in run.metrics.results if n != "network" and not run.is_part(n)]
    if not names:
        yield say("No baseline was trained.")
        return
    described = [_baseline(run, name, say) for name in names]
    joined = ("；" if say.words.language == "zh" else "; ").join(described)
    if run.forecasts:
        yield say(
            "Beside the network stood, each fitted anew at every origin to that series alone "
            "(statsforecast; {garza2022}): {baselines}.",
            baselines=joined,
        )
        return
    yield say(
        "Beside the network stood, trained on the same rows: {baselines}."
        if run.channels
        else "Beside the network stood, trained on the same rows and the same units: {baselines}.",
        baselines=joined,
    )
    if run.step_features:
        yield say(
            "Trees and logistic regression saw what stands beside the last two events."
            if run.answers_steps
            else "Of what stands beside the events they saw the share of each class, and of "
            "numbers the mean class and the last one."
        )
    yield say(
        "Their constants were chosen on the validation part, never on the test; then each was "
        "fitted on training and validation rows together."
    )


def _baseline(run: RunData, name: str, say: Phrases) -> str:
    known = (
        BASELINES
        | forecasts.FORECASTERS
        | (STATE_BASELINES if run.recipe.data.reads_states else {})
    )
    known |= NEXT_BASELINES if run.answers_steps else {}
    known |= series.BASELINES if run.channels else {}
    known |= TAG_BASELINES if run.tags is not None else {}
    described = say(known[name]) if name in known else name
    chosen = run.metrics.choices.get(name, {})
    if not chosen:
        return described
    settings = ", ".join(
        f"{say(CHOSEN[key]) if key in CHOSEN else key} = {_plain(value)}"
        for key, value in chosen.items()
    )
    return say("{baseline}, with {settings}", baseline=described, settings=settings)


def _evaluation(run: RunData, say: Phrases) -> Iterator[str]:
    yield from _intervals(run, say)
    sources = METRIC_SOURCES | forecasts.METRIC_SOURCES
    named = [say(sources[m]) for m in run.metrics.metric_names if m in sources]
    if named:
        yield say("Among the figures are {metrics}.", metrics=say.words.listed(named))
    primary = run.metrics.primary_metric
    methods = {found.method: 0 for found in run.metrics.comparisons if found.metric == primary}
    if methods:
        tests = [say(TESTS[method]) if method in TESTS else method for method in methods]
        yield say(
            "In {metric} the network was held against each baseline on the very same rows by "
            "{tests}; a difference is claimed only where every test does so after Holm’s "
            "correction for the number of baselines ({holm1979}).",
            metric=say.words.metric(primary),
            tests=say.words.listed(tests),
        )
    if run.metrics.seeds:
        seeds = max((len(values) for values in run.metrics.seeds.values.values()), default=0)
        yield say(
            "{n} networks were trained from different seeds; no difference within their spread is "
            "called one.",
            n=seeds,
        )


def _intervals(run: RunData, say: Phrases) -> Iterator[str]:
    yield say("All figures are from the {test} test rows.", test=count(run.test_rows))
    several = run.forecasts is not None and 1 < run.forecasts.series < run.forecasts.origins
    grouped = run.recipe.data.group is not None or run.tags is not None or several
    sequences = run.answers_steps and not grouped
    resamples = count(run.recipe.evaluation.bootstrap)
    yield say(
        "Their 95 % intervals are percentiles of {n} bootstrap resamples ({efron1979}) of whole "
        "groups ({field2007}), widened as few groups demand ({hesterberg2015})."
        if grouped
        else "Their 95 % intervals are percentiles of {n} bootstrap resamples ({efron1979}) of "
        "whole sequences ({field2007}), widened as few of them demand ({hesterberg2015})."
        if sequences
        else "Their 95 % intervals are percentiles of {n} bootstrap resamples ({efron1979}), "
        "widened as few rows demand ({hesterberg2015}).",
        n=resamples,
    )
    if run.forecasts:
        return
    if run.tags is not None and run.tags.entities:
        yield say("Entities were counted as conlleval does ({tjong2000}).")
    if run.tags is not None:
        yield say(
            "Shares of right tokens have Wilson’s interval ({wilson1927}), on the effective number "
            "of tokens ({kish1965})."
        )
    elif SHARES & set(run.metrics.metric_names):
        yield say(
            "Shares of right rows have Wilson’s interval ({wilson1927}), on the effective number "
            "of rows ({kish1965})."
            if grouped or sequences or run.recipe.data.weight is not None
            else "Shares of right rows have Wilson’s interval ({wilson1927})."
        )


def _explanations(run: RunData, say: Phrases) -> Iterator[str]:
    found = run.explanations
    if found is None:
        return
    if found.order:
        yield say(
            "What word order is worth was found on {n} test rows, by the same network on the same "
            "texts with their words in random order.",
            n=count(found.order.rows),
        )
    if found.curves:
        yield say(
            "What each word added was found by integrated gradients ({sundararajan2017}) from a "
            "text of the same length without content, and held against a random order by deleting "
            "and inserting words ({petsiuk2018}) on {n} test rows.",
            n=count(found.curves.rows),
        )
    if found.arc:
        yield say(
            "The longest text was followed in passages of {passage} units; its changes of level "
            "were found by binary segmentation, each tested by permutations ({matteson2014}).",
            passage=found.arc.passage,
        )


def _software(run: RunData, say: Phrases) -> Iterator[str]:
    versions = run.data.versions
    named = [f"Durée {versions['duree']}"] if "duree" in versions else ["Durée"]
    for package, template in (
        ("python", "Python {version}"),
        ("torch", "PyTorch {version} ({paszke2019})"),
        ("numpy", "NumPy {version} ({harris2020})"),
        ("scikit-learn", "scikit-learn {version} ({pedregosa2011})"),
    ):
        if package in versions:
            named.append(say(template, version=versions[package]))
    facts = {"software": say.words.listed(named), "seed": run.metrics.seed}
    if run.data.threads:
        yield say(
            "Everything was computed with {software}, on {threads} threads, from seed {seed}.",
            threads=run.data.threads,
            **facts,
        )
    else:
        yield say("Everything was computed with {software}, from seed {seed}.", **facts)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
