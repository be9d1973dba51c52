"""Notation: how a table writes its times, so that further times are written in the same way."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY = r"(?P<year>\d{4})-?(?P<month>\d\d)-?(?P<day>\d\d)"
CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
# The parts of a cell, by the name of the form in which it is written.
PARTS = {
    "quarter": (
        r"(?P<year>\d{4})[ :-]?[Qq](?P<quarter>[1-4])",
        r"[Qq](?P<quarter>[1-4])[ /-]?(?P<year>\d{4})",
    ),
    "month": (r"(?P<year>\d{4})[.-]?(?P<month>\d\d?)",),
    "week": (r"(?P<week_year>\d{4})-?[Ww]?(?P<week>\d\d)",),
    "fiscal year": (r"(?P<year>\d{4})[/–-](?P<end>\d\d(?:\d\d)?)",),
    "date": (DAY,),
    "time": (rf"{DAY}[Tt ]{CLOCK}(?:[Zz]|[+-]\d\d(?::?\d\d)?)?",),
}
OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)?$")
# Templates of columns of dates, and of runs of earlier versions, which store none.
TEMPLATES = {
    "quarter": "{year:04}-Q{quarter}",
    "month": "{year:04}-{month:02}",
    "week": "{week_year:04}-W{week:02}",
    "date": "{year:04}-{month:02}-{day:02}",
    "time": "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}",
}


def template_of(form: str, cell: str) -> str:
    """The template of a cell: ``199012`` gives ``{year:04}{month:02}``."""
    found = next(filter(None, (re.fullmatch(parts, cell) for parts in PARTS[form])))
    pieces, at = [], 0
    for part, text in sorted(found.groupdict().items(), key=lambda item: found.start(item[0])):
        if text is None:
            continue
        # October may be 1990.1 where a program dropped the last zero of 1990.10.
        width = 2 if part == "month" else len(text)
        size = f".{width}" if part == "fraction" else f"0{width}"
        pieces += [cell[at : found.start(part)], f"{{{part}:{size}}}"]
        at = found.end(part)
    return "".join([*pieces, cell[at:]])


def offset_of(cell: str) -> str:
    """The offset from UTC at the end of a time of day, such as ``+02:00``; otherwise nothing."""
    found = OFFSET.search(cell)
    return f"{found[1]}{found[2]}:{found[3] or '00'}" if found else ""


def write_times(moments: Floats, template: str, zone: str = "") -> list[str]:
    """Moments, in seconds since 1970 in UTC, by a template.

    ``zone`` is an offset from UTC, the name of a time zone, or nothing for UTC.
    """
    return [template.format(**_parts(moment, template, zone)) for moment in moments.tolist()]


def _parts(moment: float, template: str, zone: str) -> dict[str, int | str]:
    offset = _offset(moment, zone)
    minutes = abs(offset) // 60
    stamp = np.datetime64(round(moment * 1e6), "us") + np.timedelta64(offset, "s")
    date = stamp.astype("datetime64[D]")
    year, month = (stamp.astype(f"datetime64[{unit}]").astype(int) for unit in "YM")
    second, fraction = divmod(int((stamp - date).astype(int)), 1_000_000)
    parts: dict[str, int | str] = {
        "year": year + 1970,
        "month": month % 12 + 1,
        "quarter": month % 12 // 3 + 1,
        "day": int((date - date.astype("datetime64[M]")).astype(int)) + 1,
        "hour": second // 3600,
        "minute": second // 60 % 60,
        "second": second % 60,
        "fraction": f"{fraction:06}000",
        "end": (year + 1971) % (100 if "{end:02}" in template else 10_000),
        "offset": f"{'-' if offset < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}",
    }
    if "{week:" in template:
        parts["week_year"], parts["week"], _ = date.item().isocalendar()
    return parts


def _offset(moment: float, zone: str) -> int:
    """Seconds of local time ahead of UTC."""
    if found := OFFSET.fullmatch(zone):
        size = int(found[2]) * 3600 + int(found[3]) * 60
        return -size if found[1] == "-" else size
    if not zone:
        return 0
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)).astimezone(
        ZoneInfo(zone)
    )
    return round((local.utcoffset() or timedelta()).total_seconds())
