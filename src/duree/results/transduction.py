"""What the report shows of predicted sequences."""

from __future__ import annotations

from typing import Literal

from duree.results.run_files import Record

# What is wrong with an output, each wrong row having one: it has no text; it is its source; it
# repeats itself; it only lacks, only has too many, or only has other units; or several of these.
Kind = Literal["empty", "copy", "repetition", "omission", "insertion", "substitution", "several"]

Chooser = Literal["network", "lookup", "joint_ngram"]


class Transduced(Record):
    """A row of the test part, counted from 0, with its output and the target.

    ``probability`` is that of the output; None where there is none.
    """

    row: int
    source: str
    predicted: str
    actual: str
    probability: float | None = None


class RowGroup(Record):
    """Rows of the test part, and the network's figures on them: {metric: value}."""

    rows: int
    figures: dict[str, float]


class LengthGroup(RowGroup):
    """Rows whose targets have from ``low`` to ``high`` units."""

    low: int
    high: int


class UnitConfusion(Record):
    """How often one stretch of units was written where another was right; either may be empty.

    ``share`` is of all such errors.
    """

    actual: str
    predicted: str
    count: int
    share: float
    example: Transduced


class ErrorKind(Record):
    """Rows with one kind of error; the examples are those that the network was surest of."""

    kind: Kind
    rows: int
    examples: list[Transduced]


class Ambiguity(Record):
    """A source of the test part with several targets, and how many rows have each."""

    source: str
    targets: dict[str, int]


class TransductionFacts(Record):
    """``transduction.json``.

    Attributes
    ----------
    rows, wrong : int
        Rows of the test part; those with a wrong output.
    unit : {"character", "symbol", "word"}
        The unit of errors and lengths.
    chosen_by : {"network", "lookup", "joint_ngram"}
        What chose the outputs: the network alone; a lookup of known sources before it; or both the
        network and a joint n-gram.
    known, unknown : RowGroup
        Rows whose source stands in training, and other rows.
    lengths : list of LengthGroup
        By the length of the target, the shortest first.
    confusions : list of UnitConfusion
        The most frequent first.
    kinds : list of ErrorKind
        The most frequent first.
    ambiguous_rows, ambiguous_sources : int
        Rows whose source has several targets in the test part, and such sources.
    ceiling : float
        The largest share of rows that could be right, if each source had its most frequent target.
    ambiguous : list of Ambiguity
        The sources with the most rows.
    """

    rows: int
    wrong: int
    unit: Literal["character", "symbol", "word"]
    chosen_by: Chooser = "network"
    known: RowGroup
    unknown: RowGroup
    lengths: list[LengthGroup]
    confusions: list[UnitConfusion]
    kinds: list[ErrorKind]
    ambiguous_rows: int
    ambiguous_sources: int
    ceiling: float
    ambiguous: list[Ambiguity]
