"""A folder with finished runs, and a browser's requests without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.letters import letters, recipe
from tests.support.studio import Visitor

from duree.tables.files.write import write_table
from duree.workflow import fit


@pytest.fixture
def visitor(tmp_path: Path) -> Visitor:
    return Visitor(tmp_path / "runs")


@pytest.fixture(scope="session")
def letters_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "letters.csv"
    write_table(letters(300), path)
    return path


@pytest.fixture(scope="session")
def shelf(letters_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three finished runs: two on the same rows, one of a number."""
    folder = tmp_path_factory.mktemp("shelf") / "runs"
    fit(recipe(letters_csv, data__id="id"), folder / "tones")
    fit(recipe(letters_csv, data__id="id", model__cell="gru"), folder / "tones gru")
    fit(recipe(letters_csv, data__target="warmth"), folder / "warmths")
    return folder


@pytest.fixture(scope="session")
def reader(shelf: Path) -> Visitor:
    """A visitor of the finished runs, who changes nothing."""
    return Visitor(shelf)
