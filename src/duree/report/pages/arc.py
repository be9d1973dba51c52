"""The arc of a text, as pages show it."""

from __future__ import annotations

from typing import Any

from duree.report.numbers import count
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.explanations import ArcData


def arc_facts(arc: ArcData, words: Words) -> dict[str, Any]:
    """The caption of its figure, and what the text says where its level changes."""
    caption = words(
        "What the network says of “{answer}” along a text of {units} units, cut into passages of "
        "{passage} that are each judged alone (dots). Line: moving average over {window} passages. "
        "Band: 95 % of the arcs of the same passages in random order stay within it all along. "
        "Broken lines: where the level changes.",
        answer=label(arc.answer),
        units=count(arc.units),
        passage=arc.passage,
        window=arc.window,
    )
    return {"caption": caption, "turns": arc.turns}
