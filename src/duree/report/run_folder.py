"""The files of a run folder, validated when they are read."""

from __future__ import annotations

import json
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import TypeVar

import polars as pl
from pydantic import TypeAdapter, ValidationError

from duree.errors import RunError, command
from duree.forked import uses_threads
from duree.recipe.recipe import Recipe
from duree.report.old_wording import metrics_in_todays_words
from duree.results.metrics_file import Metrics
from duree.results.run_files import Epoch
from duree.tables.columns import PROBABILITY, own_and_added

T = TypeVar("T")

# The prefix of columns with the probability of a class.


class RunFolder:
    """The files of a finished run.

    All methods raise RunError if a file is missing, cannot be read or is invalid.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe of the run."""
        return Recipe.read(self._existing("recipe.toml"))

    @cached_property
    def metrics(self) -> Metrics:
        """The metrics of all models."""
        return metrics_in_todays_words(self.record(Metrics, "metrics.json"))

    @cached_property
    def predictions(self) -> pl.DataFrame:
        """The test rows with the network's predictions."""
        return self.table("predictions.parquet")

    @property
    def probability_columns(self) -> list[str]:
        """The columns after the prediction with probabilities of classes."""
        _, added = own_and_added(self.predictions.columns)
        return [name for name in added if name.startswith(PROBABILITY)]

    def has(self, name: str) -> bool:
        """Whether a file exists."""
        return (self.path / name).exists()

    def record(self, kind: type[T], name: str) -> T:
        """The content of a JSON file."""
        return self._validated(kind, name, self._bytes(name))

    def record_if_there(self, kind: type[T], *names: str) -> T | None:
        """The content of a JSON file under its name or earlier ones; None if there is none."""
        there = (name for name in names if self.has(name))
        return next((self.record(kind, name) for name in there), None)

    def history(self) -> list[Epoch]:
        """The completed epochs."""
        name = "history.jsonl"
        content = self._bytes(name) if self.has(name) else b""
        lines = (line for line in content.splitlines() if line.strip())
        return [self._validated(Epoch, name, line) for line in lines]

    def table(self, name: str, columns: list[str] | None = None) -> pl.DataFrame:
        """A table, or those of some columns that it has."""
        uses_threads("polars")
        try:
            path = self._existing(name)
            if columns is not None:
                there = pl.read_parquet_schema(path)
                columns = [column for column in columns if column in there]
            return pl.read_parquet(path, columns=columns)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise self._unreadable(name, str(error).partition("\n")[0]) from None

    def _existing(self, name: str) -> Path:
        path = self.path / name
        if not path.is_file():
            raise RunError(
                "{folder!r} holds no {name}, which a finished run has",
                fix="finish the run with: {command}",
                command=command("duree", "resume", self.path),
                folder=str(self.path),
                name=name,
            )
        return path

    def _bytes(self, name: str) -> bytes:
        try:
            return self._existing(name).read_bytes()
        except OSError as error:
            raise self._unreadable(name, error.strerror or str(error)) from None

    def _validated(self, kind: type[T], name: str, content: bytes) -> T:
        try:
            return TypeAdapter(kind).validate_python(json.loads(content, parse_float=_finite))
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(str(part) for part in fault["loc"])
            raise self._unreadable(name, f"{where}: {fault['msg'].lower()}") from None
        except (ValueError, RecursionError) as error:
            raise self._unreadable(name, str(error)) from None

    def _unreadable(self, name: str, reason: str) -> RunError:
        return RunError(
            "{name} of the run {folder!r} cannot be read: {reason}",
            fix="copy the run folder again from where it was made, or start a new run",
            folder=str(self.path),
            name=name,
            reason=reason,
        )


def _finite(text: str) -> float:
    """A number of a JSON file; ValueError if it is too large for one."""
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text[:20]} is too large")
    return number
