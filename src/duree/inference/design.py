"""A sampling design: which rows of a population were drawn, and how; ``design.json``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from duree.errors import DataError
from duree.inference.stored import altered, read_stored
from duree.storage import write_file

DESIGN = "design.json"
ALTERED = "restore it from a copy: the codings of this folder are valid only with their design"


@dataclass(frozen=True)
class Stratum:
    """The rows of a stratum, and how many of them were drawn.

    ``clusters`` and ``clusters_drawn`` are numbers of clusters, where whole clusters were drawn.
    """

    rows: int
    drawn: int
    clusters: int | None = None
    clusters_drawn: int | None = None

    @property
    def units(self) -> int:
        """The number of sampling units: clusters if these were drawn, otherwise rows."""
        return self.rows if self.clusters is None else self.clusters

    @property
    def units_drawn(self) -> int:
        """The number of sampling units that were drawn."""
        return self.drawn if self.clusters_drawn is None else self.clusters_drawn


@dataclass(frozen=True)
class Design:
    """A stratified random sample without replacement from a population.

    Attributes
    ----------
    population : str
        Name of the population's file.
    population_sha256 : str
    id : str
        Column that names each row.
    text : str or None
        Column that coders read.
    seed : int
        Of the permanent random numbers: see ``duree.inference.random_numbers``.
    by : str or None
        Column by whose fifths the rows (or the clusters, by their means) are stratified.
    edges : list of float or None
        Inner edges of the strata: at most four, fewer where values are equal. A value that equals
        an edge lies below it.
    strata : list of Stratum
    cluster : str or None
        Column of clusters, if whole clusters were drawn.
    training_sha256 : list of str
        Files that trained the network which predicted the population, if that is known.
    out_of_fold : bool
        Whether each prediction comes from a network that was not trained on its row.
    order : list of str
        The ids that were drawn, in the order of coding.
    """

    population: str
    population_sha256: str
    id: str
    text: str | None
    seed: int
    by: str | None
    edges: list[float] | None
    strata: list[Stratum]
    cluster: str | None
    training_sha256: list[str] = field(default_factory=list)
    out_of_fold: bool = False
    order: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write ``design.json``.

        Raises
        ------
        RunError
            It cannot be written; an older one is intact.
        """
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        write_file(folder / DESIGN, text.encode())


_DESIGN = TypeAdapter(Design)


def read_design(folder: Path | str) -> Design:
    """The design of a coding folder.

    Raises
    ------
    DataError
        There is none, or it was altered.
    """
    path = Path(folder) / DESIGN
    try:
        design = read_stored(path, _DESIGN, ALTERED)
    except FileNotFoundError:
        raise DataError(
            "there is no sampling design in {folder!r}",
            fix="draw a sample first: duree sample POP -n 300 --id COL -o {folder}",
            folder=str(folder),
        ) from None
    _check(design, path)
    return design


def _check(design: Design, path: Path) -> None:
    """Refuse a design that contradicts itself."""
    edges = design.edges or []
    if len(design.strata) != len(edges) + 1 or edges != sorted(set(edges)):
        raise altered(path, "edges", ALTERED)
    if any(not 0 <= one.units_drawn <= one.units for one in design.strata):
        raise altered(path, "strata", ALTERED)
    if sum(one.drawn for one in design.strata) != len(set(design.order)) or (
        len(set(design.order)) != len(design.order)
    ):
        raise altered(path, "order", ALTERED)
