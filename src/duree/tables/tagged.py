"""Tagged files: what was predicted of a file of tokens, written as such a file."""

from __future__ import annotations

from pathlib import Path

from duree.errors import DataError
from duree.storage import write_file
from duree.tables.files.conll import TOKEN_FILES, with_answers
from duree.tables.files.resumable import Pieces


def tokens_go_to(output: Path, data: Path) -> bool:
    """Whether tokens that were read from ``data`` are to be written as a file of the same kind.

    Raises
    ------
    DataError
        They are to be written so, but were read from another kind of file.
    """
    if output.suffix.lower() not in TOKEN_FILES:
        return False
    if data.suffix.lower() not in TOKEN_FILES:
        raise DataError(
            "a table of the kind {was} cannot be written as a file of tokens",
            "in {file}",
            "end the name in .csv or .parquet",
            was=data.suffix,
            file=str(output),
        )
    return True


def write_tagged(pieces: Pieces, data: Path, encoding: str | None, target: str) -> None:
    """Write ``data`` with the predictions in ``pieces``, and take these away.

    In CoNLL-U they take the place of the target's columns; else they are further columns.

    Parameters
    ----------
    target : str
        The columns that were predicted, with commas between them.
    """
    first, *others = target.split(",")
    names = {first: "prediction"} | {name: f"prediction_{name}" for name in others}
    found = pieces.scan().select(names.values()).collect()
    answers = {name: found[column].to_list() for name, column in names.items()}
    write_file(pieces.output, with_answers(data, encoding, answers).encode())
    pieces.discard()
