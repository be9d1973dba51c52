"""Token files: CoNLL-U, and CoNLL files of columns with an empty line after each sentence.

A row is a word. The column ``sentence`` numbers the sentences of a file from 1. Columns of CoNLL-U
have its names, in lower case. Those of plain files, which have no names, are named by their
contents: ``token`` the first, ``ner`` or ``chunk`` those of BIO tags, ``tag`` the only other
column, otherwise ``column_3`` and so on.

Source: universaldependencies.org/format.html (CoNLL-U, version 2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from duree.errors import DataError
from duree.storage import write_file
from duree.tables.files.encoding import chosen_encoding, utf8_blocks
from duree.tables.files.limits import encoding_finding
from duree.tables.files.resumable import Pieces
from duree.tables.finding import Finding
from duree.tables.table import Content

# Files with these suffixes are token files for every task.
TOKEN_FILES = (".conllu", ".conll", ".iob", ".iob2", ".bio", ".txt")
SENTENCE = "sentence"
UNIVERSAL = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
WORD = re.compile(r"[1-9][0-9]*")
# Ids of multiword tokens (1-2) and of empty nodes (8.1).
EXTRA_TOKEN = re.compile(r"[0-9]+[-.][0-9]+")
BIO = re.compile(r"O|[BIESLU]-.+")
CHUNKS = re.compile(r"O|[BI]-(NP|VP|PP|ADJP|ADVP|SBAR|PRT|CONJP|INTJ|LST|UCP)")
# A longer "sentence" shows that the file has no empty lines between sentences.
LONGEST_SENTENCE = 2000


@dataclass(frozen=True)
class Lines:
    """The lines of a token file, and their roles.

    Attributes
    ----------
    lines : list of str
        Without line breaks.
    words : list of (line, cells)
        The lines that are words, numbered from 0.
    sentences : list of int
        The sentence of each word, from 1.
    universal : bool
        Whether the file is CoNLL-U.
    separator : str or None
        Separator of cells; None: any white space.
    """

    lines: list[str]
    words: list[tuple[int, list[str]]]
    sentences: list[int]
    universal: bool
    separator: str | None


def read_conll(path: Path, encoding: str | None = None) -> Content:
    """Read a token file: ``sentence`` Int64, all other columns String.

    Raises
    ------
    DataError
        A line has too few or too many columns, ids of CoNLL-U are out of order, or there is no
        empty line between sentences.
    """
    chosen = chosen_encoding(path, encoding)
    read = _read_lines(path, chosen)
    columns = list(zip(*(cells for _, cells in read.words), strict=True))
    names = UNIVERSAL if read.universal else _column_names(columns)
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
        comments, multiword tokens, empty nodes. In other files each is a further column at the
        right, which is what conlleval reads.

    Raises
    ------
    DataError
        As ``read_conll``.
    """
    read = _read_lines(path, chosen_encoding(path, encoding))
    lines = list(read.lines)
    for (line, cells), *of_word in zip(read.words, *tags.values(), strict=True):
        cells = list(cells)
        for name, tag in zip(tags, of_word, strict=True):
            if read.universal:
                cells[UNIVERSAL.index(name)] = tag
            else:
                cells.append(tag)
        lines[line] = (read.separator or " ").join(cells)
    return "\n".join(lines) + "\n"


def _read_lines(path: Path, encoding: str) -> Lines:
    text = b"".join(utf8_blocks(path, encoding)).decode("utf-8")
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    first = next((line for line in lines if line.strip() and not line.startswith("# ")), "")
    universal = _is_universal(first)
    separator = "\t" if "\t" in first else None
    width = len(_cells(first, separator))
    words: list[tuple[int, list[str]]] = []
    sentences: list[int] = []
    sentence, place = 1, 0
    for number, line in enumerate(lines):
        if not line.strip():
            sentence, place = sentence + (place > 0), 0
            continue
        if universal and line.startswith("#"):
            continue
        cells = _cells(line, separator)
        if len(cells) != width:
            if line.startswith("#"):
                continue
            raise _wrong_width(path, number + 1, len(cells), width)
        if universal and EXTRA_TOKEN.fullmatch(cells[0]):
            continue
        place += 1
        if universal and cells[0] != str(place):
            raise DataError(
                "line {line}: the word has the id {id!r}, but {due} was expected",
                "in {file}",
                "number the words of each sentence from 1, and put an empty line after it",
                line=number + 1,
                id=cells[0],
                due=place,
                file=str(path),
            )
        words.append((number, cells))
        sentences.append(sentence)
    if not words:
        raise DataError("{file} is empty", fix="choose another file", file=str(path))
    if sentences[-1] == 1 and len(words) > LONGEST_SENTENCE:
        raise DataError(
            "all {tokens} lines of {file} are one sentence",
            fix="put an empty line after each sentence, or make it a table with a column that "
            "names the sentence, and add --id COLUMN",
            tokens=len(words),
            file=str(path),
        )
    return Lines(lines, words, sentences, universal, separator)


def _is_universal(line: str) -> bool:
    cells = line.split("\t")
    return len(cells) == len(UNIVERSAL) and bool(
        WORD.fullmatch(cells[0]) or EXTRA_TOKEN.fullmatch(cells[0])
    )


def _cells(line: str, separator: str | None) -> list[str]:
    return line.split(separator) if separator else line.split()


def _wrong_width(path: Path, line: int, found: int, width: int) -> DataError:
    return DataError(
        "line {line} has {found} columns, and the lines before it have {width}",
        "in {file}, read as a token file: one word per line, an empty line after each sentence",
        "give every line the same columns; running texts are read as a folder of .txt files",
        line=line,
        found=found,
        width=width,
        file=str(path),
    )


def _column_names(columns: list[tuple[str, ...]]) -> list[str]:
    """Names for the columns of a plain file, by their contents."""
    names = ["token", *_tag_names(columns[1:])]
    return [
        name if names.count(name) == 1 else f"{name}_{place}"
        for place, name in enumerate(names, start=1)
    ]


def _tag_names(columns: list[tuple[str, ...]]) -> Iterator[str]:
    for place, column in enumerate(columns, start=2):
        values = set(column)
        if all(BIO.fullmatch(value) for value in values):
            yield "chunk" if all(CHUNKS.fullmatch(v) for v in values) and len(values) > 1 else "ner"
        else:
            yield "tag" if len(columns) == 1 else f"column_{place}"


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
