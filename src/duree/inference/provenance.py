"""Provenance of predictions: which network made them, and which of their rows trained it.

A prediction of a row that trained the network is better than one of a new row, so that estimates
which rely on it are biased (Egami, Hinck, Stewart & Wei 2023, section 3; Chernozhukov et al. 2018,
section 1.1, on cross-fitting). ``duree predict`` writes the provenance beside the predictions, in
``FILE.duree.json``; it stays valid if rows or columns of the predictions are added, left out or put
in another order.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.storage import cannot_write, write_file
from duree.tables.columns import find_column

SUFFIX = ".duree.json"
# How keys are made; another value in a file is one of a newer version.
HASH = "blake2b-64"
_SEPARATOR = "\x1f"
# Cells that a spreadsheet would run as formulas are written with an apostrophe before them.
_ALTERED = r"\s+", "^'+"

Keys = NDArray[np.uint64]


@dataclass(frozen=True)
class Provenance:
    """What is known of the network that made a file of predictions.

    Attributes
    ----------
    run : str
        The name of the run folder.
    training_sha256 : tuple of str
        SHA-256 of the files with the training and validation rows.
    columns : tuple of str
        The columns of the predictions by which a row is recognised: its input, or its id.
    trained_rows : uint64 [k] or None
        The keys (see ``row_keys``) of the predictions' rows whose input is that of a row of the
        training or validation set, ascending. None if that is unknown: the run was made by an
        earlier version.
    out_of_fold : bool
        Whether such rows were predicted by networks that they did not train.
    folds : int or None
        The number of these networks.
    """

    run: str
    training_sha256: tuple[str, ...]
    columns: tuple[str, ...]
    trained_rows: Keys | None
    out_of_fold: bool = False
    folds: int | None = None

    def trained(self, predictions: pl.DataFrame) -> NDArray[np.bool_] | None:
        """Whether each row of the predictions trained the network, bool [rows]; None if unknown.

        A row with the same input as a training row counts as one, wherever it comes from.

        Raises
        ------
        DataError
            A column by which rows are recognised is missing.
        """
        if self.trained_rows is None:
            return None
        names = [find_column(predictions.columns, name) for name in self.columns]
        if missing := [
            name for name, found in zip(self.columns, names, strict=True) if found is None
        ]:
            raise DataError(
                "the predictions lack the column {column!r}, by which the rows that trained the "
                "network are recognised",
                fix="keep it in the file, or predict again",
                column=missing[0],
            )
        return are_among(row_keys(predictions.select(pl.col(map(str, names)))), self.trained_rows)

    def write(self, predictions: Path) -> None:
        """Write the provenance beside a file of predictions.

        Raises
        ------
        RunError
            The file cannot be written.
        """
        write_file(provenance_file(predictions), json.dumps(self._to_dict()).encode())

    def _to_dict(self) -> dict[str, Any]:
        """Plain JSON data; keys take 11 characters each."""
        rows = None
        if self.trained_rows is not None:
            little = np.unique(self.trained_rows).astype("<u8").tobytes()
            rows = {
                "columns": list(self.columns),
                "hash": HASH,
                "count": len(little) // 8,
                "keys": base64.b64encode(little).decode(),
            }
        return {
            "version": 1,
            "run": self.run,
            "training_sha256": list(self.training_sha256),
            "trained_rows": rows,
            "out_of_fold": self.out_of_fold,
            "folds": self.folds,
        }


def provenance_file(predictions: Path | str) -> Path:
    """The file beside predictions that holds their provenance."""
    path = Path(predictions)
    return path.with_name(path.name + SUFFIX)


def remove_provenance(predictions: Path) -> None:
    """Remove the provenance of predictions that are about to be replaced.

    Raises
    ------
    RunError
        The file cannot be removed.
    """
    file = provenance_file(predictions)
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(file, error) from None


def read_provenance(predictions: Path | str) -> Provenance | None:
    """The provenance of a file of predictions; None if nothing lies beside it.

    Raises
    ------
    DataError
        The file with the provenance was altered, or written by a newer version.
    """
    file = provenance_file(predictions)
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(file, error.strerror or str(error)) from None
    try:
        return _from_dict(json.loads(content))
    except (ValueError, LookupError, TypeError, AttributeError, binascii.Error) as error:
        raise _unreadable(file, str(error)) from None


def row_keys(frame: pl.DataFrame) -> Keys:
    """A key for each row from all columns of ``frame``, uint64 [rows]; equal rows have equal keys.

    White space, the type of a column and the way a number is written do not matter, as they change
    when a table is written in one format and read in another. Two different rows of 10^6 have
    the same key with a probability of 3e-8.
    """
    if not frame.width:
        return np.zeros(frame.height, dtype=np.uint64)
    cells = frame.select(_as_written(name, kind) for name, kind in frame.schema.items())
    joined = cells.select(pl.concat_str(pl.all(), separator=_SEPARATOR)).to_series()
    return keys_of(text.encode() for text in joined)


def are_among(keys: Keys, known: Keys) -> NDArray[np.bool_]:
    """Whether each key is one of those that are known, which ascend: bool [rows]."""
    if not len(known):
        return np.zeros(len(keys), dtype=bool)
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.asarray(known[places] == keys)


def keys_of(contents: Iterable[bytes]) -> Keys:
    """The first 64 bits of BLAKE2b of each content, as numbers."""
    digests = b"".join(blake2b(content, digest_size=8).digest() for content in contents)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def recognised_by(names: Sequence[str], inputs: Sequence[str], id_column: str | None) -> list[str]:
    """The columns by which a row is recognised: its inputs if all are there, else its id, else all.

    Parameters
    ----------
    names : sequence of str
        The columns of the table, without those of predictions.
    inputs : sequence of str
        The network's input columns.
    id_column : str or None
        The column of ids, where a sequence has several rows of the input table.
    """
    found = [find_column(names, name) for name in inputs]
    if found and None not in found:
        return [name for name in found if name is not None]
    own = find_column(names, id_column)
    return [own] if own is not None else list(names)


def _as_written(name: str, kind: pl.DataType) -> pl.Expr:
    """The cells of a column as text: numbers in one way, other text without altered spaces."""
    column = pl.col(name)
    if kind.is_nested():
        return pl.struct(column).struct.json_encode().fill_null("").alias(name)
    if kind == pl.Binary:
        return column.bin.encode("hex").fill_null("").alias(name)
    text = column.cast(pl.String)
    spaces, apostrophes = _ALTERED
    plain = text.str.replace_all(spaces, " ").str.strip_chars().str.replace(apostrophes, "")
    number = plain.cast(pl.Float64, strict=False)
    return pl.coalesce(number.cast(pl.String), plain, pl.lit("")).alias(name)


def _from_dict(state: dict[str, Any]) -> Provenance:
    if state["version"] != 1:
        raise ValueError(f"version {state['version']}")
    rows, keys = state["trained_rows"], None
    columns: tuple[str, ...] = ()
    if rows is not None:
        if rows["hash"] != HASH:
            raise ValueError(f"hash {rows['hash']}")
        columns = tuple(map(str, rows["columns"]))
        keys = np.frombuffer(base64.b64decode(rows["keys"], validate=True), dtype="<u8")
        keys = np.unique(keys.astype(np.uint64))
        if len(keys) != rows["count"]:
            raise ValueError(f"{len(keys)} != {rows['count']}")
    if not isinstance(state["out_of_fold"], bool):
        raise ValueError("out_of_fold")
    return Provenance(
        run=str(state["run"]),
        training_sha256=tuple(map(str, state["training_sha256"])),
        columns=columns,
        trained_rows=keys,
        out_of_fold=state["out_of_fold"],
        folds=None if state["folds"] is None else int(state["folds"]),
    )


def _unreadable(file: Path, reason: str) -> DataError:
    return DataError(
        "what is known of the predictions cannot be read: {reason}",
        "in {file}",
        "predict again",
        reason=reason,
        file=str(file),
    )
