"""The labels of a random sample, with the probability at which each row was selected."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.inference.codebook import Variable, number_of
from duree.inference.codings import ADJUDICATED, DESIGN_BATCH, Coding
from duree.inference.design import Design
from duree.inference.folder import CodingFolder, read_folder
from duree.inference.population import Population, population_of, units_of
from duree.inference.sheet import SHEET
from duree.inference.strata import strata_of
from duree.tables.finding import Finding, listed

# The largest share of rows that coders may skip: the others are no random sample of all.
MOST_SKIPPED = 0.05
NAMED = 5  # ids in a message


class NotCodedError(DataError):
    """Too little of a sample is coded to estimate anything from it."""


@dataclass(frozen=True)
class Labels:
    """Labels of some rows of a population.

    Attributes
    ----------
    values : object [rows]
        The final label of each coded row: float if all labels are numbers, otherwise str. None
        where a row is not labelled.
    sample_prob : float64 [rows]
        The probability with which a row of the same stratum was selected and coded.
    stratum : intp [rows]
        From 0.
    cluster : str or None
        Column of clusters, if whole clusters were drawn.
    id : str
        Column of ids.
    findings : tuple of Finding
        What a reader should know: coders who disagree, unfinished clusters.
    """

    values: NDArray[np.object_]
    sample_prob: NDArray[np.float64]
    stratum: NDArray[np.intp]
    cluster: str | None
    id: str
    findings: tuple[Finding, ...] = ()


def read_labels(
    coding: Path | str,
    population: pl.DataFrame,
    population_file: Path | str,
    variable: str | None = None,
) -> Labels:
    """The labels of a coding folder, row by row of the population it was drawn from.

    Coding may have stopped anywhere in the order of the sample: the rows coded so far are a
    stratified random sample with probability coded / N in each stratum. Where coders disagree, a
    label of ``adjudicated`` is final; then that of most coders, and in a tie that of one of them,
    whom a finding names. Rows of active batches are not labelled.

    Parameters
    ----------
    coding : Path
        Folder that ``duree sample`` wrote.
    population : polars.DataFrame
        The rows of ``population_file``.
    variable : str, optional
        Of the codebook; may be left out if there is only one, or be one of its labels if that one
        was never named.

    Raises
    ------
    NotCodedError
        Nothing is coded in some stratum.
    DataError
        The population is another than that of the design; more than 5 % of the rows were skipped;
        the codebook has neither a variable nor a label of that name; or a file of the folder is
        broken.
    """
    folder = read_folder(coding)
    design = design_of(folder)
    return labels_of(folder, population_of(population, population_file, design.id), variable)


def design_of(folder: CodingFolder) -> Design:
    """The design of a coding folder; DataError if it has none."""
    if folder.design is None:
        raise DataError(
            "{folder!r} holds only active batches, which enter no estimate",
            fix="draw a random sample too: duree sample POP -n 300 --id COL -o {folder}",
            folder=str(folder.path),
        )
    return folder.design


def labels_of(folder: CodingFolder, drawn_from: Population, variable: str | None) -> Labels:
    """``read_labels`` of a folder and a population that were read before."""
    design, asked = design_of(folder), folder.codebook.find(variable)
    require_same_population(design.population, design.population_sha256, drawn_from, folder.path)
    answers, disagreements = final_labels(folder.of(asked.name, DESIGN_BATCH), design.order)
    if not answers:
        raise NotCodedError(
            "nothing is coded yet in {folder!r} for {variable!r}",
            fix="code the texts in the studio (duree studio), or fill in {sheet}",
            folder=str(folder.path),
            variable=asked.name,
            sheet=str(folder.path / SHEET),
        )
    taken = _taken_for(asked, variable, answers)
    units = units_of(drawn_from, design.by, design.cluster)
    unit_stratum = strata_of(units.by, design.edges, len(units))
    drawn = drawn_from.ids.is_in(design.order).arg_true()
    row_of = dict(zip(drawn_from.ids[drawn].to_list(), drawn.to_list(), strict=True))
    _require_all_rows(design, unit_stratum[units.of_row], drawn_from)
    rows = np.array([_row(row_of, id, design) for id in design.order], dtype=np.intp)
    reached = _Reached(design, units.of_row[rows], unit_stratum, answers)
    reached.refuse_skipped()
    stratum = unit_stratum[units.of_row]
    probability = reached.probability()[stratum]
    values = np.full(len(drawn_from), None, dtype=object)
    used = reached.labelled()
    labels = _typed([answers[design.order[place]] for place in used])
    values[rows[used]] = labels
    if design.cluster is not None:
        probability[rows[used]] *= reached.coded_within()[used]
    findings = [*taken, *folder.findings, *disagreements, *reached.findings()]
    return Labels(values, probability, stratum, design.cluster, design.id, tuple(findings))


def _taken_for(asked: Variable, name: str | None, answers: dict[str, str | None]) -> list[Finding]:
    """A note that a variable without a name was taken; DataError if no label is called so."""
    if name is None or name == asked.name:
        return []
    labels = sorted({*asked.names, *(label for label in answers.values() if label)})
    if name not in labels:
        raise DataError(
            "nobody coded {name!r}: the codebook has the variable {variable!r} with the labels "
            "{labels}",
            fix="name the variable or one of its labels in the formula and as the predicted "
            "variable",
            name=name,
            variable=asked.name,
            labels=listed(labels),
        )
    return [
        Finding(
            "unnamed_variable",
            "note",
            "{name!r} was taken from {variable!r}, the only variable of the codebook",
            values={"name": name, "variable": asked.name},
        )
    ]


def require_same_population(name: str, sha256: str, given: Population, folder: Path) -> None:
    """Refuse a population other than the one a sample was drawn from; DataError."""
    if given.sha256 != sha256:
        raise DataError(
            "{file} is not the table from which the sample in {folder!r} was drawn",
            "its content differs from that of {name!r} (SHA-256)",
            "use the file as it was then, or draw a new sample",
            file=given.table.sources[0].path,
            folder=str(folder),
            name=name,
        )


def _require_all_rows(design: Design, stratum: NDArray[np.intp], population: Population) -> None:
    """Refuse a part of the population, of which N would be too small; DataError."""
    found = np.bincount(stratum, minlength=len(design.strata))
    if found.tolist() != [one.rows for one in design.strata]:
        raise DataError(
            "the table has {found} rows, but {file} had {all} when the sample was drawn",
            fix="give all rows of the file, unchanged and in any order",
            found=len(population),
            file=design.population,
            all=sum(one.rows for one in design.strata),
        )


def final_labels(
    codings: Iterable[Coding], order: list[str]
) -> tuple[dict[str, str | None], list[Finding]]:
    """Label by id, None where coders skipped the text, and findings on disagreements.

    Rows that nobody coded are absent.
    """
    by_id: dict[str, dict[str, str]] = defaultdict(dict)
    for coding in codings:
        by_id[coding.id][coding.coder] = coding.label or ""
    work = Counter(coder for given in by_id.values() for coder in given)
    final: dict[str, str | None] = {}
    ties: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for id in order:
        if id not in by_id:
            continue
        given = {coder: label for coder, label in by_id[id].items() if label}
        tied = _tied(given)
        if len(tied) > 1:
            # The coder who coded most; among equals, the first in the alphabet.
            first, second = sorted(tied, key=lambda coder: (-work[coder], coder))[:2]
            ties[first, work[first] == work[second]].append(id)
            final[id] = given[first]
        else:
            final[id] = given[tied[0]] if tied else None
    return final, [_taken(coder, equal, ids) for (coder, equal), ids in ties.items()]


def _tied(given: dict[str, str]) -> list[str]:
    """One coder of the final label; if several labels were given most often, all who gave them."""
    if ADJUDICATED in given:
        return [ADJUDICATED]
    votes = Counter(given.values())
    most = [label for label, count in votes.items() if count == max(votes.values())]
    coders = [coder for coder, label in given.items() if label in most]
    return coders if len(most) > 1 else coders[:1]


def _taken(coder: str, equal: bool, ids: list[str]) -> Finding:
    """Whose label was taken for texts on which coders disagree without a majority, and why."""
    what = (
        "texts on which coders disagree without a majority: {count} ({ids}); the label of {coder} "
        "was taken, who coded the most texts"
    )
    if equal:
        what = (
            "texts on which coders disagree without a majority: {count} ({ids}); the label of "
            "{coder} was taken, the first in the alphabet of those who coded equally many texts"
        )
    fix = "decide them as the coder named adjudicated"
    values = {"count": len(ids), "ids": listed(ids, NAMED), "coder": coder}
    return Finding("undecided_labels", "warning", what, fix, values)


def _row(row_of: dict[str, int], id: str, design: Design) -> int:
    if id not in row_of:
        raise DataError(
            "the id {id!r} of the sample is not in {file}",
            fix="use the file from which the sample was drawn",
            id=id,
            file=design.population,
        )
    return row_of[id]


def _typed(labels: list[str | None]) -> list[Any]:
    """The labels as floats if all are numbers."""
    numbers = [number_of(label or "") for label in labels]
    return list(labels) if None in numbers else list(numbers)


class _Reached:
    """How far coding has come in each stratum.

    Within a stratum the order of the sample is random, so that any beginning of it is a random
    sample of the stratum; what lies before the last coded row and has no label was skipped.

    Parameters
    ----------
    units : int64 [drawn]
        The unit (row or cluster) of each drawn row, in the order of coding.
    unit_stratum : intp [units]
    answers : {id: label or None}
        None: explicitly skipped.
    """

    def __init__(
        self,
        design: Design,
        units: NDArray[np.int64],
        unit_stratum: NDArray[np.intp],
        answers: dict[str, str | None],
    ) -> None:
        self.design, self.units = design, units
        self.stratum = unit_stratum[units]
        self.is_answered = np.array([id in answers for id in design.order], dtype=bool)
        self.is_labelled = np.array(
            [answers.get(id) is not None for id in design.order], dtype=bool
        )
        places = np.arange(len(units))
        last = np.full(len(design.strata), -1)
        np.maximum.at(last, self.stratum[self.is_answered], places[self.is_answered])
        ends = np.full(len(unit_stratum), -1)
        np.maximum.at(ends, units, places)
        self.is_reached = places <= last[self.stratum]
        # A cluster counts when coding has gone beyond it.
        self.is_complete = self.is_reached & (ends[units] <= last[self.stratum])

    def labelled(self) -> NDArray[np.intp]:
        """intp: the places, in the order of coding, of the rows whose labels count."""
        return np.flatnonzero(self.is_labelled & self.is_complete)

    def refuse_skipped(self) -> None:
        """Refuse a sample of which more than 5 % were skipped; DataError."""
        skipped = np.flatnonzero(self.is_complete & ~self.is_labelled)
        reached = int(self.is_complete.sum())
        if len(skipped) > MOST_SKIPPED * reached:
            ids = [self.design.order[place] for place in skipped]
            raise DataError(
                "{count} of {reached} drawn rows were skipped, more than {most:.0%}: those coded "
                "are no random sample",
                "ids {ids}",
                "code them too, as well as they can be",
                count=len(skipped),
                reached=reached,
                most=MOST_SKIPPED,
                ids=listed(ids, NAMED),
            )

    def probability(self) -> NDArray[np.float64]:
        """float64 [strata]: coded units / all units."""
        used = self.labelled()
        pairs = {(int(self.stratum[place]), int(self.units[place])) for place in used}
        coded = Counter(stratum for stratum, _ in pairs)
        for stratum in range(len(self.design.strata)):
            if not coded[stratum]:
                raise NotCodedError(
                    "nothing is coded yet in stratum {stratum} of {strata}",
                    fix="code more texts: the order of the sample mixes the strata",
                    stratum=stratum + 1,
                    strata=len(self.design.strata),
                )
        return np.array(
            [coded[h] / one.units for h, one in enumerate(self.design.strata)], dtype=np.float64
        )

    def coded_within(self) -> NDArray[np.float64]:
        """float64 [drawn]: the share of coded rows in the cluster of each drawn row."""
        all_rows = np.bincount(self.units)
        coded = np.bincount(self.units[self.is_labelled], minlength=len(all_rows))
        return coded[self.units] / all_rows[self.units]

    def findings(self) -> list[Finding]:
        """A note on labels that do not count yet."""
        waiting = int((self.is_labelled & ~self.is_complete).sum())
        if not waiting:
            return []
        return [
            Finding(
                "unfinished_clusters",
                "note",
                "labels that do not count yet, because their clusters are unfinished: {count}",
                "code the other rows of these clusters",
                {"count": waiting},
            )
        ]
