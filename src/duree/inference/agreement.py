"""The agreement of those who coded a folder: Krippendorff's alpha and who confuses what."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from duree.errors import DataError
from duree.inference.codebook import Level, Variable, number_of
from duree.inference.codings import ADJUDICATED, AGAIN, DESIGN_BATCH, Coding
from duree.inference.folder import CodingFolder, read_folder
from duree.inference.krippendorff import Alpha, count_values, krippendorff_alpha
from duree.storage import write_file
from duree.tables.finding import Finding

AGREEMENT = "agreement.json"
# Between different coders, and of one coder with their own codings some time later.
BETWEEN, WITHIN = "between coders", "same coder again"


@dataclass(frozen=True)
class Confusion:
    """How often two coders gave which labels to the same texts.

    ``counts`` [labels, labels] has the labels of the first coder as rows.
    """

    first: str
    second: str
    labels: list[str]
    counts: list[list[int]]

    @property
    def texts(self) -> int:
        """The number of texts that both coded."""
        return sum(map(sum, self.counts))

    @property
    def agreed(self) -> int:
        """The number of texts to which both gave the same label."""
        return sum(self.counts[place][place] for place in range(len(self.labels)))


@dataclass(frozen=True)
class Agreement:
    """The agreement on one variable.

    Attributes
    ----------
    variable : str
    kind : str
        ``BETWEEN`` different coders, or ``WITHIN``: of one coder with themselves, which is
        stability, and an upper bound of reliability.
    level : str
    coders : list of str
    overall : Alpha
    by_label : {label: Alpha}
        Nominal, each label against all others; empty where answers are free.
    confusions : list of Confusion
        Of each two coders.
    """

    variable: str
    kind: str
    level: Level
    coders: list[str]
    overall: Alpha
    by_label: dict[str, Alpha]
    confusions: list[Confusion]


def agree(coding: Path | str, level: Level | None = None) -> tuple[list[Agreement], list[Finding]]:
    """The agreement of coders on each variable; it is also written to ``agreement.json``.

    Parameters
    ----------
    coding : Path
        Folder that ``duree sample`` wrote.
    level : {"nominal", "ordinal", "interval", "ratio"}, optional
        Level of measurement; that of the codebook if not given.

    Returns
    -------
    list of Agreement, list of Finding

    Raises
    ------
    DataError
        No text was coded twice; or labels are no numbers and the level is interval or ratio.
    RunError
        ``agreement.json`` cannot be written.
    """
    folder = read_folder(coding)
    found = measure(folder, level)
    if not found:
        raise DataError(
            "no text in {folder!r} was coded twice",
            fix="let a second coder code some of the texts, or go on: a random fifth is asked "
            "twice",
            folder=str(coding),
        )
    rows = [asdict(one) for one in found]
    write_file(folder.path / AGREEMENT, json.dumps(rows, ensure_ascii=False, indent=1).encode())
    return found, [*folder.findings, *_notes(found)]


def measure(folder: CodingFolder, level: Level | None) -> list[Agreement]:
    """The agreement of coders on each variable, as ``agree``; empty if no text was coded twice."""
    return [
        one
        for variable in folder.codebook.variable
        for one in _of_variable(folder, variable, level or variable.level)
    ]


def _of_variable(folder: CodingFolder, variable: Variable, level: Level) -> Iterable[Agreement]:
    codings = [one for one in folder.of(variable.name, DESIGN_BATCH, AGAIN) if one.label]
    first = [one for one in codings if one.batch == DESIGN_BATCH and one.coder != ADJUDICATED]
    between = _by_text((one.id, one.coder, one.label or "") for one in first)
    if len({coder for given in between.values() for coder in given}) > 1:
        yield from _measured(variable, BETWEEN, level, between)
    # Each coder's two codings of a text are a unit of their own.
    pairs: dict[str, dict[str, str]] = defaultdict(dict)
    for one in codings:
        pairs[f"{one.coder}\n{one.id}"][one.batch] = one.label or ""
    twice = {unit: given for unit, given in pairs.items() if len(given) == 2}
    again = _coders_of(one for one in codings if one.batch == AGAIN)
    yield from _measured(variable, WITHIN, level, twice, again)


def _measured(
    variable: Variable,
    kind: str,
    level: Level,
    units: dict[str, dict[str, str]],
    coders: list[str] | None = None,
) -> Iterable[Agreement]:
    """The agreement on units that were coded at least twice; nothing if there are none."""
    units = {unit: given for unit, given in units.items() if len(given) > 1}
    if not units:
        return
    labels = _labels_in_order(variable, units, level)
    place = {label: number for number, label in enumerate(labels)}
    values = _values(variable, labels, level)
    counts = count_values(
        [[place[x] for x in given.values()] for given in units.values()], len(labels)
    )
    by_label = {
        label: krippendorff_alpha(
            np.stack([counts[:, at], counts.sum(axis=1) - counts[:, at]], axis=1),
            np.array([0.0, 1.0]),
            "nominal",
        )
        for label, at in place.items()
        if variable.label
    }
    raters = sorted({rater for given in units.values() for rater in given})
    if kind == WITHIN:
        raters = [DESIGN_BATCH, AGAIN]
    confusions = [_confusion(a, b, labels, units) for a, b in combinations(raters, 2)]
    yield Agreement(
        variable.name,
        kind,
        level,
        coders or raters,
        krippendorff_alpha(counts, values, level),
        by_label,
        [one for one in confusions if one.texts],
    )


def _labels_in_order(
    variable: Variable, units: dict[str, dict[str, str]], level: Level
) -> list[str]:
    """The labels in use, in the order of the codebook; numbers ascending."""
    used = {label for given in units.values() for label in given.values()}
    numbers = {label: number_of(label) for label in used}
    if None not in numbers.values() and (level != "ordinal" or not variable.label):
        return sorted(used, key=lambda label: numbers[label] or 0.0)
    known = [label for label in variable.names if label in used]
    return [*known, *sorted(used - set(known))]


def _values(variable: Variable, labels: list[str], level: Level) -> np.ndarray:
    """float64 [labels]: their numbers; their places where only order or identity counts.

    Raises
    ------
    DataError
        A label is no number, or negative where the level is ratio.
    """
    if level in ("nominal", "ordinal"):
        return np.arange(len(labels), dtype=np.float64)
    numbers = [number_of(label) for label in labels]
    for label, number in zip(labels, numbers, strict=True):
        if number is None or (level == "ratio" and number < 0):
            raise DataError(
                "the label {label!r} of {variable!r} does not suit the level {level}",
                fix="choose --level nominal or ordinal; interval needs numbers, and ratio none "
                "below 0",
                label=label,
                variable=variable.name,
                level=level,
            )
    return np.array(numbers, dtype=np.float64)


def _confusion(
    first: str, second: str, labels: list[str], units: dict[str, dict[str, str]]
) -> Confusion:
    pairs = Counter(
        (given[first], given[second])
        for given in units.values()
        if first in given and second in given
    )
    return Confusion(first, second, labels, [[pairs[a, b] for b in labels] for a in labels])


def _by_text(codings: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, str]]:
    """Label by coder by text."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for id, coder, label in codings:
        found[id][coder] = label
    return found


def _coders_of(codings: Iterable[Coding]) -> list[str]:
    return sorted({one.coder for one in codings})


def _notes(found: list[Agreement]) -> Iterable[Finding]:
    """What the figures mean, where that is easily mistaken."""
    if any(one.kind == WITHIN for one in found):
        yield Finding(
            "same_coder",
            "note",
            "a coder's agreement with themselves is stability, which is higher than the agreement "
            "of different coders",
            "let a second person code the texts that are asked twice",
        )
    if any(one.overall.alpha is None for one in found):
        yield Finding(
            "no_variation",
            "note",
            "alpha is undefined where all codings are the same",
            "code more texts",
        )
