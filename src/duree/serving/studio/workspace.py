"""Workspace: the folder that the studio shows, with its runs and the tables that were uploaded."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

from duree.errors import DataError, DureeError, RunError
from duree.pipeline.progress import standing
from duree.pipeline.run import Run, now
from duree.recipe.settings import DataSettings
from duree.storage import UPLOADED, cannot_write, require_regular, write_file
from duree.tables.files.read import READERS

UPLOADS = "uploads"


class NotFoundError(DureeError):
    """There is nothing of this name."""


@dataclass(frozen=True)
class UploadNote:
    """``uploaded.json``: the name that is shown, the size, and the time."""

    name: str
    bytes: int
    when: str


_NOTE = TypeAdapter(UploadNote)


@dataclass(frozen=True)
class Upload:
    """An uploaded table: stored under a generated name, shown under its own."""

    id: str
    path: Path
    name: str
    bytes: int
    when: str

    @property
    def moment(self) -> float:
        """``when`` as seconds, for comparison: it is in the local time of its day."""
        return datetime.fromisoformat(self.when).timestamp()


class Workspace:
    """A folder of runs.

    What a browser sends is never used as a path: it is looked up among the existing names.

    Parameters
    ----------
    folder : Path
        Created if missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.uploads = self.folder / UPLOADS
        self.uploads.mkdir(mode=0o700, parents=True, exist_ok=True)

    def runs(self) -> list[Run]:
        """All runs, the latest first; folders that are not safe to open are skipped."""
        return sorted(self._runs(), key=lambda run: _time(run.folder), reverse=True)

    def run(self, name: str) -> Run:
        """The run of this name; NotFoundError if there is none, RunError if it is not safe."""
        for folder in self._folders():
            if folder.name == name:
                return Run(folder)
        raise NotFoundError("there is no run {name!r}", fix="choose one from the list", name=name)

    def tables(self) -> list[Upload]:
        """All uploaded tables, the latest first."""
        found = [self._upload(folder) for folder in self.uploads.iterdir() if folder.is_dir()]
        whole = [upload for upload in found if upload is not None]
        return sorted(whole, key=lambda upload: upload.moment, reverse=True)

    def table(self, id: str) -> Upload:
        """The uploaded table with this id; NotFoundError if there is none."""
        for folder in self.uploads.iterdir():
            if folder.name == id and (upload := self._upload(folder)):
                return upload
        raise NotFoundError("there is no such table", fix="upload it again")

    def table_of(self, run: Run) -> Upload | None:
        """The uploaded table that a run was trained on; None if there is none."""
        files = run.recipe.data.files
        return next((table for table in self.tables() if (str(table.path),) == files), None)

    def runs_of(self, table: Upload) -> list[Run]:
        """The runs that read an uploaded table."""
        path = str(table.path)

        def reads(data: DataSettings) -> bool:
            return path in (*data.files, data.test_file, data.validation_file)

        return [run for run in self._runs() if reads(run.recipe.data)]

    def delete(self, table: Upload) -> None:
        """Delete an uploaded table; runs that were trained on it are kept."""
        try:
            shutil.rmtree(table.path.parent)
        except OSError as error:
            raise cannot_write(table.path, error) from None

    def new_upload(self, name: str) -> Path:
        """The path to write a table of this name to; ``add_upload`` registers it.

        Raises
        ------
        DataError
            The suffix is not that of a table.
        """
        suffix = f".{name.lower().rpartition('.')[2]}" if "." in name else ""
        if suffix not in READERS:
            raise DataError(
                "the file type of {name!r} is not supported",
                fix="upload one of: {known}",
                name=name,
                known=" ".join(READERS),
            )
        folder = self.uploads / secrets.token_hex(6)
        folder.mkdir(mode=0o700)
        return folder / f"table{suffix}"

    def add_upload(self, path: Path, name: str) -> Upload:
        """Register a table that was written completely; ``name`` is only displayed."""
        note = UploadNote(name, path.stat().st_size, now())
        write_file(path.with_name(UPLOADED), json.dumps(asdict(note)).encode())
        return Upload(path.parent.name, path, **asdict(note))

    def _folders(self) -> Iterator[Path]:
        for folder in self.folder.iterdir():
            if (folder / "recipe.toml").is_file():
                yield folder

    def _runs(self) -> Iterator[Run]:
        for folder in self._folders():
            try:
                yield Run(folder)
            except DureeError:
                continue

    def _upload(self, folder: Path) -> Upload | None:
        try:
            note = _NOTE.validate_json((folder / UPLOADED).read_bytes())
            datetime.fromisoformat(note.when)
            path = next(path for path in folder.iterdir() if path.stem == "table")
            require_regular(path)
            return Upload(folder.name, path, note.name, note.bytes, note.when)
        except (OSError, ValueError, StopIteration, RunError):  # incomplete, or not of the studio
            return None


def state(run: Run) -> str:
    """``finished``, ``running``, ``failed`` or ``stopped``, by the run's folder."""
    if run.writer() is not None:
        return "running"
    if run.has("report.html"):
        return "finished"
    return "failed" if standing(run).error else "stopped"


def _time(folder: Path) -> float:
    return (folder / "recipe.toml").stat().st_mtime
