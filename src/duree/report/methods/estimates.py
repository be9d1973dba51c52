"""The methods paragraph of an estimate, and its assumptions in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.estimate_facts import EstimateFacts
from duree.report.methods.phrases import Phrases
from duree.report.methods.references import Reference, references
from duree.report.numbers import count, level
from duree.report.safe_text import label
from duree.report.vocabulary import Words

MODELS = {
    "lm": "a linear regression",
    "logit": "a logistic regression",
    "poisson": "a Poisson regression",
}


def write_estimate_methods(facts: EstimateFacts, words: Words) -> tuple[str, list[Reference]]:
    """The paragraph in the words' language, and the works that it cites, by author."""
    say = Phrases(words)
    text = words.joined(*_sentences(facts, say))
    return text, sorted((references()[key] for key in say.cited), key=lambda work: work.full)


def _sentences(facts: EstimateFacts, say: Phrases) -> Iterator[str]:
    record, words = facts.record, say.words
    variables = words.quoted([one.name for one in record.variables])
    shown = {"formula": label(record.formula, 200), "variables": variables}
    shown |= {"rows": count(record.rows), "labelled": count(record.labelled)}
    if record.shares:
        yield say(
            "Shares ({formula}) were estimated over {rows} rows; {variables} was predicted in all "
            "rows and labelled by hand in {labelled}.",
            **shown,
        )
    else:
        yield say(
            "We estimated {model} ({formula}) over {rows} rows; {variables} was predicted in all "
            "rows and labelled by hand in {labelled}.",
            model=words(MODELS[record.model]),
            **shown,
        )
    if record.fixed_effects:
        yield say(
            "Fixed effects of {effects} were absorbed.",
            effects=words.quoted(list(record.fixed_effects)),
        )
    yield from _sampling(facts, say)
    yield say(
        "Predictions were corrected by the labelled rows with design-based supervised learning "
        "({egami2023}; see also {angelopoulos2023}): the estimating equations take the "
        "predictions, plus the difference between label and prediction of each labelled row "
        "divided by its probability of being labelled."
    )
    settings = record.settings
    yield say(
        "Predictions were recalibrated on the labelled rows by penalised regressions in {folds} "
        "folds, so that no row corrects itself ({zrnic2024}); estimates are medians over {splits} "
        "random divisions into folds.",
        folds=settings.folds,
        splits=settings.splits,
    )
    yield from _uncertainty(facts, say)
    yield say(
        "The computation was done with Durée {version} (seed {seed}).",
        version=record.version,
        seed=settings.seed,
    )


def _sampling(facts: EstimateFacts, say: Phrases) -> Iterator[str]:
    record = facts.record
    if record.design == "equal_prob":
        yield say("All rows had the same probability of being labelled.")
    elif len(record.strata) > 1:
        yield say(
            "The labelled rows are a random sample from {strata} strata, with probabilities of "
            "{probabilities}.",
            strata=len(record.strata),
            probabilities=_probabilities(facts),
        )
    else:
        yield say(
            "The labelled rows are a random sample, with probabilities of {probabilities}.",
            probabilities=_probabilities(facts),
        )
    if record.out_of_fold:
        yield say(
            "The network’s predictions are out of fold: no row trained the network that predicted "
            "it ({chernozhukov2018})."
        )


def _uncertainty(facts: EstimateFacts, say: Phrases) -> Iterator[str]:
    record = facts.record
    confidence = level(record.settings.confidence)
    if record.cluster:
        yield say(
            "Standard errors are robust to dependence within “{cluster}” ({clusters} clusters, "
            "{labelled} of them with labels).",
            cluster=label(record.cluster, 60),
            clusters=count(record.clusters or 0),
            labelled=count(record.labelled_clusters or 0),
        )
    elif not record.population:
        yield say("Standard errors are robust to heteroscedasticity.")
    if record.population:
        yield say(
            "The estimates describe these rows as a finite population: standard errors hold the "
            "variance of the sampling of labels only."
        )
    yield say(
        "{confidence} intervals are those of t distributions with degrees of freedom after "
        "Satterthwaite ({satterthwaite1946}).",
        confidence=confidence,
    )
    if any(one.method == "mover" for one in record.terms):
        yield say(
            "Shares with few labels have intervals combined from Wilson’s intervals of the cells "
            "of the sample ({zou2008})."
        )


def assumptions(facts: EstimateFacts, words: Words) -> Iterator[tuple[str, str]]:
    """What the intervals rest on, each as a heading and a sentence or two."""
    record = facts.record
    drawn = {
        "coding": words(
            "They were drawn by “duree sample”, each with a known probability ({probabilities}).",
            probabilities=_probabilities(facts),
        ),
        "sample_prob": words(
            "Their probabilities ({probabilities}) come from a column of the table: they must be "
            "those by which rows were really drawn.",
            probabilities=_probabilities(facts),
        ),
        "equal_prob": words(
            "That all rows had the same chance was stated by whoever made this estimate; the data "
            "cannot show it. Rows picked because they were easy, certain, doubtful or at hand are "
            "no random sample."
        ),
    }
    yield words("The labelled rows are a random sample"), drawn[record.design]
    yield (
        words("The labels are right"),
        words(
            "The estimate is of what coders find, their errors included. Have part of the rows "
            "coded twice and report the agreement (duree agree)."
        ),
    )
    trained = {
        True: words(
            "Predictions are out of fold: each row was predicted by a network that it did not "
            "train."
        ),
        False: words("This was checked against the record that “duree predict” left."),
        None: words(
            "Nothing records which rows trained it, so this could not be checked: make sure of it."
        ),
    }
    yield (
        words("No labelled row trained the network that predicted it"),
        trained[record.out_of_fold],
    )
    yield (
        words("The predictions may be wrong"),
        words(
            "Nothing is assumed of them. Good predictions make intervals narrower; bad ones leave "
            "them about as wide as those of the labels alone, but still valid."
        ),
    )
    if record.cluster:
        independent = words(
            "Rows of the same “{cluster}” may depend on each other in any way; different ones are "
            "independent.",
            cluster=label(record.cluster, 60),
        )
    else:
        independent = words(
            "If several rows come from one author, case or document, give that column as the "
            "cluster: without it intervals are too narrow."
        )
    if not record.population:
        yield words("Rows, or clusters of rows, are independent"), independent
    described = (
        words(
            "These {rows} rows and no others: how they came to be is no part of the uncertainty.",
            rows=count(record.rows),
        )
        if record.population
        else words(
            "What produced these {rows} rows, as if they were a random draw from it.",
            rows=count(record.rows),
        )
    )
    yield words("What is described"), described
    if not record.shares:
        yield (
            words("A regression is a description"),
            words(
                "The coefficients are those that a regression on hand-made labels of all rows "
                "would give. Whether they are causes depends on the design of the study, as always."
            ),
        )


def _probabilities(facts: EstimateFacts) -> str:
    """The smallest and the largest probability, with three significant digits: ``0.05–0.2``."""
    low, high = (f"{value:.3g}" for value in facts.record.probabilities)
    return low if low == high else f"{low}\N{EN DASH}{high}"
