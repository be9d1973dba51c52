"""Sealed folders: files that are whole or refused, whatever happens while they are written.

A sealed folder is written aside, synced, and renamed into place; its manifest holds the size and
SHA-256 of every file. Reading checks all of it, follows no link, and loads nothing in part.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from duree.errors import RunError

FORMAT = 1
MANIFEST = "manifest.json"


def write_file(path: Path, content: bytes) -> None:
    """Write one file aside, sync it, and rename it into place: the old one stays whole till then."""
    aside = path.with_name(f".{path.name}.new")
    try:
        _write_synced(aside, content)
        os.replace(aside, path)
        _sync_folder(path.parent)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def write_sealed(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` as one sealed folder, in the place of whatever the folder held.

    Raises
    ------
    RunError
        The folder cannot be written (a full disk, for instance); what it held before is intact.
    """
    aside, old = _aside(folder), _old(folder)
    try:
        _remove(aside)
        aside.mkdir(parents=True)
        for name, content in files.items():
            _write_synced(aside / name, content)
        _write_synced(aside / MANIFEST, _manifest(files))
        _sync_folder(aside)
        _remove(old)
        if folder.exists():
            os.rename(folder, old)
        os.rename(aside, folder)
        _sync_folder(folder.parent)
        _remove(old)
    except OSError as error:
        _remove(aside)
        raise RunError(
            "{folder!r} cannot be written: {reason}",
            fix="free some space or permit writing there; what was saved before is intact",
            folder=str(folder),
            reason=error.strerror or str(error),
        ) from None


def is_sealed(folder: Path) -> bool:
    """Whether a sealed folder, whole or not, stands at ``folder`` or waits to be put there."""
    return folder.exists() or _old(folder).exists()


def read_sealed(folder: Path) -> dict[str, bytes]:
    """All files of a sealed folder but its manifest, each checked.

    Raises
    ------
    RunError
        The folder or a file is missing, extra, altered, a link, or written by a newer Durée.
    """
    if not folder.exists() and _old(folder).exists():
        # The process died between the two renames: the older one is still whole.
        folder = _old(folder)
    if folder.is_symlink() or not folder.is_dir():
        raise _refusal(folder, "it is not a folder that Durée wrote")
    sizes_and_sums = _read_manifest(folder)
    present = {entry.name for entry in os.scandir(folder)} - {MANIFEST}
    if present != set(sizes_and_sums):
        odd = sorted(present ^ set(sizes_and_sums))[0]
        raise _refusal(folder, f"{odd} is {'not in its manifest' if odd in present else 'missing'}")
    files = {}
    for name, (size, digest) in sizes_and_sums.items():
        content = _read(folder, name)
        if len(content) != size or hashlib.sha256(content).hexdigest() != digest:
            raise _refusal(folder, f"{name} was altered or cut")
        files[name] = content
    return files


def _manifest(files: Mapping[str, bytes]) -> bytes:
    entries = {
        name: [len(content), hashlib.sha256(content).hexdigest()] for name, content in files.items()
    }
    body = json.dumps({"format": FORMAT, "files": entries}, sort_keys=True)
    return json.dumps({"body": body, "sha256": hashlib.sha256(body.encode()).hexdigest()}).encode()


def _read_manifest(folder: Path) -> dict[str, tuple[int, str]]:
    try:
        outer = json.loads(_read(folder, MANIFEST))
        body = str(outer["body"])
        if hashlib.sha256(body.encode()).hexdigest() != outer["sha256"]:
            raise ValueError("its own checksum does not match")
        manifest = json.loads(body)
        version = int(manifest["format"])
        entries = {name: (int(size), str(digest)) for name, (size, digest) in manifest["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _refusal(folder, f"its {MANIFEST} is damaged") from None
    if version > FORMAT:
        raise RunError(
            "{folder!r} was written by a newer Durée (format {version}, this one reads {known})",
            fix="update Durée: pip install --upgrade duree",
            folder=str(folder),
            version=version,
            known=FORMAT,
        )
    return entries


def _read(folder: Path, name: str) -> bytes:
    """The bytes of a file, never through a link."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(folder / name, flags), "rb") as file:
            return file.read()
    except OSError as error:
        raise _refusal(folder, f"{name} cannot be read ({error.strerror})") from None


def _refusal(folder: Path, reason: str) -> RunError:
    return RunError(
        "{folder!r} is refused: {reason}",
        fix="use an untouched copy, or train again: duree fit --recipe RUN/recipe.toml",
        folder=str(folder),
        reason=reason,
    )


def _write_synced(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows has no handle on a folder to sync.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.new")


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
