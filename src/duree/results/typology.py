"""What the page of a typology shows: types of sequences, by the network and by optimal matching."""

from __future__ import annotations

from dataclasses import dataclass

from duree.results.run_files import Record, StateFacts


@dataclass(frozen=True)
class Kind:
    """One type.

    Attributes
    ----------
    rows : int
    silhouette : float
        Mean over its rows.
    heart : str
        The sequence or text at its heart.
    """

    rows: int
    silhouette: float
    heart: str


@dataclass(frozen=True)
class Sorting:
    """Rows in types, by one way of telling them apart.

    Attributes
    ----------
    way : str
        A key of ``WAYS``.
    rows : int
        Rows that have a type.
    kinds : list of Kind
        The first as in the network's typology: others are numbered so that they share as many rows
        as can be.
    widths : {number of types: mean silhouette}
        Of all numbers that were tried.
    shapes : list of TypeFacts
        What to draw of each; nothing where texts were read.
    """

    way: str
    rows: int
    kinds: list[Kind]
    widths: dict[int, float]
    shapes: list[TypeFacts]


@dataclass(frozen=True)
class Typology:
    """All that the page tells.

    Attributes
    ----------
    run, target, data : str
        What the run is called, what its network was trained to predict (nothing, where that is what
        comes next), and the table's name.
    rows, distinct : int
    size : int
        Of the vectors.
    given : bool
        Whether the number of types was.
    seen : int
        Different sequences whose distances were reckoned for the network's types.
    matched : int or None
        Different sequences that were matched; None where that would have taken too long, or texts
        were read.
    sortings : list of Sorting
        The network's first.
    agreements : {(way, way): float}
        Adjusted Rand index (Hubert & Arabie 1985), over the rows that both have assigned to a type.
    shared : list of list of int
        Rows by the network's type (down) and that of matching with substitutions of 2 (across).
    facts : StateFacts or None
        For colours and names of the states.
    """

    run: str
    target: str
    data: str
    rows: int
    distinct: int
    size: int
    given: bool
    seen: int
    matched: int | None
    sortings: list[Sorting]
    agreements: dict[tuple[str, str], float]
    shared: list[list[int]]
    facts: StateFacts | None


class TypeFacts(Record):
    """One type; see ``duree.tables.describe.states.describe_types``."""

    rows: int
    distribution: list[list[float]]
    index: list[list[int]]
