"""A process that was forked after threads had been started is refused; before, it would hang."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from duree import SequenceClassifier
from duree.tables.files.read import read_tables

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]

FROM_POLARS = (
    "this process was forked from one in which polars had started threads, and would wait for "
    "them for ever; start processes afresh: multiprocessing.get_context('spawn')"
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    pl.DataFrame({"text": ["a", "b"]}).write_csv(tmp_path / "texts.csv")
    return tmp_path / "texts.csv"


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def in_child(work: Callable[[], object], seconds: float = 60) -> str:
    """The error of a function in a forked process, "" without one; "it hangs" after a time."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            os.write(write, str(error).encode())
        os._exit(0)
    os.close(write)
    end = time.monotonic() + seconds
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "it hangs"
        time.sleep(0.01)
    with open(read, encoding="utf-8") as file:
        return file.read()


def test_a_forked_process_that_reads_a_table_says_that_it_must_be_started_afresh(table):
    read_tables([table])
    assert in_child(lambda: read_tables([table])) == FROM_POLARS


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the names of threads")
def test_threads_that_the_user_has_started_with_polars_count_too(table):
    script = (
        "import os, sys, polars as pl; from duree.tables.files.read import read_tables\n"
        "pl.scan_csv(sys.argv[1]).collect()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    try: read_tables([sys.argv[1]])\n"
        "    except Exception as error: print(error, flush=True)\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    assert run(script, table) == FROM_POLARS


def test_a_process_that_was_forked_before_any_thread_works(table):
    script = (
        "import os, sys; from duree.tables.files.read import read_tables\n"
        "child = os.fork()\n"
        "if child == 0: print(len(read_tables([sys.argv[1]])), flush=True); os._exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    assert run(script, table) == "2"


def test_a_fitted_classifier_of_texts_is_refused_in_a_forked_process():
    texts = ["a fine day", "a bad day"] * 5
    model = SequenceClassifier(hidden_size=2, epochs=1).fit(texts, [1, 0] * 5)
    assert in_child(lambda: model.predict(texts)) == FROM_POLARS


@pytest.mark.usefixtures("two_threads")
def test_a_network_that_worked_on_two_threads_is_refused_in_a_forked_process():
    numbers, classes = np.random.default_rng(0).normal(size=(10, 4)), [0, 1] * 5
    model = SequenceClassifier(hidden_size=2, epochs=1).fit(numbers, classes)
    expected = FROM_POLARS.replace("polars", "torch")
    assert in_child(lambda: model.predict(numbers)) == expected
    assert in_child(lambda: model.fit(numbers, classes)) == expected


def run(script: str, table: Path) -> str:
    """What a script prints about a table."""
    words = [sys.executable, "-W", "ignore", "-c", script, str(table)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.strip()
