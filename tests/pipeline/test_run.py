"""A run folder is the user's own, written by one process, and never left half-written."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from tests.support.commands import call

from duree.errors import DataError, RunError
from duree.pipeline.run import Run, free_folder
from duree.recipe.recipe import Recipe
from duree.tables.files.write import write_table
from duree.workflow import fit, resume

SETTINGS = {
    "data.text": "text",
    "data.target": "label",
    "model.hidden_size": 8,
    "model.embedding_size": 8,
    "training.epochs": 2,
    "evaluation.baselines": False,
    "evaluation.bootstrap": 200,
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "table.csv"
    texts = [f"day {n} was {word}" for n in range(40) for word in ("fine", "grim")]
    write_table(pl.DataFrame({"text": texts, "label": ["up", "down"] * 40}), path)
    return path


@pytest.fixture(scope="module")
def recipe(table: Path) -> Recipe:
    return Recipe().replace(SETTINGS | {"data.files": (str(table),)})


@pytest.fixture(scope="module")
def finished(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fit(recipe, tmp_path_factory.mktemp("runs") / "finished")


def duree(*words: object, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    """Call the command line in a process of its own, which may write no file of over ``limit``."""
    code = "from duree.cli.main import main; main()"
    if limit is not None:
        code = (
            "import resource, signal\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n{code}"
        )
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_a_link_in_place_of_the_run_folder_is_refused_by_every_verb(
    finished: Run, recipe: Recipe, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(finished.folder, target_is_directory=True)
    with pytest.raises(RunError, match="symbolic link"):
        resume(link)
    with pytest.raises(RunError, match="symbolic link"):
        Run(link)
    (tmp_path / "dangling").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="symbolic link"):
        fit(recipe, tmp_path / "dangling")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(os.name == "nt", reason="POSIX owners")
def test_the_run_folder_of_another_user_is_refused(
    finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: finished.folder.stat().st_uid + 1)
    with pytest.raises(RunError, match="belongs to another user"):
        Run(finished.folder)


def test_a_folder_that_cannot_be_made_is_reported(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(RunError, match="cannot be written: Not a directory"):
        fit(recipe, tmp_path / "file" / "run")
    with pytest.raises(RunError, match="exists already"):
        fit(recipe, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_of_two_runs_in_one_folder_the_first_stays_and_the_other_is_refused(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, write = tmp_path / "run", Path.mkdir

    def slow(path: Path, *given: object, **options: object) -> None:
        write(path, *given, **options)
        if path == folder:  # the other one comes between the folder and the recipe
            monkeypatch.setattr(Path, "mkdir", write)
            Run.create(folder, recipe)

    monkeypatch.setattr(Path, "mkdir", slow)
    with pytest.raises(RunError, match="exists already"):
        fit(recipe.replace({"seed": 5}), folder)
    assert Run(folder).recipe.seed == recipe.seed


def test_a_run_that_another_process_has_taken_over_is_not_removed(
    recipe: Recipe, tmp_path: Path
) -> None:
    begun = Run.create(tmp_path / "run", recipe)
    with begun.locked(), pytest.raises(RunError, match="exists already"):
        fit(recipe, begun.folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "create", lambda folder, recipe: begun)
        with begun.locked(), pytest.raises(RunError, match="another process is writing"):
            fit(recipe, begun.folder)
    assert begun.has("recipe.toml")


@pytest.mark.parametrize("made", [True, False])
def test_a_run_that_could_not_begin_leaves_the_folder_as_it_was(
    recipe: Recipe, tmp_path: Path, made: bool
) -> None:
    if made:
        (tmp_path / "run").mkdir()
    with pytest.raises(DataError, match="no column 'textt'"):
        fit(recipe.replace({"data.text": "textt"}), tmp_path / "run")
    assert list(tmp_path.rglob("*")) == [tmp_path / "run"] * made


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_a_run_folder_is_its_users_alone(recipe: Recipe, tmp_path: Path) -> None:
    folder = Run.create(tmp_path / "runs" / "run", recipe).folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_links_in_a_run_folder_are_not_written_through(recipe: Recipe, tmp_path: Path) -> None:
    run, victim = Run.create(tmp_path / "run", recipe), tmp_path / "notes.txt"
    victim.write_bytes(b"mine")
    for name in (".lock", "log.txt"):
        (run.folder / name).unlink(missing_ok=True)
        (run.folder / name).symlink_to(victim)
    with pytest.raises(RunError, match="cannot be written"), run.locked():
        pass
    with pytest.raises(RunError, match="cannot be written"):
        run.log("a line")
    assert victim.read_bytes() == b"mine"


def test_two_processes_do_not_write_one_run(finished: Run) -> None:
    with finished.locked():
        result = duree("resume", finished.folder)
    assert result.returncode == 2
    assert "another process is writing" in result.stderr


# Too little for the recipe, for the figures, for the model, for the report.
@pytest.mark.skipif(os.name == "nt", reason="limits on file size are set by POSIX means")
@pytest.mark.parametrize("limit", [1_000, 5_000, 20_000, 78_000])
def test_a_full_disk_is_reported_and_the_run_ends_the_same_once_there_is_space(
    limit: int, table: Path, finished: Run, tmp_path: Path
) -> None:
    flags = [f"--set={name}={value}".lower() for name, value in SETTINGS.items()]
    fit_run = ("fit", table, *flags, f"--out={tmp_path / 'run'}")
    result = duree(*fit_run, limit=limit)
    assert result.returncode == 2, result.stderr
    assert "cannot be written: File too large" in result.stderr
    assert "Traceback" not in result.stderr
    begun = (tmp_path / "run" / "recipe.toml").exists()
    assert (call("resume", tmp_path / "run") if begun else call(*fit_run)) == 0
    found, expected = (
        pl.read_parquet(folder / "predictions.parquet")
        for folder in (tmp_path / "run", finished.folder)
    )
    assert found.equals(expected)


def test_a_damaged_recipe_or_record_is_named(recipe: Recipe, tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", recipe)
    run.write_json("split.json", {})
    (run.folder / "split.json").write_text('{"train": [0, 1')
    with pytest.raises(RunError, match=r"split\.json.*cannot be read"):
        run.read_json("split.json")
    (run.folder / "recipe.toml").write_text("[data\n")
    with pytest.raises(Exception, match=r"recipe\.toml"):
        Run(run.folder)


def test_a_free_folder_gets_a_number_where_its_name_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for expected in ("runs/demo", "runs/demo-2", "runs/demo-3"):
        assert free_folder("demo") == Path(expected)
        Path(expected).mkdir(parents=True)
