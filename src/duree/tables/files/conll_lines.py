"""The lines of token files: which are words, which comments, and where sentences end.

Source: universaldependencies.org/format.html (CoNLL-U, version 2) and /ext-format.html (CoNLL-U
Plus); the HIPE-2022 format (Ehrmann et al. 2022) for headers and ``EndOfSentence``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from duree.errors import DataError
from duree.results.entity_tags import mark_entities
from duree.tables.files.encoding import utf8_blocks

UNIVERSAL = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
WORD = re.compile(r"[1-9][0-9]*")
NUMBER = re.compile(r"[0-9]+")
# Ids of multiword tokens (1-2) and of empty nodes (8.1).
EXTRA_TOKEN = re.compile(r"[0-9]+[-.][0-9]+")
CHUNKS = re.compile(r"O|[BI]-(NP|VP|PP|ADJP|ADVP|SBAR|PRT|CONJP|INTJ|LST|UCP)")
GLOBAL_COLUMNS = re.compile(r"#\s*global\.columns\s*=\s*(.+)")
# A comment that names a value; other lines with # may be words.
NAMED_VALUE = re.compile(r"#\s*[\w.:-]*\w\s*=\s*\S.*")
# The first cell of a line of column names.
HEADS = {"token", "word", "words", "form"}
SENTENCE_END = "EndOfSentence"
# A longer "sentence" shows that the file has no empty lines between sentences.
LONGEST_SENTENCE = 2000
# Bytes by which a table of tokens is recognised.
BEGIN = 65_536


@dataclass(frozen=True)
class Lines:
    """The lines of a token file, and their roles.

    Attributes
    ----------
    lines : list of str
        Without line breaks.
    ends : list of str
        The line break of each line.
    words : list of (line, cells)
        The lines that are words, numbered from 0.
    sentences : list of int
        The sentence of each word, from 1.
    names : list of str
        The names of the columns.
    universal : bool
        Whether the file is CoNLL-U.
    separator : str or None
        Separator of cells; None: any blanks.
    header : int or None
        The line of column names.
    """

    lines: list[str]
    ends: list[str]
    words: list[tuple[int, list[str]]]
    sentences: list[int]
    names: list[str]
    universal: bool
    separator: str | None
    header: int | None


def read_lines(path: Path, encoding: str) -> Lines:
    """Read the lines of a token file.

    Raises
    ------
    DataError
        A line has too few or too many columns, ids of CoNLL-U are out of order, there is no empty
        line between sentences, or a file called .conllu is none.
    """
    lines, ends = _split(b"".join(utf8_blocks(path, encoding)).decode("utf-8"))
    first = _first_word(lines)
    separator = "\t" if "\t" in first else None
    declared = next((found[1] for line in lines if (found := GLOBAL_COLUMNS.match(line))), None)
    universal = declared is not None or _is_universal(first)
    if path.suffix.lower() == ".conllu" and not universal and first:
        raise _not_universal(path, _cells(first, separator))
    names = declared.lower().split() if declared else list(UNIVERSAL) if universal else None
    width = len(names or _cells(first, separator))
    header = None if names else _header(lines, first, separator)
    rows: list[tuple[int, list[str]] | None] = []  # None: the end of a sentence
    for number, line in enumerate(lines):
        if not line.strip():
            rows.append(None)
        elif number != header and not _is_comment(line, separator, width, universal=universal):
            cells = _cells(line, separator)
            if len(cells) != width:
                raise _wrong_width(path, number + 1, len(cells), width)
            rows.append((number, cells))
    ids = names.index("id") if names and "id" in names else None
    if names is None:
        ids = _id_column(rows, width)
    words, sentences = _sentences(rows, ids, marks_ends=header is not None)
    if universal and ids is not None:
        _require_numbered(path, words, sentences, ids)
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
    if header is not None:
        names = _cells(lines[header], separator)
    names = names or _column_names([cells for _, cells in words], ids)
    return Lines(lines, ends, words, sentences, names, universal, separator, header)


def has_names_and_comments(path: Path) -> bool:
    """Whether a file begins with column names and comments, as token files of HIPE do."""
    with open(path, "rb") as content:
        begin = content.read(BEGIN).decode("utf-8-sig", "replace")
    lines = _split(begin)[0][:-1]
    first = _first_word(lines)
    has_comments = any(line.startswith("# ") and "\t" not in line for line in lines)
    return has_comments and "\t" in first and _header(lines, first, "\t") is not None


def _split(text: str) -> tuple[list[str], list[str]]:
    """The lines, and the break after each; the last line gets one if it has none."""
    raw = text.removesuffix("\n").split("\n")
    ends = ["\r\n" if line.endswith("\r") else "\n" for line in raw]
    if not text.endswith("\n") and len(ends) > 1:
        ends[-1] = ends[-2]
    return [line.removesuffix("\r") for line in raw], ends


def _first_word(lines: list[str]) -> str:
    """The first line that shows how cells are separated: # begins a comment unless all lines do."""
    filled = [line for line in lines if line.strip()]
    is_plain = (line for line in filled if not line.startswith("#"))
    return next(is_plain, next((line for line in filled if not line.startswith("# ")), ""))


def _is_universal(line: str) -> bool:
    cells = line.split("\t")
    return len(cells) == len(UNIVERSAL) and bool(
        WORD.fullmatch(cells[0]) or EXTRA_TOKEN.fullmatch(cells[0])
    )


def _is_comment(line: str, separator: str | None, width: int, *, universal: bool) -> bool:
    """Whether a line is a comment: in plain files # may be a word."""
    if universal or not line.startswith("#"):
        return line.startswith("#")
    return len(_cells(line, separator)) != width or bool(NAMED_VALUE.fullmatch(line))


def _cells(line: str, separator: str | None) -> list[str]:
    """The cells of a line; a no-break space is part of a word."""
    return line.split(separator) if separator else re.split(r"[ \t]+", line.strip(" \t"))


def _header(lines: list[str], first: str, separator: str | None) -> int | None:
    """The line of column names; None if the first line is a word."""
    names = _cells(first, separator)
    if names[0].casefold() not in HEADS or len(set(names)) < max(len(names), 2):
        return None
    place = lines.index(first)
    for line in lines[place + 1 :]:
        cells = _cells(line, separator)
        if len(cells) == len(names) and any(map(str.__eq__, cells[1:], names[1:])):
            return None  # they are tags of other words too
    return place if not mark_entities(names[1:]) else None


def _id_column(rows: list[tuple[int, list[str]] | None], width: int) -> int | None:
    """The column of a plain file that numbers its words, before that of the words; None without.

    It is the first, or, as in CoNLL-2012, follows others that are the same for a whole sentence.
    """
    words = [row[1] for row in rows if row is not None]
    before = [row[1] if row else None for row in [None, *rows[:-1]]]
    pairs = [
        (last, row[1]) for last, row in zip(before, rows, strict=True) if row and last is not None
    ]
    for place in range(width - 1):
        ids = [cells[place] for cells in words]
        are_numbers = all(NUMBER.fullmatch(one) or EXTRA_TOKEN.fullmatch(one) for one in ids)
        if are_numbers and (place == 0 or all(_follows(a[place], b[place]) for a, b in pairs)):
            return place
        if not pairs or any(a[place] != b[place] for a, b in pairs):
            return None
    return None


def _follows(one: str, other: str) -> bool:
    """Whether a number is the next after another."""
    return one.isdecimal() and other.isdecimal() and int(one) + 1 == int(other)


def _sentences(
    rows: list[tuple[int, list[str]] | None], ids: int | None, *, marks_ends: bool
) -> tuple[list[tuple[int, list[str]]], list[int]]:
    """The words, without multiword tokens and empty nodes, and the sentence of each, from 1."""
    words: list[tuple[int, list[str]]] = []
    sentences: list[int] = []
    sentence, place = 1, 0
    for row in rows:
        if row is None:
            sentence, place = sentence + (place > 0), 0
            continue
        cells = row[1]
        if ids is not None and EXTRA_TOKEN.fullmatch(cells[ids]):
            continue
        place += 1
        words.append(row)
        sentences.append(sentence)
        if marks_ends and SENTENCE_END in cells[-1].split("|"):
            sentence, place = sentence + 1, 0
    return words, sentences


def _require_numbered(
    path: Path, words: list[tuple[int, list[str]]], sentences: list[int], ids: int
) -> None:
    place, before = 0, 0
    for (number, cells), sentence in zip(words, sentences, strict=True):
        place = place + 1 if sentence == before else 1
        before = sentence
        if cells[ids] != str(place):
            raise DataError(
                "line {line}: the word has the id {id!r}, but {due} was expected",
                "in {file}",
                "number the words of each sentence from 1, and put an empty line after it",
                line=number + 1,
                id=cells[ids],
                due=place,
                file=str(path),
            )


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


def _not_universal(path: Path, cells: list[str]) -> DataError:
    return DataError(
        "{file} is not CoNLL-U, whose words have 10 columns separated by tabs: its first line has "
        "{found}",
        fix="correct it, name its columns in a line # global.columns = ID FORM ..., or give it the "
        "suffix .conll",
        found=len(cells),
        file=str(path),
    )


def _column_names(rows: list[list[str]], ids: int | None) -> list[str]:
    """Names for the columns of a plain file, by their contents; ``ids`` is that of numbers."""
    columns = list(zip(*rows, strict=True))
    before = [] if ids is None else [*(f"column_{place + 1}" for place in range(ids)), "id"]
    names = [*before, "token"]
    names += _tag_names(columns[len(names) :], len(names) + 1)
    return [
        name if names.count(name) == 1 else f"{name}_{place}"
        for place, name in enumerate(names, start=1)
    ]


def _tag_names(columns: list[tuple[str, ...]], begin: int) -> Iterator[str]:
    for place, column in enumerate(columns, start=begin):
        values = set(column)
        if mark_entities(values):
            yield "chunk" if all(CHUNKS.fullmatch(v) for v in values) and len(values) > 1 else "ner"
        else:
            yield "tag" if len(columns) == 1 else f"column_{place}"
