"""Tables that a run has predicted: each waits beside the uploads, with what was found."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter

from duree.errors import RunError, plain, with_phrases
from duree.inference.provenance import provenance_file
from duree.pipeline.run import Run, now
from duree.report.numbers import number
from duree.serving.studio.isolated import isolated
from duree.serving.studio.table_preview import (
    COLUMNS,
    CheckResult,
    by_severity,
    first_cells,
)
from duree.serving.studio.workspace import NotFoundError, Upload, Workspace
from duree.storage import require_regular, write_file
from duree.tables.columns import own_and_added
from duree.tables.files.stream import require_few_cells, stream_table
from duree.tables.finding import Finding, Level
from duree.tasks import layout_for
from duree.workflow import predict

NOTE, STEM = "predicted.json", "predicted"
# The most tables that wait; the oldest is deleted for a newer one.
MOST = 5
# Figures with so many decimals are shortened where they are shown.
LONG = re.compile(r"-?\d+\.\d{5,}(e-?\d+)?")


@dataclass(frozen=True)
class StoredFinding:
    """A finding, its values as JSON holds them; its rows are named in the values."""

    check: str
    level: Level
    what: str
    fix: str
    values: dict[str, object]

    @classmethod
    def of(cls, one: Finding) -> Self:
        """The finding to be stored."""
        return cls(one.check, one.level, one.what, one.fix, plain(one.values))

    @property
    def finding(self) -> Finding:
        """The finding that was stored."""
        return Finding(self.check, self.level, self.what, self.fix, with_phrases(self.values))


@dataclass(frozen=True)
class PredictedNote:
    """``predicted.json``: what the page of a predicted table shows.

    Attributes
    ----------
    name : str
        The name under which the table is downloaded.
    run : str
    when : str
    findings : list of StoredFinding
    columns : list of str
        The first columns, those of the predictions before all others.
    rows : list of list of str
        Their cells in the first rows.
    hidden : int
        The number of columns that are not among them.
    """

    name: str
    run: str
    when: str
    findings: list[StoredFinding]
    columns: list[str]
    rows: list[list[str]]
    hidden: int


_NOTE = TypeAdapter(PredictedNote)


@dataclass(frozen=True)
class Predicted:
    """A predicted table: stored under a generated name, shown under its own."""

    id: str
    path: Path
    note: PredictedNote

    @property
    def bytes(self) -> int:
        return self.path.stat().st_size

    @property
    def found(self) -> list[CheckResult]:
        """The findings as the page of a table shows them."""
        findings = by_severity([stored.finding for stored in self.note.findings])
        return [CheckResult(finding, []) for finding in findings]


def keep(workspace: Workspace, run: Run, table: Upload) -> Predicted:
    """Predict an uploaded table, and keep the result in its place.

    Raises
    ------
    DureeError
        It cannot be predicted: nothing of it is left.
    """
    folder = table.path.parent
    try:
        path, note = predict_into(folder, run, table)
        for other in folder.iterdir():
            if other not in (path, provenance_file(path)):
                other.unlink()
        write_file(folder / NOTE, json.dumps(asdict(note), ensure_ascii=False).encode())
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    others = [one for one in everything(workspace) if one.id != folder.name]
    for old in others[MOST - 1 :]:
        delete(old)
    return Predicted(folder.name, path, note)


def predict_into(folder: Path, run: Run, table: Upload) -> tuple[Path, PredictedNote]:
    """Write the table with predictions to a folder, and note what was found."""
    name = predicted_name(run, table)
    path = folder / f"{STEM}.{name.rpartition('.')[2]}"
    found, columns, rows, hidden = isolated(_predict, run.folder, table.path, path)
    findings = [
        StoredFinding.of(
            replace(one, values=one.values | {"file": name}) if "file" in one.values else one
        )
        for one in found
    ]
    return path, PredictedNote(name, run.folder.name, now(), findings, columns, rows, hidden)


def predicted_name(run: Run, table: Upload) -> str:
    """The name under which a table with predictions is downloaded."""
    suffix = layout_for(run.recipe).predicted_suffix(table.path.suffix)
    return f"{table.name.rpartition('.')[0]}-predicted{suffix}"


def waiting(workspace: Workspace, run: Run) -> list[Predicted]:
    """The tables that this run has predicted, the latest first."""
    return [one for one in everything(workspace) if one.note.run == run.folder.name]


def find(workspace: Workspace, run: Run, id: str) -> Predicted:
    """The predicted table with this id; NotFoundError if there is none."""
    for one in waiting(workspace, run):
        if one.id == id:
            return one
    raise NotFoundError("there is no such table", fix="upload it again")


def delete(table: Predicted) -> None:
    """Delete a predicted table."""
    shutil.rmtree(table.path.parent, ignore_errors=True)


def _predict(
    run: Path, table: Path, output: Path
) -> tuple[list[Finding], list[str], list[list[str]], int]:
    """What was found, then the first columns, their first cells, and how many more there are."""
    require_few_cells(table)
    findings = predict(run, table, output)
    frame = next(stream_table(output, delimiter=",")).frame
    # A file with a format of its own has no columns that were added.
    own, added = own_and_added(frame.columns)
    shown = [*added, *own][:COLUMNS]
    cells = [[_short(cell) for cell in row] for row in first_cells(frame.select(shown))]
    return findings, shown, cells, frame.width - len(shown)


def _short(cell: str) -> str:
    if not LONG.fullmatch(cell):
        return cell
    value = float(cell)
    return number(value, 3) if abs(value) >= 0.001 else f"{value:.2g}"


def everything(workspace: Workspace) -> list[Predicted]:
    """All predicted tables, the latest first."""
    found = [_read(folder) for folder in workspace.uploads.iterdir() if folder.is_dir()]
    whole = [one for one in found if one is not None]
    return sorted(
        whole, key=lambda one: datetime.fromisoformat(one.note.when).timestamp(), reverse=True
    )


def _read(folder: Path) -> Predicted | None:
    try:
        note = _NOTE.validate_json((folder / NOTE).read_bytes())
        datetime.fromisoformat(note.when)
        path = next(path for path in folder.iterdir() if path.stem == STEM and path.name != NOTE)
        require_regular(path)
        return Predicted(folder.name, path, note)
    except (OSError, ValueError, StopIteration, RunError):  # incomplete, or not of the studio
        return None
