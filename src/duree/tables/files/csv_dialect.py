"""Detection of the dialect of delimited text from its first megabyte."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from duree.tables.files.csv_structure import RETURN, Dialect, Structure, find_structure

SAMPLE = 1 << 20
# Those that are rare in texts and numbers come first: they win ties.
DELIMITERS = "\t|;,"
_LONE_QUOTE = re.compile(rb'(?:^|[\t\r\n])"(?:[\t\r\n]|$)')
_QUOTED_CELL = re.compile(rb'(?:^|[\t\r\n])"[^"\t\r\n]*"(?:[\t\r\n]|$)')


def find_dialect(sample: bytes, delimiter: str | None, default: str) -> Dialect:
    """The dialect in which most rows have as many cells as the header.

    Parameters
    ----------
    sample : bytes
        The head of the file as UTF-8; if it is the whole file, its last row must be terminated.
    delimiter : str or None
        The delimiter; None: detected among comma, semicolon, tab and bar.
    default : str
        The delimiter where the header has none of these: the table has one column.
    """
    trials = [_try(sample, candidate, '"') for candidate in delimiter or DELIMITERS]
    best = max(trials, key=lambda trial: (trial.width > 1, trial.share, trial.width))
    if best.width <= 1 and delimiter is None:
        best = _try(sample, default, '"')
    return _with_quote(sample, best)


def delimiter_below(sample: bytes) -> str | None:
    """The delimiter by which all rows but the first have the same cells, several in each; None
    without one, or where there are fewer than two such rows."""
    first = sample.lstrip(b"\r\n").partition(b"\n")[0]
    if any(delimiter.encode() in first for delimiter in DELIMITERS):
        return None
    trials = [_try(sample, candidate, '"') for candidate in DELIMITERS]
    alike = (trial for trial in trials if trial.width == 1 and trial.rows > 1 and trial.below > 1)
    return next((trial.dialect.delimiter for trial in alike), None)


@dataclass(frozen=True)
class _Trial:
    """The sample as read in one dialect.

    ``width`` is the header's number of cells, ``rows`` the number of rows, and ``share`` the share
    of them with as many cells as the header; 0 where the quotes do not close. ``below`` is the
    number of cells of all other rows; 0 where they differ.
    """

    dialect: Dialect
    width: int
    rows: int
    share: float
    below: int = 0


def _try(sample: bytes, delimiter: str, quote: str | None) -> _Trial:
    dialect = Dialect(delimiter, quote, "\r")
    structure = find_structure(sample, dialect)
    if not _ends_rows_with_returns(sample, structure):
        dialect = replace(dialect, newline="\n")
        structure = find_structure(sample, dialect)
    widths = structure.cells[~structure.blank]
    if len(widths) == 0:
        return _Trial(dialect, 0, 0, 0.0)
    sound = structure.fault < 0 and not (structure.opened >= 0 and len(sample) < SAMPLE)
    # The header always agrees with itself, so it is not counted.
    share = float(np.mean(widths[1:] == widths[0])) if len(widths) > 1 else 0.0
    below = int(widths[-1]) if sound and (widths[1:] == widths[-1]).all() else 0
    return _Trial(dialect, int(widths[0]), len(widths) - 1, share if sound else 0.0, below)


def _ends_rows_with_returns(sample: bytes, structure: Structure) -> bool:
    """Whether the first row ends in a carriage return that no line feed follows."""
    if len(structure.last) == 0:
        return False
    end = int(structure.ends[structure.last[0]])
    return sample[end] == RETURN and sample[end + 1 : end + 2] != b"\n"


def _with_quote(sample: bytes, double: _Trial) -> Dialect:
    """The dialect of ``double``, or the same without quotes, or with single quotes."""
    delimiter = double.dialect.delimiter
    if delimiter == "\t":
        # Tab-separated files are seldom quoted. Where every line has the right number of cells
        # without quoting, and quotes do not close or are cells of their own (tokens of a text),
        # the quotes are text.
        plain = _try(sample, delimiter, None)
        tokens = bool(_LONE_QUOTE.search(sample)) and not _QUOTED_CELL.search(sample)
        merges_rows = double.rows < plain.rows and tokens
        if plain.share == 1 and plain.width > 1 and (double.share < 1 or merges_rows):
            return plain.dialect
    single = _try(sample, delimiter, "'")
    if single.share == 1 and single.width > 1:
        in_header = sample.lstrip(b"\r\n").startswith(b"'")
        needed = double.share < 1 and _try(sample, delimiter, None).share < 1
        if in_header or needed:
            return single.dialect
    return double.dialect
