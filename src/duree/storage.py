"""Sealed folders: files that are complete and verified, or refused.

A sealed folder is written under a temporary name, synced, and renamed into place; its manifest
holds the size and SHA-256 of every file. Reading verifies all of them and follows no link.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from duree.errors import DataError, RunError

FORMAT = 1
# Lies beside an uploaded table, which the studio stores as ``table.*``.
UPLOADED = "uploaded.json"
MANIFEST = "manifest.json"
# Far larger than any manifest of ours: a larger file is not read to its end.
LARGEST_MANIFEST = 2**20

# Flags that only some systems have.
_NO_LINK, _BINARY = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_BINARY", 0)

_FIX = "use an untouched copy, or train again: duree fit --recipe RUN/recipe.toml"


def write_file(path: Path, content: bytes, *, synced: bool = True) -> None:
    """Write one file under a temporary name, sync it and rename it into place.

    Raises
    ------
    RunError
        It cannot be written (a full disk, for instance); its old content is intact.
    """
    with replacing(path, synced=synced) as aside:
        aside.write_bytes(content)


@contextmanager
def replacing(path: Path, within: Path | None = None, *, synced: bool = True) -> Iterator[Path]:
    """A new, empty file beside ``path`` (or in a folder of ours), which takes its place at the end.

    Its name cannot be foreseen, so nobody can place a link there that would be written through. A
    file that is replaced passes on its mode.

    Raises
    ------
    RunError
        It cannot be written; the old file is intact.
    """
    name = f".{path.name[:40]}.{secrets.token_hex(8)}.new"
    aside = (within or path.parent) / name
    try:
        try:
            os.close(create(aside, _mode(path)))
            yield aside
            if synced:
                with open(aside, "r+b") as written:  # Windows syncs no file that is only read
                    os.fsync(written.fileno())
            os.replace(aside, path)
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
        if synced:
            sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from None


def no_link(path: str, flags: int) -> int:
    """For ``open(path, mode, opener=no_link)``: OSError if the file is a symbolic link."""
    return os.open(path, flags | _NO_LINK, 0o666)


def write_sealed(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` as one sealed folder, replacing the folder's content.

    Raises
    ------
    RunError
        The folder cannot be written (a full disk, for instance); its old content is intact.
    """
    aside, old = _aside(folder), _old(folder)
    try:
        _restore_old(folder)
        _remove(aside)
        aside.mkdir(parents=True)
        for name, content in files.items():
            _write_synced(aside / name, content)
        _write_synced(aside / MANIFEST, _manifest(files))
        sync_folder(aside)
        _remove(old)
        if folder.exists():
            os.rename(folder, old)
        os.rename(aside, folder)
        sync_folder(folder.parent)
        _remove(old)
    except OSError as error:
        _remove(aside)
        with suppress(OSError):  # if that fails too, reading finds the old folder
            _restore_old(folder)
        raise cannot_write(folder, error) from None


def cannot_write(path: Path, error: OSError) -> RunError:
    """The error where the system refuses to write."""
    return RunError(
        "{folder!r} cannot be written: {reason}",
        fix="free some space, or allow writing there; what was saved before is intact",
        folder=str(path),
        reason=error.strerror or str(error),
    )


def cannot_read(path: Path | str, error: OSError) -> DataError:
    """The error where the system refuses to read."""
    return DataError(
        "{file} cannot be read: {reason}",
        fix="check that the file exists and that you may read it",
        file=str(path),
        reason=error.strerror or str(error),
    )


def make_folder(folder: Path) -> None:
    """Make a folder if it is not there; RunError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None


def is_sealed(folder: Path) -> bool:
    """Whether a sealed folder, complete or not, is at ``folder`` or waiting to be restored."""
    return folder.exists() or _old(folder).exists()


def seal_of(folder: Path) -> str:
    """The SHA-256 that a sealed folder's manifest states of itself: it identifies all content.

    Raises
    ------
    RunError
        There is no manifest, or it was altered.
    """
    seal, _ = _read_manifest(folder)
    return seal


def read_sealed(folder: Path) -> dict[str, bytes]:
    """All files of a sealed folder except its manifest, each verified.

    Raises
    ------
    RunError
        The folder or a file is missing, extra, altered, a link, or from a newer version of Durée.
    """
    if not folder.exists() and _old(folder).exists():
        # The process ended between the two renames: the old folder is still complete.
        folder = _old(folder)
    if folder.is_symlink():
        raise RunError(
            "{folder!r} is a symbolic link",
            fix="give the folder itself: {target!r}",
            folder=str(folder),
            target=str(folder.resolve()),
        )
    if not folder.exists():
        raise RunError("there is no {folder!r}", fix="check the path", folder=str(folder))
    if not (folder / MANIFEST).exists():
        raise RunError("{folder!r} was not written by Durée", fix=_FIX, folder=str(folder))
    _, expected = _read_manifest(folder)
    present = {entry.name for entry in os.scandir(folder)} - {MANIFEST}
    for name in sorted(set(expected) - present):
        raise RunError(
            "{name!r} is missing from {folder!r}", fix=_FIX, name=name, folder=str(folder)
        )
    for name in sorted(present - set(expected)):
        raise RunError(
            "{name!r} in {folder!r} was not written by Durée",
            fix="move it out of the folder",
            name=name,
            folder=str(folder),
        )
    return {name: _read_whole(folder, name, *entry) for name, entry in expected.items()}


def _read_whole(folder: Path, name: str, size: int, digest: str) -> bytes:
    content = _read(folder, name, size + 1)
    if len(content) != size or hashlib.sha256(content).hexdigest() != digest:
        raise RunError(
            "{name!r} in {folder!r} was altered or truncated",
            fix=_FIX,
            name=name,
            folder=str(folder),
        )
    return content


def _manifest(files: Mapping[str, bytes]) -> bytes:
    entries = {
        name: [len(content), hashlib.sha256(content).hexdigest()] for name, content in files.items()
    }
    body = json.dumps({"format": FORMAT, "files": entries}, sort_keys=True)
    return json.dumps({"body": body, "sha256": hashlib.sha256(body.encode()).hexdigest()}).encode()


def _read_manifest(folder: Path) -> tuple[str, dict[str, tuple[int, str]]]:
    """The SHA-256 of a manifest, which is verified, and the size and SHA-256 of every file."""
    content = _read(folder, MANIFEST, LARGEST_MANIFEST)
    try:
        outer = json.loads(content)
        body = str(outer["body"])
        seal = hashlib.sha256(body.encode()).hexdigest()
        if seal != outer["sha256"]:
            raise ValueError("its own checksum does not match")
        manifest = json.loads(body)
        version = int(manifest["format"])
        if version > FORMAT:
            _refuse_newer(folder, version)
        files = manifest["files"].items()
        return seal, {name: (int(size), str(digest)) for name, (size, digest) in files}
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise RunError(
            "{name!r} in {folder!r} was altered or truncated",
            fix=_FIX,
            name=MANIFEST,
            folder=str(folder),
        ) from None


def _refuse_newer(folder: Path, version: int) -> None:
    raise RunError(
        "{folder!r} was written by a newer version of Durée (format {version}, this version "
        "reads up to {known})",
        fix="update Durée: pip install --upgrade duree",
        folder=str(folder),
        version=version,
        known=FORMAT,
    )


def _read(folder: Path, name: str, most: int) -> bytes:
    """At most ``most`` bytes of a regular file: follows no link, and never blocks on a pipe."""
    flags = os.O_RDONLY | _NO_LINK | _BINARY
    try:
        require_regular(folder / name)
        with open(os.open(folder / name, flags), "rb") as file:
            # A manifest may state any size; reading takes so much memory before it begins.
            return file.read(max(0, min(most, os.fstat(file.fileno()).st_size + 1)))
    except (OSError, MemoryError) as error:
        raise RunError(
            "{folder!r} is refused: {reason}",
            fix=_FIX,
            folder=str(folder),
            reason=f"{name}: {getattr(error, 'strerror', 'it is larger than the memory')}",
        ) from None


def require_regular(path: Path) -> None:
    """Refuse a link, a pipe or anything else that is no regular file.

    Raises
    ------
    RunError, OSError
        It is none; there is nothing.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        raise RunError(
            "{name!r} in {folder!r} is a link or not a regular file",
            fix=_FIX,
            name=path.name,
            folder=str(path.parent),
        )


def create(path: Path, mode: int | None = None) -> int:
    """The descriptor of a file that was not there before; ``mode`` in place of the usual one."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK | _BINARY, 0o666)
    if mode is not None and hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)
    return descriptor


def _mode(path: Path) -> int | None:
    """The mode of a file that is there already."""
    try:
        found = path.lstat().st_mode
    except OSError:
        return None
    return stat.S_IMODE(found) & 0o777 if stat.S_ISREG(found) else None


def _write_synced(path: Path, content: bytes) -> None:
    with open(create(path), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Let the names in a folder survive a power loss; OSError."""
    if os.name == "nt":  # Windows cannot sync folders.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _restore_old(folder: Path) -> None:
    """Restore the old content if a write ended between its two renames."""
    if not folder.exists() and _old(folder).exists():
        os.rename(_old(folder), folder)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.new")


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _remove(folder: Path) -> None:
    if folder.is_symlink():  # what it leads to is not ours
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def require(holds: bool, kind: str, part: str) -> None:
    """Refuse a stored encoder of some kind ("text", "series") if one part of it is invalid.

    Raises
    ------
    RunError
        ``holds`` is false.
    """
    if not holds:
        raise not_valid(kind, part)


def not_valid(kind: str, part: str) -> RunError:
    """The error for an invalid part of a stored encoder."""
    return RunError(
        "the stored {kind} encoder is invalid: see its {part!r}",
        fix="it was altered, or written by a newer version of Durée: update Durée, or train the "
        "model again",
        kind=kind,
        part=part,
    )


def given_name(path: Path | str) -> str:
    """The name that a table had before the studio stored it; empty if it did not."""
    try:
        found = json.loads(Path(path).with_name(UPLOADED).read_bytes())
    except (OSError, ValueError, RecursionError):
        return ""
    name = found.get("name") if isinstance(found, dict) else None
    return name if isinstance(name, str) and Path(path).stem == "table" else ""
