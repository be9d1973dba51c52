"""Any other process can see in a run's folder what the run is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.letters import letters, recipe

from duree.errors import DataError
from duree.pipeline.listener import SILENT, Silent
from duree.pipeline.progress import request_stop, standing
from duree.pipeline.run import Run
from duree.tables.files.write import write_table
from duree.workflow import fit, resume


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "letters.csv"
    write_table(letters(600), path)
    return path


class Watcher(Silent):
    """Notes what the folder says as each step begins."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen = folder, []

    def step(self, name: str) -> None:
        run = Run(self.folder)
        self.seen.append((name, standing(run).step, run.writer()))


def test_each_step_and_the_process_behind_it_are_known_as_it_begins(
    table: Path, tmp_path: Path
) -> None:
    watcher = Watcher(tmp_path / "run")
    run = fit(recipe(table), tmp_path / "run", watcher)
    assert [(name, name, os.getpid()) for name, _, _ in watcher.seen] == watcher.seen
    assert run.writer() is None
    assert standing(run).step == "explain"
    assert standing(run).error is None


@contextmanager
def trained_elsewhere(run: Run) -> Iterator[subprocess.Popen]:
    """Another process that carries the run out, once it trains."""
    command = [sys.executable, "-m", "duree", "resume", str(run.folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 300
        while not (standing(run).done > 20 and run.has("history.jsonl")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process


def test_training_reports_its_progress_stops_on_request_and_ends_at_the_stopping_rule(
    table: Path, tmp_path: Path
) -> None:
    endless = recipe(table, training__epochs=5000, training__patience=5000)
    run = Run.create(tmp_path / "run", endless)
    with trained_elsewhere(run) as process:
        now = standing(run)
        assert run.writer() == process.pid
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(120) == 130
    assert now.step == "train"
    assert 20 < now.done < now.steps
    assert now.loss > 0
    assert now.rows_per_second > 0
    assert now.seconds_left > 0
    assert run.writer() is None
    assert not run.has("metrics.json")
    request_stop(run)
    resume(run.folder, SILENT)
    assert run.has("report.html")
    history = (run.folder / "history.jsonl").read_text().splitlines()
    assert 1 <= len(history) < 4000
    assert "ended by hand" in " ".join(run.read_json("metrics.json")["notes"])


def test_what_stopped_a_run_is_kept_in_both_languages(table: Path, tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", recipe(table, data__text="verse"))
    with pytest.raises(DataError):
        resume(run.folder)
    error = standing(run).error
    assert "there is no column 'verse'" in error["en"]
    assert "'verse'" in error["zh"]
    assert "没有" in error["zh"]


def test_a_folder_that_says_nothing_says_so(table: Path, tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", recipe(table))
    assert (standing(run).step, run.writer()) == ("", None)
    (run.folder / "progress.json").write_text('{"of another": "version"}')
    assert standing(run).step == ""
