"""Sections of all runs: result, data, training, settings, methods, how to use and cite."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from duree.report.differences import agreements, differences
from duree.report.methods.baselines import left_out_sentence
from duree.report.methods.references import software_bibtex
from duree.report.methods.write import write_methods
from duree.report.notes import retold
from duree.report.numbers import MINUS, count, difference, estimate, p_value, seconds
from duree.report.pages import table_rows as rows
from duree.report.pages.decisions import misleading_accuracy, moved_decisions
from duree.report.pages.section import Page, Section
from duree.report.pages.settings import list_choices
from duree.report.run_data import RunData
from duree.report.vocabulary import Words
from duree.results.metrics_file import NETWORK, Metrics

STEPS = ("read", "encode", "train", "baselines", "evaluate", "explain", "total")
MOST_CLASSES = 20
OTHER = {"en": "zh", "zh": "en"}


@dataclass(frozen=True)
class Tile:
    """A number in large print, with its caption."""

    title: str
    value: str
    below: list[str]
    ours: bool = False


class ResultSection(Section):
    """The verdict, and the metrics of all models."""

    anchor = "result"
    title = "Result"
    template = "result.html"

    def facts(self, page: Page) -> dict[str, Any]:
        run, words, metrics = page.run, page.words, page.run.metrics
        other = OTHER[words.language]
        metric = words.metric(metrics.primary_metric)
        without_shared = rows.without_shared(run)
        return {
            "verdict": readable_verdict(run, words),
            "other": other,
            "verdict_other": readable_verdict(run, run.words(other)) if metrics.verdict_zh else "",
            "tiles": list(tiles(run, words)),
            "without_shared": without_shared,
            "misleading": misleading_accuracy(run, words),
            "models": rows.model_rows(run, words),
            "notes": [
                *moved_decisions(run, words),
                *(left_out_sentence(found, words) for found in metrics.left_out.values()),
                *(_note(note, metrics, words) for note in metrics.notes),
            ],
            "differences": differences(run, metrics.primary_metric),
            "difference_rows": rows.difference_rows(run, words),
            "agreements": agreements(run),
            "seeds": rows.seed_rows(run),
            "metric": metric,
        }


def tiles(run: RunData, words: Words) -> Iterator[Tile]:
    """The network, its strongest baseline, their difference, and the number of test rows."""
    metrics, primary, best = run.metrics, run.metrics.primary, run.strongest_baseline
    own = metrics.results[NETWORK].estimates.get(primary.name)
    if own:
        shown = estimate(own, primary, run.test_rows)
        model = words.model(NETWORK, metrics.cell)
        title = words("{metric}, {model}", metric=words.metric(primary.name), model=model)
        yield Tile(title, shown.value, [shown.interval], ours=True)
    if best:
        shown = estimate(metrics.results[best].estimates[primary.name], primary, run.test_rows)
        title = words("best baseline: {model}", model=words.model(best, metrics.cell))
        yield Tile(title, shown.value, [shown.interval])
        for found in differences(run, primary.name):
            if found.model == best:
                shown = difference(primary, found.evidence, run.test_rows)
                against = found.evidence
                p = p_value(against.p_value, run.test_rows, against.is_bound)
                p = f"{words('p (Holm)')}{words.gap}{p}"
                title = words("network minus that baseline")
                yield Tile(title, shown.value, [shown.interval, p])
    openings = len(metrics.test_openings)
    opened = words("used once") if openings == 1 else words("used {n} times", n=openings)
    yield Tile(words("test rows"), count(run.test_rows), [opened])


def readable_verdict(run: RunData, words: Words) -> str:
    """The verdict with the titles of models and typographic minus signs."""
    metrics = run.metrics
    verdict = (metrics.verdict_zh if words.language == "zh" else "") or metrics.verdict
    text = words.named(verdict, metrics.models, metrics.cell)
    return re.sub(r"(?<!\w)-(?=\d)", MINUS, text)


def _note(note: str, metrics: Metrics, words: Words) -> str:
    """A note on a model, with its title."""
    name, colon, text = note.partition(": ")
    if name not in metrics.models:
        return retold(note, words)
    return words.model(name, metrics.cell) + colon + retold(text, words)


class DataSection(Section):
    """The split, the evaluations on the test set, the checks and the files."""

    anchor = "data"
    title = "Data"
    template = "data.html"

    def facts(self, page: Page) -> dict[str, Any]:
        run, words = page.run, page.words
        method = (run.split.method_zh if words.language == "zh" else "") or run.split.method
        openings = len(run.metrics.test_openings)
        return {
            "method": words.sentence(words.with_nouns(method)),
            "split_caption": words.joined(
                words(
                    "Training set, validation set (for all choices) and test set (for the "
                    "results above)."
                ),
                _shares_below(run, words),
            ),
            "opened": words("The test set was used once:")
            if openings == 1
            else Markup("<strong>{}</strong>").format(
                words("The test set was used {n} times:", n=openings)
            ),
            "checks": rows.check_rows(run, words),
            "files_unit": words(run.rows.files_unit),
        }


def _shares_below(run: RunData, words: Words) -> str:
    if not run.split.class_counts:
        return ""
    if len(run.target.classes(run)) <= MOST_CLASSES:
        return words("Below, the share of each class in each set.")
    return words("Below, the shares of the 20 most frequent classes in each set.")


class TrainingSection(Section):
    """The training of the network."""

    anchor = "training"
    title = "Training"
    template = "training.html"

    def facts(self, page: Page) -> dict[str, Any]:
        run, words = page.run, page.words
        return {
            "caption": words.joined(
                words(
                    "Learning curves. The dashed line marks the epoch whose weights are the "
                    "model’s: the best on the validation set."
                ),
                words(run.target.loss_note) if run.target.loss_note else "",
            ),
            "speeds": list(_speeds(run, words)),
        }


def _speeds(run: RunData, words: Words) -> Iterator[str]:
    """The duration of each step of the run."""
    taken = run.metrics.seconds
    yield from (f"{words(step)} {seconds(taken[step], words)}" for step in STEPS if step in taken)
    if run.data.threads:
        threads = run.data.threads
        yield words("1 thread") if threads == 1 else words("{n} threads", n=threads)
    if run.history:
        yield words("{n} rows per second", n=count(round(run.history[-1].rows_per_second)))


class ChoicesSection(Section):
    """All settings with their defaults."""

    anchor = "choices"
    title = "Settings"
    template = "choices.html"

    def facts(self, page: Page) -> dict[str, Any]:
        names = {source.path: source.name for source in page.run.data.sources}
        choices = list_choices(page.run.recipe, page.words, names)
        return {
            key: [
                (title, [one for one in of if one.changed is is_changed]) for title, of in choices
            ]
            for key, is_changed in (("changed", True), ("usual", False))
        }


class MethodsSection(Section):
    """The methods section in both languages."""

    anchor = "methods"
    title = "Methods section"
    template = "methods.html"

    def facts(self, page: Page) -> dict[str, Any]:
        return {"methods": _methods(page), "cited": _cited(page)}


class RepeatSection(Section):
    """How to predict new rows, to repeat the run, and to cite what it used."""

    anchor = "repeat"
    title = "Use, repeat, cite"
    template = "repeat.html"

    def facts(self, page: Page) -> dict[str, Any]:
        run = page.run
        needs, files = run.rows.to_predict(run, page.words)
        own = software_bibtex(run.data.versions.get("duree", ""))
        return {
            "quoted_name": shlex.quote(run.name),
            "needs": needs,
            "files": files,
            "bibtex": "\n\n".join([own, *(work.bibtex for work in _cited(page))]),
        }


def _methods(page: Page) -> dict[str, Any]:
    """The methods by language, that of the page first."""
    languages = (page.words.language, OTHER[page.words.language])
    return {language: write_methods(page.run, language) for language in languages}


def _cited(page: Page) -> list[Any]:
    works = {work.key: work for found in _methods(page).values() for work in found.cited}
    return list(works.values())


# In the order of the page; each section of a facet comes after one of these.
SECTIONS = (
    *(ResultSection, DataSection, TrainingSection),
    *(ChoicesSection, MethodsSection, RepeatSection),
)


def sections_of(page: Page) -> list[Section]:
    """The sections with content, in order."""
    own = [section for facet in page.run.facets for section in facet.sections()]
    placed: list[Section] = []
    for kind in SECTIONS:
        section = kind()
        placed += [section, *(one for one in own if one.after == section.anchor)]
    return [section for section in placed if section.shows(page)]
