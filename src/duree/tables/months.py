"""Time points that are called after months: the year begins again after twelve of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

A_MONTH = (
    "jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|"
    "oct(ober)?|nov(ember)?|dec(ember)?"
)
MONTHS = re.compile(rf"(?<![a-z])({A_MONTH})(?![a-z])|\d{{4}}[-_./]\d\d$")
A_YEAR = 12


def period_of(named: Sequence[str]) -> int:
    """After how many time points the year begins again, as far as their names tell; else 0.

    ``named`` are columns, or ranges of them (``Jul.93:Jun.99``).
    """
    first = [name.partition(":")[0].lower() for name in named]
    return A_YEAR if first and all(MONTHS.search(name) for name in first) else 0
