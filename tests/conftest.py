"""What every test may ask for, and what holds for all of them."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from duree.pipeline.run import Run

ROOT = Path(__file__).parents[1]

# No deadlines: dictionaries are loaded at first, and machines get busy.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
# Of tests that run side by side (`pytest -n 2`), each worker and what it starts take one thread.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ |= {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
# Messages are asserted in English, independent of the language of the machine.
os.environ["DUREE_LANG"] = "en"
# `make sanitize` tests another build of the compiled recurrence.
if compiled := os.environ.get("DUREE_COMPILED"):
    import torch  # noqa: F401  # whose libraries come first, as in the package

    name = "duree.network.kernels.compiled"
    found = importlib.util.spec_from_file_location(name, compiled)
    assert found is not None
    assert found.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(sys.modules[name])
# Figures are drawn into files.
os.environ["MPLBACKEND"] = "agg"


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    """Networks that a test builds without a seed are the same each time, in any order of tests."""
    import torch

    torch.manual_seed(0)


@pytest.fixture(scope="session")
def grammar_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A language model of ``documents`` of a small grammar, by characters."""
    from tests.support.sentences_of_a_grammar import documents, recipe

    from duree.workflow import fit

    folder = tmp_path_factory.mktemp("grammar")
    documents(120).write_csv(folder / "texts.csv")
    return fit(recipe(folder / "texts.csv"), folder / "run")


# The longest come first, so that both workers end at about the same time.
LONG = ("tests/serving/", "tests/runs/", "tests/pipeline/", "tests/test_", "tests/explain/")
# Files of these folders share runs: one worker takes them all.
SHARED = ("tests/explain/", "tests/serving/studio/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return next((n for n, long in enumerate(LONG) if item.nodeid.startswith(long)), len(LONG))

    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Files are not divided among workers, nor are folders whose files share runs."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next(
                (folder for folder in SHARED if nodeid.startswith(folder)),
                nodeid.partition("::")[0],
            )

    return Scheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def empty_figures() -> Iterator[None]:
    """PDFs of runs are empty but in tests of figures: see ``whole_figures``."""
    from tests.support.pdf import empty_pdf

    with empty_pdf():
        yield


@pytest.fixture(scope="module")
def whole_figures() -> Iterator[None]:
    """PDFs are drawn as for a user."""
    from tests.support.pdf import real_pdf

    with real_pdf():
        yield


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data sets: DUREE_DATA, or shared/data beside the project."""
    folder = Path(os.environ.get("DUREE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data: DUREE_DATA names no folder, nor is there {folder}")
    return folder
