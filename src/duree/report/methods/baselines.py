"""Methods section: baselines and their tuning."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods.phrases import Phrases
from duree.report.numbers import seconds
from duree.report.run_data import RunData
from duree.report.vocabulary import Words
from duree.results.baseline import LeftOut
from duree.results.metrics_file import NETWORK

# For runs of version 0.1.0, which store only names; facets have further ones.
BASELINES = {
    "majority": "the most frequent class of the training rows",
    "mean": "the mean of the training rows",
    "tfidf_logistic": "logistic regression on TF-IDF weights ({sparckjones1972}) of units and "
    "pairs of neighbouring units",
    "tfidf_ridge": "ridge regression ({hoerl1970}) on TF-IDF weights ({sparckjones1972}) of units "
    "and pairs of neighbouring units",
    "nb_svm": "NB-SVM ({wang2012}) with the logistic loss",
    "random_forest": "a random forest ({breiman2001}) on TF-IDF weights of units",
}
# Names of tuned settings in sentences.
CHOSEN = {
    "hidden_states": "hidden states",
    "leaf_steps": "steps in a leaf",
    "order": "order",
    "rounds": "rounds",
    "share_of_cache": "share of the cache",
    "strength": "strength",
    "trees": "trees",
}


def baseline_sentences(run: RunData, say: Phrases) -> Iterator[str]:
    """Sentences on the baselines and their training."""
    names = [n for n in run.metrics.results if n != NETWORK and not run.is_part(n)]
    if names:
        described = [_with_constants(run, name, say) for name in names]
        joined = ("；" if say.words.language == "zh" else "; ").join(described)
        yield from run.target.baseline_sentences(run, joined, say)
    else:
        yield say("No baseline was trained.")
    for left_out in run.metrics.left_out.values():
        yield left_out_sentence(left_out, say.words)


def left_out_sentence(left_out: LeftOut, words: Words) -> str:
    """A sentence on a baseline that was left out for want of time."""
    model = words.within(_first_capital(words(left_out.title)))
    limit = seconds(left_out.limit, words)
    if left_out.seconds is None:
        return words(
            "{model} was left out: it did not end within the limit of {limit}.",
            model=model,
            limit=limit,
        )
    return words(
        "{model} was left out: it would have taken about {time}, more than the limit of {limit}.",
        model=model,
        time=seconds(left_out.seconds, words),
        limit=limit,
    )


def of_same_rows(run: RunData, described: str, say: Phrases) -> Iterator[str]:
    """Sentences on baselines that are fitted on the training rows."""
    yield say(run.rows.with_baselines, baselines=described)
    for extra in run.extras:
        yield from extra.baseline_sentences(run, say)
    yield say(
        "Their hyperparameters were chosen on the validation set, never on the test set; each "
        "was then refitted on training and validation rows together."
    )


def describe_baseline(run: RunData, name: str, say: Phrases) -> str:
    """The description of a baseline; its name if it is unknown."""
    if words := run.metrics.baselines.get(name):
        return say(words.description or words.title)
    known = {**BASELINES, **run.rows.baselines, **run.target.baselines}
    return say(known[name]) if name in known else name


def _with_constants(run: RunData, name: str, say: Phrases) -> str:
    described = describe_baseline(run, name, say)
    chosen = run.metrics.choices.get(name, {})
    if not chosen:
        return described
    settings = ("，" if say.words.language == "zh" else ", ").join(
        f"{say(CHOSEN[key]) if key in CHOSEN else key} = {_plain(value)}"
        for key, value in chosen.items()
    )
    return say("{baseline}, with {settings}", baseline=described, settings=settings)


def _first_capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _plain(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3g}" if abs(value) < 100 else f"{value:g}"
