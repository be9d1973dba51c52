"""The command line keeps its contract: what goes where, and with which exit status."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import ModuleType
from typing import TextIO

import polars as pl
import pytest
from tests.support.commands import call

from duree import workflow
from duree.cli import doctor
from duree.cli.commands import cli
from duree.storage import cannot_write

FAST = [
    "--epochs=1",
    "--no-baselines",
    "--set=hidden_size=4",
    "--set=embedding_size=4",
    "--set=wide=false",
    "--set=bootstrap=100",
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    lines = [
        f"{n:03},the {w} play number {n} was {w},{w}" for n in range(60) for w in ("good", "bad")
    ]
    path.write_text("\n".join(["id,review,verdict", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert call("fit", table, "--text=review", "--target=verdict", f"--out={folder}", *FAST) == 0
    return folder


def test_fit_prints_figures_and_verdict_on_stdout_and_what_to_do_next_on_stderr(
    table: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert call("fit", table, "--text=review", "--target=verdict", f"--out={out}", *FAST) == 0
    printed = capfd.readouterr()
    assert "network" in printed.out
    assert printed.out.rstrip().endswith(".")
    assert f"duree predict {out} NEW.csv -o predicted.csv" in printed.err
    assert "epoch" not in printed.out


def test_printed_commands_can_be_pasted_whatever_the_folder_is_called(
    table: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "it's a run (1)"
    assert call("fit", table, "--text=review", "--target=verdict", f"--out={out}", *FAST) == 0
    predict = next(line for line in capfd.readouterr().err.splitlines() if " predict " in line)
    words = shlex.split(predict.partition(":")[2])
    assert words == ["duree", "predict", str(out), "NEW.csv", "-o", "predicted.csv"]
    assert call("fit", table, "--text=review", "--target=verdict", f"--out={out}", *FAST) == 2
    resume = capfd.readouterr().err.rpartition(": ")[2]
    assert shlex.split(resume) == ["duree", "resume", str(out)]


def test_predict_and_evaluate_and_report_work_on_the_run(
    run: Path, table: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call("predict", run, table, "-o", tmp_path / "out.csv") == 0
    found = pl.read_csv(tmp_path / "out.csv", infer_schema=False)
    assert found["id"][7] == "003"
    assert call("evaluate", run, table) == 0
    assert "accuracy" in capfd.readouterr().out
    assert call("report", run) == 0


def unread() -> TextIO:
    """The end of a pipe whose reader has gone, as of ``| head``."""
    read, write = os.pipe()
    os.close(read)
    return open(write, "w", encoding="utf-8")


def test_a_run_ends_although_nobody_reads_what_it_prints(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    with unread() as results, unread() as progress:
        monkeypatch.setattr(sys, "stdout", results)
        monkeypatch.setattr(sys, "stderr", progress)
        assert call("fit", table, "--text=review", "--target=verdict", f"--out={out}", *FAST) == 0
        monkeypatch.undo()
    assert (out / "report.html").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_results_that_cannot_be_printed_are_an_error(
    run: Path, table: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert call("evaluate", run, table) == 2
        monkeypatch.undo()
    assert "error: standard output cannot be written: No space left" in capfd.readouterr().err


def test_an_error_after_training_says_how_to_go_on(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise cannot_write(tmp_path / "run" / "report.html", OSError(28, "No space left on device"))

    monkeypatch.setattr(workflow, "write_report", full)
    out = tmp_path / "run"
    assert call("fit", table, "--text=review", "--target=verdict", f"--out={out}", *FAST) == 2
    assert capfd.readouterr().err.endswith(
        "what was saved before is intact\n"
        f"the network and its results are saved; write the report with: duree report {out}\n"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("fit", "nowhere.csv", "--text=a", "--target=b"), "nowhere.csv"),
        (("fit", "{table}", "--text=revew", "--target=verdict"), "review"),
        (("fit", "{table}", "--text=review"), "--target"),
        (
            ("fit", "{table}", "--text=review", "--target=verdict", "--set=hiden_size=3"),
            "hidden_size",
        ),
        (("fit", "{table}", "--text=review", "--target=verdict", "--epochs=0"), "epochs"),
        (("fit", "{table}", "--text=review", "--target=verdict", "--out={run}"), "exists already"),
        (("fit", "{table}", "--recipe=nowhere.toml"), "nowhere.toml"),
        (("fit", "{table}", "--flag"), "--flag"),
        (("predict", "nowhere", "{table}", "-o", "{out}/x.csv"), "nowhere"),
        (("predict", "{run}", "nowhere.csv", "-o", "{out}/x.csv"), "nowhere.csv"),
        (("predict", "{run}", "{table}", "-o", "{out}/x.docx"), ".docx"),
        (("evaluate", "{table}", "{table}"), "reviews.csv"),
        (("resume", "{out}"), "recipe.toml"),
        (("report", "{out}"), "recipe.toml"),
        (("check", "{out}"), ""),
        (("frobnicate",), "frobnicate"),
    ],
)
def test_a_user_error_is_one_line_and_status_2(
    words: tuple[str, ...],
    message: str,
    table: Path,
    run: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    filled = [word.format(table=table, run=run, out=tmp_path) for word in words]
    if filled[0] == "fit" and not any(word.startswith("--out") for word in filled):
        filled.append(f"--out={tmp_path / 'new'}")
    assert call(*filled) == 2
    err = capfd.readouterr().err
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in err
    assert not (tmp_path / "x.csv").exists()


def test_messages_are_in_chinese_where_asked_for(
    table: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DUREE_LANG", "zh")
    assert call("fit", table, "--recipe=nowhere.toml") == 2
    assert "找不到配置文件" in capfd.readouterr().err


def test_check_strict_fails_where_plain_check_only_warns(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "same.csv"
    rows = [f"it was a fine day number {n % 20} in the old town,{n // 20}" for n in range(40)]
    path.write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    assert call("check", path, "--text=text", "--target=label") == 0
    assert "warning" in capfd.readouterr().out
    assert call("check", path, "--text=text", "--target=label", "--strict") == 2


def test_every_command_has_a_help_page(capfd: pytest.CaptureFixture[str]) -> None:
    for verb in cli.commands:
        assert call(verb, "--help") == 0
        assert "Usage:" in capfd.readouterr().out


def test_the_demo_runs_twice_and_says_that_its_letters_are_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("demo", "--rows", 100) == 0
    assert call("demo", "--rows", 100) == 0
    for name in ("demo", "demo-2"):
        page = (tmp_path / "runs" / name / "report.html").read_text(encoding="utf-8")
        assert "These letters are simulated" in page


def test_doctor_names_versions_and_missing_extras(capfd: pytest.CaptureFixture[str]) -> None:
    assert call("doctor") == 0
    out = capfd.readouterr().out
    assert "torch" in out
    assert "threads" in out


@pytest.mark.parametrize("verb", [["serve", "no-run"], ["studio", "runs", "--no-browser"]])
def test_a_port_that_another_program_has_is_reported(
    verb: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert call(*verb, "--port", port) == 2
    out, err = capfd.readouterr()
    assert f"cannot listen on port {port} of 127.0.0.1" in err
    assert f"--port {port + 1}" in err
    assert out == ""


def test_help_imports_no_torch() -> None:
    code = (
        "import sys; sys.argv = ['duree', '--help']\n"
        "from duree.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.exit('torch' in sys.modules or 'polars' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def start(table: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    words = ["fit", str(table), "--text=review", "--target=verdict", f"--out={out}"]
    return subprocess.Popen(
        [sys.executable, "-m", "duree", *words, *FAST[1:], *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 300
    while not path.exists():
        assert process.poll() is None, process.stderr and process.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.02)


LONGER = ("--epochs=20", "--set=patience=20", "--set=checkpoint_seconds=0.05")


@pytest.fixture(scope="module")
def whole(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    process = start(table, folder, *LONGER)
    process.communicate()
    assert process.returncode == 0
    return folder


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("signal", [2, 9])
def test_a_run_that_was_interrupted_or_killed_ends_the_same_when_resumed(
    signal: int, table: Path, whole: Path, tmp_path: Path
) -> None:
    broken = start(table, tmp_path / "broken", *LONGER)
    wait_for(tmp_path / "broken" / "checkpoint", broken)
    time.sleep(0.1)
    broken.send_signal(signal)
    err = broken.communicate()[1]
    assert broken.returncode == (130 if signal == 2 else -9)
    assert b"Traceback" not in err
    assert (f"duree resume {tmp_path / 'broken'}".encode() in err) is (signal == 2)
    resumed = subprocess.run(
        [sys.executable, "-m", "duree", "resume", str(tmp_path / "broken")],
        check=False,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
    )
    assert resumed.returncode == 0, resumed.stderr.decode()
    runs = whole, tmp_path / "broken"
    frames = [pl.read_parquet(run / "predictions.parquet") for run in runs]
    assert frames[0].equals(frames[1])
    weights = [(run / "model" / "weights.safetensors").read_bytes() for run in runs]
    assert weights[0] == weights[1]


def test_doctor_knows_every_extra_and_all_its_packages() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    extras = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"]

    def packages(name: str) -> set[str]:
        """The packages of an extra, with those of the extras that it names."""
        lines = [line for line in extras[name] if not line.startswith("duree[")]
        inner = [line.partition("[")[2].rstrip("]").split(",") for line in extras[name]]
        named = {re.split(r"[<>=;]", line)[0].strip() for line in lines}
        return named.union(*(packages(one) for names in inner for one in names if one))

    assert {extra.name: set(extra.packages) for extra in doctor.EXTRAS} == {
        name: packages(name) for name in extras
    }


@pytest.mark.parametrize(
    ("language", "line"),
    [
        (
            "en",
            "[label] the baseline CRF for tagged words: not installed (python-crfsuite missing); "
            "install it with: pip install 'duree[label]'",
        ),
        (
            "zh",
            "[label] 词标注的基线模型 CRF：未安装（缺少 python-crfsuite）；安装命令：pip install",
        ),
    ],
)
def test_doctor_says_how_to_install_an_extra(
    language: str,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def without(package: str) -> str:
        if package == "python-crfsuite":
            raise PackageNotFoundError
        return "1.0"

    monkeypatch.setenv("DUREE_LANG", language)
    monkeypatch.setattr(doctor, "version", without)
    assert call("doctor") == 0
    out = capfd.readouterr().out
    assert f"\n{line}" in out
    assert "jieba 1.0" in out


class Interrupted(ModuleType):
    """A library that is being imported while Ctrl-C is pressed."""

    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("words", "module", "said"),
    [
        (("predict", "run", "t.csv", "-o", "p.csv"), "duree.cli.console", "again to continue"),
        (("suspects", "run", "-o", "r.csv"), "duree.cli.console", "again to continue"),
        (
            ("estimate", "pos ~ x", "t.csv", "--predicted-var=pos", "--prediction=p", "-o", "est"),
            "duree.pipeline.estimate",
            "the results are not complete; run the same command again to start over",
        ),
    ],
)
def test_ctrl_c_says_what_the_same_command_does_next(words, module, said, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, module, Interrupted(module))
    assert call(*words) == 130
    assert said in capsys.readouterr().err
