"""A run folder with a damaged file works as before, or says which file is at fault."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from benchmarks.odd_run_folders import COMMANDS, FINE, KINDS, damages, is_content, outcome_of, put

from duree.errors import RunError
from duree.pipeline.compare import compare_runs
from duree.pipeline.model import load_networks
from duree.pipeline.run import Run
from duree.report.load import load_run
from duree.workflow import resume

# Those that are fast enough for many cases; the others get one damage a file.
READ = {"read": lambda run, table: load_run(run), "predict": COMMANDS["predict"]}
PARTS = ("train", "validation", "test", "shared")
SLOW = ("report", "studio", "resume")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """A finished run of each of these kinds, and its table."""
    folder = tmp_path_factory.mktemp("whole")
    return {kind: KINDS[kind](folder / kind) for kind in ("states", "forecast", "series")}


@pytest.mark.parametrize("kind", ["states", "forecast"])
def test_each_file_may_be_damaged_without_a_traceback(
    runs: dict[str, tuple[Path, Path]], kind: str, tmp_path: Path
) -> None:
    run, table = runs[kind]
    rng, faults = random.Random(kind), []
    broken = tmp_path / "runs" / "run"
    shutil.copytree(run, broken)
    files = sorted(path.relative_to(run) for path in run.rglob("*") if is_content(path))
    for inner in files:
        for damage, content in rng.sample(list(damages(run / inner, rng)), 3):
            put(broken / inner, content)
            for command, carry_out in READ.items():
                outcome, said = outcome_of(carry_out, broken, table, str(inner))
                if outcome not in FINE:
                    faults.append(f"{inner}: {damage}; {command}: {outcome} {said}")
            shutil.copy(run / inner, broken / inner)
    assert faults == []


def test_reports_pages_and_resumed_runs_name_the_damaged_file(
    runs: dict[str, tuple[Path, Path]], tmp_path: Path
) -> None:
    run, table = runs["states"]
    broken, faults = tmp_path / "runs" / "run", []
    for name in ("metrics.json", "predictions.parquet", "data.json"):
        for content in (None, b"[]"):
            shutil.rmtree(broken.parent, ignore_errors=True)
            shutil.copytree(run, broken)
            put(broken / name, content)
            for command in SLOW:
                outcome, said = outcome_of(COMMANDS[command], broken, table, name)
                if outcome not in FINE:
                    faults.append(f"{name}: {command}: {outcome} {said}")
    assert faults == []


def without_the_last_row(split: bytes) -> bytes:
    facts = json.loads(split)
    last = max(map(max, filter(None, (facts[part] for part in ("train", "validation", "test")))))
    parts = {part: [row for row in facts[part] if row != last] for part in PARTS}
    return json.dumps(facts | parts).encode()


@pytest.mark.parametrize(
    ("name", "damage", "expected"),
    [
        ("test_openings.json", lambda whole: b"[1]", "test_openings.json of the run"),
        ("test_openings.json", lambda whole: b"[" * 100_000, "test_openings.json of the run"),
        ("seconds.json", lambda whole: b'{"read": []}', "seconds.json of the run"),
        ("split.json", lambda whole: b"[" * 100_000, "split.json of the run"),
        ("split.json", lambda whole: whole.replace(b'"seed"', b'"sead"'), "split.json was altered"),
        ("split.json", without_the_last_row, "split.json is not a split of the 90 rows"),
        (
            "data.json",
            lambda whole: whole.replace(b'"threads": ', b'"threads": 99999999'),
            "data.json of",
        ),
        ("data.json", lambda whole: b'{"sources": []}', "data.json of the run"),
        ("explanations.json", lambda whole: b"[]", "explanations.json of the run"),
    ],
)
def test_a_run_that_is_resumed_with_a_damaged_record_names_it(
    runs: dict[str, tuple[Path, Path]],
    name: str,
    damage: Callable[[bytes], bytes],
    expected: str,
    tmp_path: Path,
) -> None:
    run, _ = runs["states"]
    broken = shutil.copytree(run, tmp_path / "run")
    (broken / "report.html").unlink()
    whole = (broken / name).read_bytes() if (broken / name).exists() else b""
    put(broken / name, damage(whole))
    with pytest.raises(RunError) as caught:
        load_run(broken) if name == "explanations.json" else resume(broken)
    assert expected in caught.value.message("en")
    assert caught.value.fix


def test_a_file_that_is_no_seed_does_not_keep_networks_from_being_loaded(
    runs: dict[str, tuple[Path, Path]], tmp_path: Path
) -> None:
    run, _ = runs["states"]
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "seeds").mkdir(exist_ok=True)
    (copy / "seeds" / ".DS_Store").touch()
    assert len(load_networks(Run(copy))) == 1


@pytest.mark.parametrize("damage", ["renamed", "of texts"])
def test_runs_without_a_column_of_predictions_are_not_compared(
    runs: dict[str, tuple[Path, Path]], damage: str, tmp_path: Path
) -> None:
    run, _ = runs["series"]
    copy = shutil.copytree(run, tmp_path / "run")
    frame = pl.read_parquet(copy / "predictions.parquet")
    texts = frame.with_columns(pl.col("probability_x").cast(pl.String))
    changed = {"renamed": frame.rename({"probability_x": "other"}), "of texts": texts}
    changed[damage].write_parquet(copy / "predictions.parquet")
    with pytest.raises(RunError, match=r"has no column 'probability_x' of numbers"):
        compare_runs(Run(copy), Run(copy))
