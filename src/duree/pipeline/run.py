"""Run: the folder that holds the recipe, the model and the results of one run.

Every file is written aside, synced and renamed, so that each is whole at every moment. Only one
process may write a run at a time: it holds a lock that ends with the process, however it ends.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from duree.errors import RunError, command
from duree.recipe.recipe import Recipe
from duree.report.run_folder import RunFolder
from duree.results.metrics_file import Opening
from duree.storage import cannot_write, no_link, write_file

LOCK = ".lock"


class Run:
    """An existing run folder.

    Parameters
    ----------
    folder : Path
        A folder made by ``Run.create``.

    Raises
    ------
    RunError
        There is no run in the folder, or it is not safe to use (a link, or another user's).
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        _refuse_unsafe(self.folder)
        if not (self.folder / "recipe.toml").is_file():
            raise RunError(
                "there is no run in {folder!r}",
                fix="give the folder that `duree fit` made: it holds recipe.toml",
                folder=str(folder),
            )
        self.recipe = Recipe.read(self.folder / "recipe.toml")
        self.is_new = False

    @classmethod
    def create(cls, folder: Path | str, recipe: Recipe) -> Run:
        """Make the folder, for its user alone, and write the recipe into it, as
        ``duree.tasks.resolve`` gave it.

        Of several processes that ask for the same folder one gets it.

        Raises
        ------
        RunError
            Something is there already, or the folder cannot be made.
        """
        folder = Path(folder)
        _refuse_unsafe(folder)
        is_new = _made(folder)
        _require_empty(folder)
        with _locked(folder):
            _require_empty(folder)
            write_file(folder / "recipe.toml", recipe.to_toml().encode())
        run = cls(folder)
        run.is_new = is_new
        return run

    def discard(self) -> None:
        """Remove what the run has written, and the folder if ``create`` made it."""
        if self.is_new:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def decide(self, recipe: Recipe) -> None:
        """Store the recipe again, with what reading the table has decided."""
        self.recipe = recipe
        write_file(self.folder / "recipe.toml", recipe.to_toml().encode())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process from writing this run.

        Raises
        ------
        RunError
            Another process writes it, or the system refuses to write there.
        """
        with _locked(self.folder):
            yield

    def writer(self) -> int | None:
        """The process that writes this run now (0: it has only begun); None where nobody does."""
        try:
            with open(self.folder / LOCK, "rb", opener=no_link) as file:
                return None if _try_lock(file.fileno()) else int(file.read() or b"0")
        except OSError:
            return None

    def has(self, name: str) -> bool:
        """Whether the run holds this file or folder."""
        return (self.folder / name).exists()

    def read_json(self, name: str) -> Any:
        """The data in a JSON file of the run."""
        return RunFolder(self.folder).record(object, name)

    def write_json(self, name: str, data: Any) -> None:
        """Write a record of ``duree.results``, or plain data.

        Raises
        ------
        ValueError
            A number is not finite: a programming error, as JSON has no such number.
        """
        plain = to_jsonable_python(data)
        text = json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False)
        write_file(self.folder / name, text.encode())

    def log(self, line: str) -> None:
        """Append one line, with the time, to log.txt."""
        path = self.folder / "log.txt"
        try:
            with open(path, "a", encoding="utf-8", opener=no_link) as file:
                file.write(f"{now()}  {line}\n")
        except OSError as error:
            raise cannot_write(path, error) from None

    def open_test(self, why: str) -> None:
        """Record that the answers of the test part are looked at, before they are."""
        openings = [*self.test_openings(), Opening(when=now(), why=why)]
        self.write_json("test_openings.json", openings)

    def test_openings(self) -> list[Opening]:
        """When and why the test part was opened so far."""
        return RunFolder(self.folder).record_if_there(list[Opening], "test_openings.json") or []


def free_folder(name: str, parent: Path = Path("runs")) -> Path:
    """A folder under ``parent`` of this name, with a number where it is taken."""
    folders = (parent / f"{name}-{number}" for number in count(2))
    return next(folder for folder in chain([parent / name], folders) if not folder.exists())


def now() -> str:
    """The local time with its difference from UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")


def _made(folder: Path) -> bool:
    """Whether the folder is new; RunError if it cannot be made."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        if not folder.is_dir():
            raise _exists(folder) from None
        return False
    except OSError as error:
        raise cannot_write(folder, error) from None
    return True


def _require_empty(folder: Path) -> None:
    """Refuse a folder that holds anything but the lock of a run that could not be begun."""
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise cannot_write(folder, error) from None
    if names - {LOCK}:
        raise _exists(folder)


def _exists(folder: Path) -> RunError:
    if not (folder / "recipe.toml").is_file():
        fix = "choose another --out: a run gets a folder of its own"
        return RunError("{folder!r} exists already", fix=fix, folder=str(folder))
    return RunError(
        "{folder!r} exists already",
        fix="choose another --out, or continue it: {command}",
        command=command("duree", "resume", folder),
        folder=str(folder),
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a run folder."""
    with ExitStack() as held:
        try:
            file = held.enter_context(open(folder / LOCK, "a+b", opener=no_link))
            if not _wait_for_lock(file.fileno()):
                raise RunError(
                    "another process is writing {folder!r}",
                    fix="wait until it ends, or stop it",
                    folder=str(folder),
                )
            file.truncate(0)
            file.write(str(os.getpid()).encode())
            file.flush()
        except OSError as error:
            raise cannot_write(folder, error) from None
        yield


def _refuse_unsafe(folder: Path) -> None:
    """A run that is a link, or belongs to somebody else, could be exchanged under our hands."""
    if folder.is_symlink():
        raise RunError(
            "the run folder {folder!r} is a symbolic link",
            fix="give the folder itself: {target!r}",
            folder=str(folder),
            target=str(folder.resolve()),
        )
    if hasattr(os, "getuid") and folder.exists() and folder.stat().st_uid != os.getuid():
        raise RunError(
            "the run folder {folder!r} belongs to another user",
            fix="copy it into a folder of your own",
            folder=str(folder),
        )


def _wait_for_lock(descriptor: int) -> bool:
    """Take the lock; who only asks for the writer holds it too, but for a moment."""
    for _ in range(10):
        if _try_lock(descriptor):
            return True
        time.sleep(0.05)
    return False


def _try_lock(descriptor: int) -> bool:
    """Take a lock that the system releases when the process ends; False if another holds it."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
