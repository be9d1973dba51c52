"""Active batches: the most uncertain rows, coded to train a better network and for nothing else.

They are not drawn at random, have no probability of selection and never enter an estimate: they are
kept in ``active.json`` and ``active.csv``, apart from the design.

Source: Lewis & Gale (1994), A sequential algorithm for training text classifiers, SIGIR.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from duree.errors import DataError
from duree.inference.stored import read_stored
from duree.inference.strata import is_probability
from duree.storage import write_file

ACTIVE = "active.json"
ALTERED = "restore it from a copy, or delete it: these rows are for training only"


@dataclass(frozen=True)
class Active:
    """Rows picked because their predictions are uncertain.

    ``order`` are their ids, the most uncertain of the first batch first; the other fields are as in
    ``duree.inference.design.Design``.
    """

    population: str
    population_sha256: str
    id: str
    text: str | None
    by: str
    order: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write ``active.json``; RunError if that fails."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        write_file(folder / ACTIVE, text.encode())


_ACTIVE = TypeAdapter(Active)


def read_active(folder: Path) -> Active | None:
    """The active batches of a coding folder; None if there are none.

    Raises
    ------
    DataError
        The file was altered.
    """
    path = folder / ACTIVE
    if not path.exists():
        return None
    return read_stored(path, _ACTIVE, ALTERED)


def most_uncertain(
    probability: NDArray[np.float64], n: int, column: str, taken: Collection[int]
) -> NDArray[np.intp]:
    """intp [n]: the rows whose probability is nearest to one half, the nearest first.

    Parameters
    ----------
    taken : collection of int
        Rows that are not picked: those of the design, and of earlier batches.

    Raises
    ------
    DataError
        The column holds no probabilities, or fewer than ``n`` rows remain.
    """
    if not is_probability(probability):
        raise DataError(
            "{column!r} holds no probabilities: some values are not between 0 and 1",
            fix="choose a column probability_... with --by",
            column=column,
        )
    distance = np.abs(probability - 0.5)
    distance[list(taken)] = np.inf
    if n > (left := len(distance) - len(taken)):
        raise DataError(
            "{n} are to be picked, but only {left} rows are not in a sample yet",
            fix="choose a smaller -n",
            n=n,
            left=left,
        )
    return np.argsort(distance, kind="stable")[:n]
