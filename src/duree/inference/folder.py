"""A coding folder: the design, the codebook and all codings, read together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from duree.errors import DataError
from duree.inference.active import Active, read_active
from duree.inference.codebook import (
    CODEBOOK,
    Codebook,
    Variable,
    parse_codebook,
    read_codebook,
)
from duree.inference.codings import (
    ACTIVE_BATCH,
    Coding,
    read_codings,
    valid_codings,
)
from duree.inference.design import DESIGN, Design, read_design
from duree.inference.sheet import active_codings, not_in_codebook, sheet_codings
from duree.storage import write_file
from duree.tables.finding import Finding


@dataclass(frozen=True)
class CodingFolder:
    """What lies in a coding folder.

    Attributes
    ----------
    path : Path
    design : Design or None
        None if there are only active batches.
    active : Active or None
    codebook : Codebook
    codings : list of Coding
        The valid ones, in the order in which they were made; those of sheets come first.
    findings : list of Finding
    """

    path: Path
    design: Design | None
    active: Active | None
    codebook: Codebook
    codings: list[Coding]
    findings: list[Finding]

    def of(self, variable: str, *batches: str) -> list[Coding]:
        """The codings of a variable in some batches."""
        return [one for one in self.codings if one.variable == variable and one.batch in batches]

    def with_coding(self, coding: Coding) -> CodingFolder:
        """The folder after a coding was appended."""
        return replace(self, codings=valid_codings([*self.codings, coding]))


def read_folder(folder: Path | str) -> CodingFolder:
    """Read a coding folder.

    Raises
    ------
    DataError
        It is none, or a file in it is broken; or a coding is of a row that was not drawn, or of a
        label that the codebook lacks.
    """
    path = Path(folder)
    active = read_active(path)
    design = read_design(path) if active is None or (path / DESIGN).exists() else None
    codebook = read_codebook(path)
    drawn = design.order if design else []
    picked = active.order if active else []
    codings, findings = read_codings(path)
    codings = [*active_codings(path, picked, codebook), *codings]
    if design:
        codings = [*sheet_codings(path, drawn, codebook), *codings]
    valid = valid_codings(codings)
    known = {variable.name: variable for variable in codebook.variable}
    _check(valid, known, set(drawn), set(picked), path)
    return CodingFolder(path, design, active, codebook, valid, findings)


def replace_codebook(folder: CodingFolder, text: str) -> None:
    """Write another codebook.

    Raises
    ------
    DataError
        It is faulty, or lacks a variable or a label that was given already.
    RunError
        It cannot be written; the old one is intact.
    """
    path = folder.path / CODEBOOK
    content = (text.replace("\r\n", "\n").rstrip() + "\n").encode()
    known = {variable.name: variable for variable in parse_codebook(content, path).variable}
    drawn = set(folder.design.order if folder.design else [])
    picked = set(folder.active.order if folder.active else [])
    _check(folder.codings, known, drawn, picked, folder.path)
    write_file(path, content)


def _check(
    codings: list[Coding],
    variables: dict[str, Variable],
    drawn: set[str],
    picked: set[str],
    path: Path,
) -> None:
    """Refuse codings that belong to other rows, variables or labels than the folder's."""
    for row, coding in enumerate(codings, 1):
        if coding.id not in (picked if coding.batch == ACTIVE_BATCH else drawn):
            raise DataError(
                "{coder!r} coded the id {id!r}, which was not drawn",
                "in {folder!r}",
                "the file belongs to another sample: move it out of the folder",
                coder=coding.coder,
                id=coding.id,
                folder=str(path),
            )
        variable = variables.get(coding.variable)
        if variable is None:
            raise DataError(
                "{coder!r} coded the variable {variable!r}, which the codebook lacks",
                "in {folder!r}",
                "write the former name of the variable in codebook.toml, or add it",
                coder=coding.coder,
                variable=coding.variable,
                folder=str(path),
            )
        if coding.label and variable.canonical(coding.label) is None:
            raise not_in_codebook(coding.label, variable, f"codings-{coding.coder}.jsonl", row)
