"""The arc of a text on pages."""

from __future__ import annotations

from typing import Any

from duree.report.numbers import count
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.explanations import ArcData


def arc_facts(arc: ArcData, words: Words) -> dict[str, Any]:
    """The caption of the figure, and quotations of the text at change points."""
    caption = words(
        "The prediction of “{answer}” along a text of {units} units, divided into passages of "
        "{passage} units that are each predicted alone (dots). Line: moving average over "
        "{window} passages. Band: contains the whole curve in 95 % of random orders of the "
        "same passages. Dashed lines: changes of level.",
        answer=label(arc.answer),
        units=count(arc.units),
        passage=arc.passage,
        window=arc.window,
    )
    return {"caption": caption, "turns": arc.turns}
