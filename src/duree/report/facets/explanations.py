"""Explanations: what the network learned, found by trying it on test rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from duree.report.facets.extra import Extra
from duree.report.figures.explanations import draw_arc, draw_faithfulness, draw_map, draw_memory
from duree.report.figures.plan import Plan
from duree.report.methods import explanations
from duree.report.methods.phrases import Phrases
from duree.report.numbers import count, estimate, number, p_value, share
from duree.report.pages.arc import arc_facts
from duree.report.pages.examples import shaded_examples
from duree.report.pages.section import Page, Section
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.report.vocabulary import Words
from duree.results.explanations import Curves, Explanations, Order


@dataclass(frozen=True)
class Learned(Extra):
    """What was found out about the network."""

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
            title = "The figure by how much of the past the network may see"
            plans.append(Plan("memory", title, lambda _, words: draw_memory(found, words)))
        if found.words:
            title = "The telling words where their vectors lie"
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
    """What the network learned."""

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
                "How far back does it need to see? The recurrent part alone, on {rows} test rows, "
                "when each of its states may have seen so many steps at most (on either side, if "
                "it reads both ways). Bars are 95 % intervals. It was not trained anew for shorter "
                "memories, which might do better.",
                rows=count(found.memory_rows),
            ),
            "examples": list(shaded_examples(run, found)),
            "examples_lead": words.joined(words(run.target.of_examples), *further),
            "faithfulness": _faithfulness(found.curves, words) if found.curves else "",
            "words_caption": words(
                "Words that did most for each answer, on {rows} test rows: in how many of them "
                "they stand, what they added in each on average, and the words that the network "
                "takes to be nearest (cosine of the vectors it learned).",
                rows=count(found.rows),
            ),
            "arc": arc_facts(found.arc, words) if found.arc else None,
            "arc_finding": _strays(found, words),
            "units_caption": words(
                "Half-lives in steps, from the gate by which a unit keeps its state, on {rows} "
                "test rows: of the unit in the middle, and of the one that only a tenth outlast. "
                "Order is said to matter where it changes the gate by more than chance, and to the "
                "same side in every seed.",
                rows=count(found.gate_rows),
            ),
            "forgetting": words(
                "Words at which it forgets more than elsewhere in the same text, and to another "
                "degree than with the words in random order (in every seed): {words}.",
                words=", ".join(one.word for one in found.forgetting),
            )
            if found.forgetting
            else "",
        }


def _order(order: Order, metric: str, words: Words) -> str:
    """What word order is worth to the network."""
    drop = order.difference
    uncertain = drop.low is not None and drop.high is not None and drop.low <= 0 <= drop.high
    return words(
        "With the words of each text in random order the network’s {metric} is {shuffled}; in "
        "order it is {in_order}, on {rows} test rows. The difference, {drop}, may be chance: "
        "nothing shows that word order is worth anything to it."
        if uncertain
        else "With the words of each text in random order the network’s {metric} is {shuffled}; in "
        "order it is {in_order}, on {rows} test rows. That is what word order is worth to it: "
        "{drop}.",
        metric=words.metric(metric),
        shuffled=estimate(order.shuffled, metric, order.rows),
        in_order=estimate(order.in_order, metric, order.rows),
        rows=count(order.rows),
        drop=estimate(drop, metric, order.rows),
    )


def _faithfulness(curves: Curves, words: Words) -> str:
    """How faithful the shading is."""
    areas = curves.areas
    found = words(
        "Is the shading faithful? When words are taken out in its order, the area under the curve "
        "is {deletion}; in random order it is {random}, on {rows} test rows. Integrated gradients "
        "miss what they should add up to by {gap} (median).",
        deletion=number(areas["deletion"], 3),
        random=number(areas["random_deletion"], 3),
        rows=count(curves.rows),
        gap=share(curves.incomplete, 100),
    )
    return words.joined(found, seeds_sentence(curves.agreement, words))


def seeds_sentence(correlations: Sequence[float], words: Words) -> str:
    """How alike networks of other seeds rank the words; nothing where there is one."""
    if not correlations:
        return ""
    return words(
        "Networks from other seeds rank the words of a text alike with a correlation of {values}.",
        values=", ".join(str(round(value, 2)) for value in correlations),
    )


def _strays(found: Explanations, words: Words) -> str:
    """Whether the longest text's arc is more than noise."""
    if found.arc is None:
        return ""
    return words(
        "The arc of test row {n} strays from its mean farther than its passages in random order do "
        "(p = {p})."
        if found.arc.p_value <= 0.05
        else "The arc of test row {n} stays where its passages in random order would bring it too "
        "(p = {p}): it is no more than noise.",
        n=count(found.arc.row + 1),
        p=p_value(found.arc.p_value, 1000),
    )
