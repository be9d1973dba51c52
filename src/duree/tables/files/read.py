"""Reading files of any known format into one table, with findings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.forked import uses_threads
from duree.storage import cannot_read
from duree.tables.files.conll import TOKEN_FILES, is_token_file, read_conll
from duree.tables.files.csv import has_header, read_delimited
from duree.tables.files.excel import read_excel
from duree.tables.files.join import joined
from duree.tables.files.limits import CELL_LIMIT, nul_finding
from duree.tables.files.parquet_json import read_json_lines, read_parquet
from duree.tables.files.stata_spss import read_spss, read_stata
from duree.tables.files.text_folder import read_document, read_text_folder, text_files
from duree.tables.files.true_format import refuse_other_format
from duree.tables.table import TEXT_FOLDER, Content, Source, Table, added_up, origins_of


@dataclass(frozen=True)
class Choices:
    """The user's choices on how files are read; each format uses those that apply to it."""

    encoding: str | None = None
    delimiter: str | None = None
    drop_bad: bool = False
    header: Collection[str] = ()
    documents: bool = False


def _delimited(default: str, path: Path, choices: Choices) -> Content:
    return read_delimited(
        path,
        encoding=choices.encoding,
        delimiter=choices.delimiter,
        drop_bad=choices.drop_bad,
        default_delimiter=default,
    )


READERS: dict[str, Callable[[Path, Choices], Content]] = {
    ".csv": partial(_delimited, ","),
    ".tsv": partial(_delimited, "\t"),
    ".tab": partial(_delimited, "\t"),
    ".parquet": lambda path, choices: read_parquet(path),
    ".pq": lambda path, choices: read_parquet(path),
    ".jsonl": lambda path, choices: read_json_lines(path, choices.encoding),
    ".ndjson": lambda path, choices: read_json_lines(path, choices.encoding),
    ".xlsx": lambda path, choices: read_excel(path),
    ".xlsm": lambda path, choices: read_excel(path),
    ".dta": lambda path, choices: read_stata(path, choices.encoding),
    ".sav": lambda path, choices: read_spss(path, choices.encoding),
    **dict.fromkeys(TOKEN_FILES, lambda path, choices: read_conll(path, choices.encoding)),
}


def read_tables(
    paths: Sequence[str | Path],
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    drop_bad: bool = False,
    header: Collection[str] = (),
    documents: bool = False,
) -> Table:
    """Read one or several files, or folders of texts, as the rows of one table.

    Parameters
    ----------
    paths : sequence of path
        Formats follow from their suffixes; all must have the same columns, in any order.
    encoding, delimiter : str, optional
        Of text files; detected and reported if not given.
    drop_bad : bool
        Leave out malformed rows of text files, and list them.
    header : collection of str
        Names of the columns in use: a .txt file whose first line holds them all is a table, not of
        tokens. Other columns may have different types in different files.
    documents : bool
        Whether texts are documents of any length: a .txt file is one, if it is no table.

    Raises
    ------
    DataError
        A file cannot be read as it is; nothing is repaired silently.
    ExtraError
        The format needs an optional package.
    """
    uses_threads("polars")
    if not paths:
        raise DataError("no file was given", fix="give at least one table to read")
    choices = Choices(encoding, delimiter, drop_bad, header, documents)
    files = [Path(path) for path in paths]
    contents = [_read(file, choices) for file in files]
    sources = tuple(
        Source(
            path=str(file),
            format=TEXT_FOLDER if file.is_dir() else file.suffix.lower().lstrip("."),
            rows=content.frame.height,
            sha256=checksum(file),
            encoding=content.encoding,
            delimiter=content.delimiter,
        )
        for file, content in zip(files, contents, strict=True)
    )
    frames = [content.frame for content in contents]
    frame, mixed = joined([str(file) for file in files], frames, header or None)
    findings = (*(found for content in contents for found in content.findings), *mixed)
    bare = added_up(content.bare for content in contents)
    return Table(frame, sources, findings, bare, origins_of(map(_numbers, contents)))


def _numbers(content: Content) -> NDArray[np.int64]:
    """The numbers of the rows in their file, from 1."""
    if content.rows is not None:
        return content.rows
    return np.arange(1, content.frame.height + 1)


def _read(path: Path, choices: Choices) -> Content:
    try:
        content = _reader(path)(path, choices)
    except OSError as error:
        raise cannot_read(path, error) from None
    _check_rows(content.frame, path)
    if content.delimiter is not None:  # delimited text is checked while it is read
        return content
    if choices.documents:
        return _without_nul(content, path)
    return checked_cells(content, path)


def checked_cells(content: Content, path: Path) -> Content:
    """The content without NUL characters; DataError if a text exceeds the limit."""
    content = _without_nul(content, path)
    _check_cells(content, path)
    return content


def _check_rows(frame: pl.DataFrame, path: Path) -> None:
    if frame.width == 0:
        raise DataError("{file} is empty", fix="choose another file", file=str(path))
    if frame.height == 0:
        raise DataError(
            "{file} has column names but no rows", fix="choose another file", file=str(path)
        )


def _reader(path: Path) -> Callable[[Path, Choices], Content]:
    if path.is_dir():
        return lambda folder, choices: read_text_folder(folder, choices.encoding)
    if not path.exists():
        raise _missing(path)
    if not path.is_file():
        raise OSError("it is neither a file nor a folder")  # a pipe would block
    refuse_other_format(path, path.suffix.lower() in READERS)
    if path.suffix.lower() not in READERS:
        raise DataError(
            "{file} has an unknown file type: {suffix!r}",
            fix="convert it to one of {known}, or correct the suffix if it is one of these",
            file=str(path),
            suffix=path.suffix,
            known=" ".join(READERS),
        )
    if path.suffix.lower() == ".txt":
        return _text_file
    return READERS[".conll" if is_token_file(path) else path.suffix.lower()]


def _text_file(path: Path, choices: Choices) -> Content:
    """A table if the names of its columns are known from the settings, otherwise a document, or
    tokens."""
    if has_header(path, choices.header, choices.encoding):
        return _delimited("\t", path, choices)
    if choices.documents:
        return read_document(path, choices.encoding)
    return read_conll(path, choices.encoding)


def _missing(path: Path) -> DataError:
    values = {"file": str(path)}
    names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    if near := get_close_matches(path.name, names, n=1, cutoff=0.8):
        return DataError(
            "there is no file {file}", fix="did you mean {near}?", near=near[0], **values
        )
    return DataError("there is no file {file}", fix="check the path", **values)


def _without_nul(content: Content, path: Path) -> Content:
    """The content with NUL characters removed from its texts, with a finding."""
    frame = content.frame
    found = frame.select(pl.col(_texts(frame)).str.count_matches("\0", literal=True).sum())
    count = int(found.sum_horizontal().sum()) if found.width else 0
    if not count:
        return content
    texts = [pl.col(name).str.replace_all("\0", "", literal=True) for name in _texts(frame)]
    findings = (*content.findings, nul_finding(count, path))
    return replace(content, frame=frame.with_columns(texts), findings=findings)


def _texts(frame: pl.DataFrame) -> list[str]:
    return [name for name, kind in frame.schema.items() if kind == pl.String]


def _check_cells(content: Content, path: Path) -> None:
    """Refuse texts that exceed the limit on cells, in any format."""
    frame = content.frame
    for name in _texts(frame):
        longest = frame[name].str.len_bytes().arg_max()
        if longest is not None and len(frame[name][longest].encode()) > CELL_LIMIT:
            raise DataError(
                "the text in column {column!r}, row {row} is longer than {limit} bytes",
                "in {file}",
                "split it into several rows",
                column=name,
                row=int(_numbers(content)[longest]),
                limit=CELL_LIMIT,
                file=str(path),
            )


def checksum(path: Path) -> str:
    """SHA-256 of a file, or of the names and checksums of a folder's text files."""
    if path.is_dir():
        total = hashlib.sha256()
        for file in text_files(path):
            total.update(f"{file.relative_to(path).as_posix()} {checksum(file)}\n".encode())
        return total.hexdigest()
    with open(path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
