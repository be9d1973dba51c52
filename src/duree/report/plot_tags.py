"""Figures of tagged words: which tags are taken for which."""

from __future__ import annotations

from matplotlib.figure import Figure

from duree.report.figures.classes import MOST_IN_MATRIX, draw_bars, draw_matrix
from duree.report.run_data import RunData
from duree.report.vocabulary import Words


def draw_tags(run: RunData, words: Words) -> Figure:
    """The whole table of right and given tags where it can be read, else the largest confusions."""
    facts = run.tags
    assert facts is not None
    if not 0 < len(facts.table) <= MOST_IN_MATRIX:
        wrong = [(one.true, one.said, one.count, one.share) for one in facts.confusions]
        return draw_bars(wrong, words)
    sums = {true: sum(row.values()) for true, row in facts.table.items()}
    found = {
        (true, said): (count, count / max(sums[true], 1))
        for true, row in facts.table.items()
        for said, count in row.items()
    }
    return draw_matrix(list(facts.table), found, facts.tokens, words)
