"""A folder of .txt files, one subfolder per class, as a table of texts and labels."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from duree.errors import DataError
from duree.tables.files.encoding import decode, find_encodings, known_encoding
from duree.tables.finding import Finding
from duree.tables.table import Content


def text_files(folder: Path) -> list[Path]:
    """The .txt files of a folder or of its subfolders, sorted by name."""
    return sorted(
        _texts_in(folder) or (file for sub in _folders(folder) for file in _texts_in(sub))
    )


def read_text_folder(folder: Path, encoding: str | None = None) -> Content:
    """Read a folder of texts: columns ``file``, ``text`` and, from the subfolders, ``label``.

    A folder of texts without subfolders gives only ``file`` and ``text``.

    Raises
    ------
    DataError
        The folder holds something else, or both; the message lists its contents.
    """
    labelled = bool(_folders(folder))
    files = text_files(folder)
    if not files or (labelled and _texts_in(folder)):
        raise _not_texts(folder)
    raw = [file.read_bytes() for file in files]
    if encoding:
        encodings = [known_encoding(encoding)] * len(raw)
    else:
        encodings = find_encodings(raw, str(folder))
    columns = {
        "file": [file.relative_to(folder).as_posix() for file in files],
        "text": [decode(*each) for each in zip(raw, encodings, files, strict=True)],
    }
    if labelled:
        columns["label"] = [file.parent.name for file in files]
    names = ", ".join(sorted(set(encodings)))
    found = Finding(
        "encoding",
        "ok" if names == "utf-8" else "note",
        "the texts of {file} ({count}) are in {encoding}",
        values={"count": len(files), "file": str(folder), "encoding": names},
    )
    return Content(pl.DataFrame(columns), (found,), names)


def _folders(folder: Path) -> list[Path]:
    return sorted(entry for entry in _shown(folder) if entry.is_dir())


def _texts_in(folder: Path) -> list[Path]:
    return [entry for entry in _shown(folder) if entry.suffix.lower() == ".txt" and entry.is_file()]


def _shown(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]


def _not_texts(folder: Path) -> DataError:
    entries = sorted(entry.name + "/" * entry.is_dir() for entry in _shown(folder))
    more = ", ..." if len(entries) > 10 else ""
    return DataError(
        "{folder} is a folder, but does not hold .txt files in one subfolder per class",
        "it contains {entries}",
        "give the files to read, as in {folder}/*.csv, or put the texts of each class in a "
        "subfolder",
        folder=str(folder),
        entries=(", ".join(entries[:10]) + more) or "-",
    )
