"""A folder of texts, one subfolder per class, as a table of texts and labels."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from duree.errors import DataError
from duree.tables.files.encoding import decode, find_encodings, known_encoding
from duree.tables.files.limits import encoding_finding
from duree.tables.finding import Finding
from duree.tables.table import FILE, Content

PLAIN = (".txt", ".text", ".md", ".markdown")
WORD = ".docx"
# Notes about a corpus, not texts of it.
NOTES = ("readme.md", "license.md", "licence.md")
NAMED = 5  # files named in a message


def text_files(folder: Path) -> list[Path]:
    """The texts of a folder or of its subfolders, at any depth, sorted by name."""
    return [file for file in _files(folder) if _is_text(file)]


def read_text_folder(folder: Path, encoding: str | None = None) -> Content:
    """Read a folder of texts: columns ``file``, ``text`` and, from the subfolders, ``label``.

    The label is the name of the first subfolder; a folder of texts without subfolders gives only
    ``file`` and ``text``. Files that are not read are listed.

    Raises
    ------
    DataError
        The folder holds no texts, or some within and some beside its subfolders.
    """
    files = text_files(folder)
    within = [file for file in files if file.parent != folder]
    if not files or (within and len(within) < len(files)):
        raise _not_texts(folder)
    plain = [file for file in files if file.suffix.lower() != WORD]
    texts, encodings = _plain_texts(plain, folder, encoding)
    texts |= {file: _text_of_word(file) for file in files if file not in texts}
    columns = {
        FILE: [file.relative_to(folder).as_posix() for file in files],
        "text": [texts[file] for file in files],
    }
    if within:
        columns["label"] = [file.relative_to(folder).parts[0] for file in files]
    names = ", ".join(sorted(encodings)) or "utf-8"
    found = Finding(
        "encoding",
        "ok" if names == "utf-8" else "note",
        "the texts of {file} ({count}) are in {encoding}",
        values={"count": len(files), "file": str(folder), "encoding": names},
    )
    return Content(pl.DataFrame(columns), (found, *_unread(folder)), names)


def read_document(file: Path, encoding: str | None = None) -> Content:
    """Read a text file as a single text: columns ``file`` and ``text``.

    Raises
    ------
    DataError
        It is empty, or not in its encoding.
    """
    texts, encodings = _plain_texts([file], file.parent, encoding)
    if not texts[file].strip():
        raise DataError("{file} is empty", fix="choose another file", file=str(file))
    (name,) = encodings
    frame = pl.DataFrame({FILE: [file.name], "text": [texts[file]]})
    return Content(frame, (encoding_finding(file, name, encoding is not None),), name)


def _plain_texts(
    files: list[Path], folder: Path, encoding: str | None
) -> tuple[dict[Path, str], set[str]]:
    """The text of each file, and all their encodings."""
    raw = [file.read_bytes() for file in files]
    if encoding:
        encodings = [known_encoding(encoding)] * len(raw)
    else:
        encodings = find_encodings(raw, str(folder))
    read = (decode(*each) for each in zip(raw, encodings, files, strict=True))
    return dict(zip(files, read, strict=True)), set(encodings)


def _text_of_word(file: Path) -> str:
    """The paragraphs of a .docx file, one per line."""
    try:
        document = import_module("docx").Document(str(file))
    except OSError:
        raise
    except Exception as error:  # the package documents no exceptions of its own
        raise DataError(
            "{file} is not a readable .docx file: {reason}",
            fix="save it again in your word processor, or as .txt",
            file=str(file),
            reason=str(error) or type(error).__name__,
        ) from None
    return "\n".join(paragraph.text for paragraph in document.paragraphs)


def _files(folder: Path) -> list[Path]:
    """All files at any depth that are not hidden, sorted by name."""
    found, seen = [], set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if (real := os.path.realpath(parent)) in seen:  # a link to a folder above it
            folders.clear()
            continue
        seen.add(real)
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(file for file in found if file.is_file())


def _is_text(file: Path) -> bool:
    suffix = file.suffix.lower()
    # The lock files of word processors begin so.
    is_word = suffix == WORD and not file.name.startswith("~$")
    if file.name.lower() in NOTES:
        return False
    return suffix in PLAIN or (is_word and find_spec("docx") is not None)


def _unread(folder: Path) -> Iterator[Finding]:
    """The finding that files were not read."""
    files = [file for file in _files(folder) if not _is_text(file)]
    if not files:
        return
    suffixes = Counter(file.suffix.lower() or "-" for file in files)
    what = "files of {folder} that were not read: {count} ({suffixes}), such as {files}"
    fix = (
        "save their texts as .txt; .docx files are read where the package python-docx is installed"
        if WORD in suffixes
        else "texts are read from .txt, .text and .md; save others as one of these"
    )
    facts: dict[str, object] = {
        "folder": str(folder),
        "count": len(files),
        "suffixes": ", ".join(f"{suffix} {count}" for suffix, count in suffixes.most_common()),
        "files": ", ".join(file.relative_to(folder).as_posix() for file in files[:NAMED]),
    }
    yield Finding("unread_files", "warning", what, fix, facts)


def _not_texts(folder: Path) -> DataError:
    shown = (entry for entry in folder.iterdir() if not entry.name.startswith("."))
    entries = sorted(entry.name + "/" * entry.is_dir() for entry in shown)
    more = ", ..." if len(entries) > 10 else ""
    return DataError(
        "{folder} is a folder, but does not hold texts (.txt, .md) in one subfolder per class",
        "it contains {entries}" if entries else "it is empty",
        "give the files to read, as in {folder}/*.csv, or put the texts of each class in a "
        "subfolder",
        folder=str(folder),
        entries=", ".join(entries[:10]) + more,
    )
