"""Token files: CoNLL-U, and CoNLL files of columns with an empty line after each sentence.

A row is a word. The column ``sentence`` numbers the sentences of a file from 1. Columns of CoNLL-U
have its names, in lower case, or those of ``# global.columns``; columns of files with a line of
names have these. Those of other files are named by their contents: ``token`` the first (after an
``id`` that numbers the words), ``ner`` or ``chunk`` those of BIO tags, ``tag`` the only other
column, otherwise ``column_3`` and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from duree.errors import DataError
from duree.storage import write_file
from duree.tables.files.conll_lines import has_names_and_comments, read_lines
from duree.tables.files.encoding import chosen_encoding
from duree.tables.files.limits import encoding_finding
from duree.tables.files.resumable import Pieces
from duree.tables.finding import Finding
from duree.tables.table import Content

# Files with these suffixes are token files for every task.
TOKEN_FILES = (".conllu", ".conll", ".iob", ".iob2", ".bio", ".txt")
SENTENCE = "sentence"


def is_token_file(path: Path) -> bool:
    """Whether a file is a token file, by its suffix or, as those of HIPE, by its first lines."""
    suffix = path.suffix.lower()
    is_hipe = suffix == ".tsv" and path.is_file() and has_names_and_comments(path)
    return suffix in TOKEN_FILES or is_hipe


def read_conll(path: Path, encoding: str | None = None) -> Content:
    """Read a token file: ``sentence`` Int64, all other columns String.

    Raises
    ------
    DataError
        A line has too few or too many columns, ids of CoNLL-U are out of order, or there is no
        empty line between sentences.
    """
    chosen = chosen_encoding(path, encoding)
    read = read_lines(path, chosen)
    columns = list(zip(*(cells for _, cells in read.words), strict=True))
    names = read.names
    every = [SENTENCE, *names]
    if twice := next((name for name in names if every.count(name) > 1), None):
        raise DataError(
            "two columns of {file} are named {column!r}",
            fix="give every column a name of its own",
            file=str(path),
            column=twice,
        )
    frame = pl.DataFrame(
        [pl.Series(SENTENCE, read.sentences, dtype=pl.Int64)]
        + [
            pl.Series(name, cells, dtype=pl.String)
            for name, cells in zip(names, columns, strict=True)
        ]
    )
    finding = Finding(
        "tokens",
        "ok",
        "{file} holds {tokens} tokens in {sentences} sentences; its columns are {columns}",
        values={
            "file": str(path),
            "tokens": frame.height,
            "sentences": read.sentences[-1],
            "columns": ", ".join(names),
        },
    )
    return Content(frame, (encoding_finding(path, chosen, encoding is not None), finding), chosen)


def with_tags(path: Path, encoding: str | None, tags: Mapping[str, list[str]]) -> str:
    """The text of a token file with predicted tags.

    Parameters
    ----------
    path : Path
    encoding : str, optional
        Detected if not given.
    tags : {column: list of str}
        One tag per word. In CoNLL-U they replace the column, and everything else is unchanged:
        comments, multiword tokens, empty nodes, line breaks. In other files each is a further
        column at the right, which is what conlleval reads.

    Raises
    ------
    DataError
        As ``read_conll``.
    """
    read = read_lines(path, chosen_encoding(path, encoding))
    lines, separator = list(read.lines), read.separator or " "
    for (line, cells), *of_word in zip(read.words, *tags.values(), strict=True):
        cells = list(cells)
        for name, tag in zip(tags, of_word, strict=True):
            if read.universal:
                cells[read.names.index(name)] = tag
            else:
                cells.append(tag)
        lines[line] = separator.join(cells)
    if read.header is not None:
        heads = [f"predicted {name}" if read.separator else f"predicted_{name}" for name in tags]
        lines[read.header] = separator.join([lines[read.header], *heads])
    return "".join(line + end for line, end in zip(lines, read.ends, strict=True))


def tokens_go_to(output: Path, data: Path) -> bool:
    """Whether predictions for the tokens of ``data`` are to be written as a token file.

    Raises
    ------
    DataError
        ``output`` is a token file, but ``data`` is not.
    """
    if output.suffix.lower() not in TOKEN_FILES:
        return False
    if data.suffix.lower() not in TOKEN_FILES:
        raise DataError(
            "a {was} table cannot be written as a token file",
            "in {file}",
            "use the suffix .csv or .parquet",
            was=data.suffix,
            file=str(output),
        )
    return True


def write_tagged(pieces: Pieces, data: Path, encoding: str | None, target: str) -> None:
    """Write ``data`` with the predictions in ``pieces``, and remove the pieces.

    In CoNLL-U they replace the target's columns; in other files they are further columns.

    Parameters
    ----------
    target : str
        The predicted columns, separated by commas.
    """
    first, *others = target.split(",")
    names = {first: "prediction"} | {name: f"prediction_{name}" for name in others}
    found = pieces.scan().select(names.values()).collect()
    tags = {name: found[column].to_list() for name, column in names.items()}
    write_file(pieces.output, with_tags(data, encoding, tags).encode())
    pieces.discard()
