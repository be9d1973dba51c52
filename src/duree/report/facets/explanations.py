"""The facet of explanations of the network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from duree.report.facets.extra import Extra
from duree.report.figures.explanations import draw_arc, draw_faithfulness, draw_map, draw_memory
from duree.report.figures.plan import Plan
from duree.report.methods import explanations
from duree.report.methods.phrases import Phrases
from duree.report.numbers import count, estimate, level, number, p_value, share
from duree.report.pages.arc import arc_facts
from duree.report.pages.examples import shaded_examples
from duree.report.pages.section import Page, Section
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.report.vocabulary import Words
from duree.results.explanations import Chance, Curves, Explanations, Order


@dataclass(frozen=True)
class Learned(Extra):
    """The explanations of the network on test rows."""

    found: Explanations

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = folder.record_if_there(Explanations, "explanations.json")
        return None if found is None else cls(found)

    def explanation_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        return explanations.explanation_sentences(self.found, say)

    def sections(self) -> Sequence[Section]:
        return [LearnedSection(self.found)]

    def figures(self, run: RunData) -> Sequence[Plan]:
        found = self.found
        curves, arc = found.curves, found.arc
        plans = []
        if found.memory:
            title = "Performance by context length"
            plans.append(Plan("memory", title, lambda _, words: draw_memory(found, words)))
        if len(found.words) > 1:
            title = "The most predictive words by their embeddings"
            placed = [(word.word, word.answer, word.place) for word in found.words]
            plans.append(Plan("words", title, lambda _, __: draw_map(placed)))
        if arc is not None:
            title = "The prediction along the longest text"
            plans.append(Plan("arc", title, lambda _, words: draw_arc(arc, words)))
        if curves is not None:
            title = "Deletion and insertion curves of the attributions"
            plans.append(
                Plan("faithfulness", title, lambda _, words: draw_faithfulness(curves, words))
            )
        return plans


@dataclass(frozen=True)
class LearnedSection(Section):
    """The section on what the network learned."""

    learned: Explanations

    anchor = "learned"
    title = "What it learned"
    template = "learned.html"
    after = "training"

    def facts(self, page: Page) -> dict[str, Any]:
        run, words, found = page.run, page.words, self.learned
        further = [words(extra.of_attributions) for extra in run.extras if extra.of_attributions]
        return {
            "learned": found,
            "order": _order(found.order, found.metric, words) if found.order else "",
            "memory_caption": words(
                "How much context does the network need? The recurrent part alone, on {rows} "
                "test rows, with each of its states limited to at most this number of steps "
                "(on each side, if it is bidirectional). Bars are 95 % intervals. The network "
                "was not retrained for the shorter contexts; a retrained one might do better.",
                rows=count(found.memory_rows),
            ),
            "examples": list(shaded_examples(run, found)),
            "examples_lead": words.joined(words(run.target.of_examples), *further),
            "faithfulness": _faithfulness(found.curves, words) if found.curves else "",
            "words_caption": _words_caption(found, words),
            "no_words": _no_words(found.chance, words) if found.chance else "",
            "arc": arc_facts(found.arc, words) if found.arc else None,
            "arc_finding": _strays(run, found, words),
            "units_caption": words(
                "Half-lives in steps, from the gate that retains a unit’s state, on {rows} "
                "test rows: the median over the units, and the 90th percentile. Order counts "
                "as relevant where it changes the gate by more than chance and in the same "
                "direction in every seed.",
                rows=count(found.gate_rows),
            ),
            "forgetting": words(
                "Words at which the network forgets more than elsewhere in the same text, to a "
                "degree that differs from random order (in every seed): {words}.",
                words=words.quoted([one.word for one in found.forgetting]),
            )
            if found.forgetting
            else "",
        }


def _words_caption(found: Explanations, words: Words) -> str:
    """What the table of words holds and, unless the run is of version 0.1.0, what they exceed."""
    caption = words(
        "The words with the largest attributions for each prediction, on {rows} test "
        "rows: the number of rows that contain them, their mean attribution, and the "
        "words nearest to them (cosine similarity of the learned embeddings).",
        rows=count(found.rows),
    )
    if found.chance is None:
        return caption
    exceeded = words(
        "Only words are listed that occur with the prediction’s answer more often, in {rows} test "
        "rows, than any word does in {part} of {shuffles} shuffles of the answers; and only "
        "nearest words more similar than {cosine}, which {part} of random vectors do not reach.",
        rows=count(found.chance.rows),
        part=level(found.chance.quantile),
        shuffles=count(found.chance.shuffles),
        cosine=number(found.chance.cosine, 2),
    )
    marks = words("Punctuation and numbers are left out.") if found.chance.without_marks else ""
    return words.joined(caption, exceeded, marks)


def _no_words(chance: Chance, words: Words) -> str:
    """A sentence for a table of words without any."""
    return words(
        "None: no word with a large attribution occurs with an answer more often, in {rows} test "
        "rows, than any word does in {part} of {shuffles} shuffles of the answers.",
        rows=count(chance.rows),
        part=level(chance.quantile),
        shuffles=count(chance.shuffles),
    )


def _order(order: Order, metric: str, words: Words) -> str:
    """A sentence on the effect of word order."""
    drop, known = order.difference, words.terms.metric(metric)
    uncertain = drop.low is not None and drop.high is not None and drop.low <= 0 <= drop.high
    return words(
        "With the words of each text in random order, the network’s {metric} is {shuffled}; in "
        "the original order it is {in_order} ({rows} test rows). The difference, {drop}, may "
        "be due to chance: there is no evidence that the network uses word order."
        if uncertain
        else "With the words of each text in random order, the network’s {metric} is "
        "{shuffled}; in the original order it is {in_order} ({rows} test rows). The "
        "contribution of word order is {drop}.",
        metric=words.metric(metric),
        shuffled=estimate(order.shuffled, known, order.rows),
        in_order=estimate(order.in_order, known, order.rows),
        rows=count(order.rows),
        drop=estimate(drop, known, order.rows),
    )


def _faithfulness(curves: Curves, words: Words) -> str:
    """A sentence on the faithfulness of attributions."""
    areas = curves.areas
    found = words(
        "Are the attributions faithful? When words are deleted in order of attribution, the "
        "area under the curve is {deletion}; in random order it is {random} ({rows} test "
        "rows). Integrated gradients miss the total that they should sum to by {gap} (median).",
        deletion=number(areas["deletion"], 3),
        random=number(areas["random_deletion"], 3),
        rows=count(curves.rows),
        gap=share(curves.incomplete, 100),
    )
    return words.joined(found, seeds_sentence(curves.agreement, words))


def seeds_sentence(correlations: Sequence[float], words: Words) -> str:
    """A sentence on the agreement with networks of other seeds; empty if there are none."""
    if not correlations:
        return ""
    return words(
        (
            "Networks trained from other seeds rank the words of a text similarly, with a rank "
            "correlation of {values}."
        ),
        values=", ".join(str(round(value, 2)) for value in correlations),
    )


def _strays(run: RunData, found: Explanations, words: Words) -> str:
    """A sentence on whether the arc of the longest text differs from noise."""
    if found.arc is None:
        return ""
    return words(
        "The curve of {row} deviates from its mean more than its passages in random order do "
        "(p = {p})."
        if found.arc.p_value <= 0.05
        else "The curve of {row} varies no more than its passages in random order do (p = {p}): "
        "its variation may be noise.",
        row=run.source_title(found.arc.row, words),
        p=p_value(found.arc.p_value, 1000),
    )
