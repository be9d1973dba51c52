"""What the page of an estimate shows, derived from ``estimate.json``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from duree.report.numbers import number
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.estimates import Estimates, Term

INTERCEPT = "Intercept"
# More labels in sentences and tables.
MORE_ROWS, MORE_CLUSTERS = (100, 300, 1000), (10, 30, 100)
LONGEST_NAME = 28
CATEGORY = re.compile(r"C\((?P<column>[^()]+)\)\[(?:T\.)?(?P<value>.*)\]")


@dataclass(frozen=True)
class Beside:
    """One term by our estimate, and by the methods beside it."""

    own: Term
    labelled_only: Term | None
    naive: Term | None

    def by(self, method: str) -> Term | None:
        """The term by ``terms``, ``labelled_only`` or ``naive``."""
        return {"terms": self.own, "labelled_only": self.labelled_only, "naive": self.naive}[method]

    @property
    def others(self) -> list[Term]:
        """The terms of the other methods."""
        return [one for one in (self.labelled_only, self.naive) if one is not None]

    def ends(self, method: str) -> list[float]:
        """The ends of the interval, or the estimate where it is withheld; none without it."""
        term = self.by(method)
        if term is None:
            return []
        if term.low is None or term.high is None:
            return [term.estimate]
        return [term.low, term.high]

    @property
    def naive_is_outside(self) -> bool | None:
        """Whether the naive interval does not hold our estimate; None if one is withheld."""
        naive = self.naive
        if naive is None or naive.low is None or naive.high is None:
            return None
        return not naive.low <= self.own.estimate <= naive.high


@dataclass(frozen=True)
class EstimateFacts:
    """An estimate as its page shows it."""

    record: Estimates

    @cached_property
    def rows(self) -> list[Beside]:
        """All terms."""
        record = self.record
        naive = {one.term: one for one in record.naive}
        alone = {one.term: one for one in record.labelled_only}
        return [Beside(one, alone.get(one.term), naive.get(one.term)) for one in record.terms]

    @cached_property
    def places(self) -> list[int]:
        """The places of the terms that figures show: all but the intercept, unless it is alone."""
        terms = self.record.terms
        own = [at for at, one in enumerate(terms) if one.term != INTERCEPT]
        return own or list(range(len(terms)))

    @property
    def shown(self) -> list[Beside]:
        """The terms that figures show."""
        return [self.rows[at] for at in self.places]

    def name(self, term: str, words: Words) -> str:
        """The name of a term in figures and sentences."""
        return label(readable(term, words), LONGEST_NAME)

    @property
    def widest_over_narrowest(self) -> float:
        """The ratio of the widest of the intervals to the narrowest."""
        widths = [
            one.own.high - one.own.low
            for one in self.shown
            if one.own.low is not None and one.own.high is not None
        ]
        return max(widths) / max(min(widths), 1e-12) if widths else 1.0

    @property
    def more(self) -> list[int]:
        """How many more labels are considered, as far as the curve of power goes."""
        power = self.record.power
        if power is None or len(power.points) < 2:
            return []
        most = power.points[-1].extra
        usual = MORE_CLUSTERS if power.unit == "clusters" else MORE_ROWS
        return [extra for extra in usual if extra <= most] or [most]

    def half_width(self, at: int, extra: int) -> float | None:
        """Half the width of a term's interval with ``extra`` more labels; None if withheld.

        Variances are linear in the reciprocal of the number of labels (Egami et al. 2023, section
        4), so that the first and the last point of the curve give all others.
        """
        power = self.record.power
        if power is None or power.half_widths[at] is None:
            return None
        first, last = power.points[0], power.points[-1]
        shares = np.array([1.0, first.labelled / last.labelled])
        squares = np.array([first.se[at], last.se[at]]) ** 2
        slope = (squares[0] - squares[1]) / (shares[0] - shares[1]) if extra else 0.0
        share = first.labelled / (first.labelled + extra)
        square = squares[0] + slope * (share - 1.0)
        now = power.half_widths[at]
        return None if now is None else float(now * np.sqrt(max(square, 0.0) / squares[0]))


def readable(term: str, words: Words) -> str:
    """``year = 2001`` for ``C(year)[2001]`` and ``C(year)[T.2001]``; the intercept translated.

    Other terms are as they are.
    """
    if term == INTERCEPT:
        return words(INTERCEPT)
    found = CATEGORY.fullmatch(term)
    return term if found is None else f"{found['column']} = {found['value']}"


def places_for(term: Term) -> int:
    """The decimals of a term: two significant digits of its standard error, at most six."""
    if not term.se > 0:
        return 3
    return int(np.clip(1 - np.floor(np.log10(term.se)), 2, 6))


def interval(term: Term, places: int) -> str:
    """``[0.012, 0.031]``; empty where it is withheld."""
    if term.low is None or term.high is None:
        return ""
    return f"[{number(term.low, places)}, {number(term.high, places)}]"
