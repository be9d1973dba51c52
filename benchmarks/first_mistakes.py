"""The first mistakes of a new user, for each command: what is printed, in English and in Chinese.

Usage: python benchmarks/first_mistakes.py [COMMAND ...]

Runs each command line in this process, in a folder with small tables and a run of one epoch, and
prints a Markdown table. A good answer says what is wrong, where, and what to do, with status 2
and without a traceback.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import socket
import sys
import tempfile
import traceback
from pathlib import Path

from duree.cli.main import main as duree

REVIEWS = [
    f"{n},the {word} play number {n} was {word} indeed,{word}"
    for n in range(30)
    for word in ("good", "bad")
]
FAST = "--epochs 1 --no-baselines --set hidden_size=4 --set embedding_size=4 --set bootstrap=100"
FIT = "fit reviews.csv --text review --target label"

MISTAKES = {
    "duree": ["--verson", "train reviews.csv", "ft reviews.csv", "help", "-x"],
    "fit": [
        "",
        "reviws.csv --text review --target label",
        "reviews.csv",
        "reviews.csv --text review",
        "reviews.csv --target label",
        "reviews.csv --text Reviews --target label",
        "reviews.csv --text review --target lable",
        "reviews.csv --text review --target review",
        "reviews.csv -text review -target label",
        "reviews.csv review label",
        "reviews.csv --text review --target label --cell transformer",
        "reviews.csv --text review --target label --epochs 0",
        "reviews.csv --text review --target label --epochs ten",
        "reviews.csv --text review --target label --epochs",
        "reviews.csv --text review --target label --max-minutes -1",
        "reviews.csv --text review --target label --seed -1",
        "reviews.csv --text review --target label --seeds 0",
        "reviews.csv --text review --target label --set hiden_size=32",
        "reviews.csv --text review --target label --set hidden_size",
        "reviews.csv --text review --target label --set hidden_size=big",
        "reviews.csv --text review --target label --out run",
        "reviews.csv --text review --target label --out reviews.csv",
        "reviews.csv --text review --target label --recipe nowhere.toml",
        "reviews.csv --recipe reviews.csv",
        "reviews.csv --text review --target label --test nowhere.csv",
        "reviews.csv --text review --target label --test new.csv",
        "reviews.csv --text review --target label --validation reviews.csv",
        "reviews.csv --text review --target label --task clasify",
        "reviews.csv --text review --target label --task regress",
        "reviews.csv --text review --target label --task forecast",
        "reviews.csv --text review --target label --horizon 3",
        "reviews.csv --text review --target label --states t1:t6",
        "reviews.csv --text review --target label --group author",
        "reviews.csv --text review --target label --weight label",
        "reviews.csv --text review --target label --encoding utf-9",
        "reviews.csv --text review --target label --delimiter ';;'",
        "reviews.csv --text review --target label --metric f1",
        "photo.png --text review --target label",
        "photo.csv --text review --target label",
        "empty.csv --text review --target label",
        "header.csv --text review --target label",
        "one.csv --text review --target label",
        "nowhere --text review --target label",
        ". --text review --target label",
        "lives.csv",
        "lives.csv --states t1:t9 --target male",
        "lives.csv --states t6:t1 --target male",
        "lives.csv --states t1:t6",
        "lives.csv --text t1 --target male",
        "spells.csv --state status --start from --end to --target pay",
        "spells.csv --id person --state status --target pay",
        "strikes.csv",
        "strikes.csv --series strikes --time year",
        "strikes.csv --series strikes --horizon 3",
        "strikes.csv --series strikes --time year --horizon 0",
        "strikes.csv --series strikes --time year --horizon 300",
        "strikes.csv --series country --time year --horizon 3",
        "tags.conllu",
        "tags.conllu --target upos",
        "tags.conllu --task label",
        "tags.conllu --task label --target mood",
    ],
    "check": [
        "",
        "nowhere.csv",
        "reviews.csv --text Reviews",
        "reviews.csv --text review --target lable",
        "empty.csv",
        "header.csv",
        "photo.png",
        "photo.csv",
        "reviews.csv --encoding utf-9",
        "reviews.csv --delimiter ';;'",
        "lives.csv --states t1:t9",
        "strikes.csv --series country --time year",
        "reviews.csv --task classify",
        "spells.csv --id person --state status",
        "bare",
    ],
    "predict": [
        "",
        "run",
        "run new.csv",
        "run new.csv out.csv",
        "nowhere new.csv -o out.csv",
        "new.csv run -o out.csv",
        "run nowhere.csv -o out.csv",
        "run strikes.csv -o out.csv",
        "run new.csv -o out.docx",
        "run new.csv -o out",
        "run new.csv -o nowhere/out.csv",
        "run new.csv -o new.csv",
        "run new.csv -o bare",
        "run new.csv -o out.csv --paths 3",
        "run new.csv -o out.csv --paths 0",
        "run empty.csv -o out.csv",
        "run header.csv -o out.csv",
        "run photo.csv -o out.csv",
        "unfinished new.csv -o out.csv",
        "bare new.csv -o out.csv",
    ],
    "evaluate": [
        "",
        "run",
        "nowhere reviews.csv",
        "reviews.csv run",
        "run nowhere.csv",
        "run new.csv",
        "run strikes.csv",
        "run other.csv",
        "run empty.csv",
        "run header.csv",
        "unfinished reviews.csv",
        "run reviews.csv -o out.csv",
    ],
    "explain": [
        "",
        "run",
        "run new.csv",
        "run new.csv --row",
        "run new.csv --row one",
        "run new.csv --row 0",
        "run new.csv --row 99",
        "run new.csv --row 1 --all",
        "run new.csv --row 1 -o page.pdf",
        "run new.csv --all -o page.html",
        "run new.csv --row 1 -o nowhere/page.html",
        "nowhere new.csv --row 1",
        "run nowhere.csv --row 1",
        "run strikes.csv --row 1",
        "unfinished new.csv --row 1",
    ],
    "report": ["", "nowhere", "reviews.csv", "unfinished", "bare", "run run", "run -o page.html"],
    "resume": ["", "nowhere", "reviews.csv", "bare", "run run", "reviews.csv --text review"],
    "export": [
        "",
        "run",
        "nowhere model.onnx",
        "run model.pt",
        "run model",
        "run nowhere/model.onnx",
        "unfinished model.onnx",
        "reviews.csv model.onnx",
        "run bare",
        "run model.onnx --format onnx",
    ],
    "embed": [
        "",
        "run",
        "run new.csv",
        "run new.csv -o out.docx",
        "run new.csv -o out.csv --clusters 1",
        "run new.csv -o out.csv --clusters 1000",
        "run new.csv -o out.csv --clusters many",
        "nowhere new.csv -o out.csv",
        "run nowhere.csv -o out.csv",
        "run strikes.csv -o out.csv",
        "unfinished new.csv -o out.csv",
        "run new.csv -o nowhere/out.csv",
    ],
    "serve": [
        "",
        "nowhere",
        "reviews.csv",
        "unfinished",
        "bare",
        "run --port 0",
        "run --port http",
        "run --port {port}",
        "run --host",
        "run run",
    ],
    "studio": [
        "reviews.csv",
        "--port 0",
        "--port 99999",
        "--port http",
        "--port {port} --no-browser",
        "runs more",
        "--browser firefox",
        "--host",
        "reviews.csv/runs",
    ],
    "demo": [
        "--rows 0",
        "--rows -5",
        "--rows ten",
        "--rows 3",
        "--rows",
        "--out run",
        "--out reviews.csv",
        "letters",
        "--row 100",
    ],
    "settings": ["hiden_size", "model.", "xyz", "model training", "--name cell"],
    "doctor": ["all", "--verbose"],
}


def main() -> None:
    """Print the table for the commands that were named, or for all."""
    wanted = sys.argv[1:] or list(MISTAKES)
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as other:
        os.chdir(folder)
        write_files()
        port = other.getsockname()[1]
        print("| verb | command | message | 消息 | exit |\n|---|---|---|---|---|")
        for verb in wanted:
            for line in MISTAKES[verb]:
                print_row(verb, line.format(port=port), folder)
        os.chdir("/")


def write_files() -> None:
    """The tables, a finished run and one without a network."""
    Path("reviews.csv").write_text("\n".join(["id,review,label", *REVIEWS]) + "\n")
    Path("new.csv").write_text("review\nthe good play\nthe bad play\n")
    Path("other.csv").write_text("review,label\nthe good play,superb\nthe bad play,awful\n")
    Path("one.csv").write_text("review,label\n" + "the good play was good,good\n" * 30)
    Path("empty.csv").write_text("")
    Path("header.csv").write_text("id,review,label\n")
    for name in ("photo.png", "photo.csv"):
        Path(name).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
    states = [",".join("EU"[(n + t) % 2] for t in range(6)) for n in range(30)]
    lives = [f"{n},{n % 2},{states[n]}" for n in range(30)]
    Path("lives.csv").write_text("\n".join(["id,male,t1,t2,t3,t4,t5,t6", *lives]) + "\n")
    spells = [
        f"p{n // 2},{'EU'[n % 2]},{n % 2 * 5},{n % 2 * 5 + 4},{n // 2 % 2}" for n in range(40)
    ]
    Path("spells.csv").write_text("\n".join(["person,status,from,to,pay", *spells]) + "\n")
    strikes = [f"{1900 + n},France,{n}.5" for n in range(40)]
    Path("strikes.csv").write_text("\n".join(["year,country,strikes", *strikes]) + "\n")
    word = "1\tThe\tthe\tDET\t_\t_\t2\tdet\t_\t_\n2\tdog\tdog\tNOUN\t_\t_\t0\troot\t_\t_\n\n"
    Path("tags.conllu").write_text(word * 20)
    Path("bare").mkdir()
    run(f"{FIT} --out run {FAST}", "en")
    Path("unfinished").mkdir()
    Path("unfinished/recipe.toml").write_bytes(Path("run/recipe.toml").read_bytes())


def print_row(verb: str, line: str, folder: str) -> None:
    """Run one command line in both languages and print its row."""
    words = line if verb == "duree" else f"{verb} {line}"
    english, status = run(words, "en")
    chinese, _ = run(words, "zh")
    cells = (verb, f"`duree {words.strip()}`", english, chinese, status)
    shown = (str(cell).replace(folder + "/", "").replace("|", "\\|") for cell in cells)
    print("| " + " | ".join(shown) + " |", flush=True)


def run(line: str, language: str) -> tuple[str, int | str]:
    """What ``duree LINE`` prints on standard error, and its exit status."""
    os.environ["DUREE_LANG"] = language
    former, sys.argv = sys.argv, ["duree", *shlex.split(line)]
    out, err = io.StringIO(), io.StringIO()
    status: int | str = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            duree()
    except SystemExit as done:
        status = int(done.code or 0)
    except Exception:
        status = "traceback"
        err.write(traceback.format_exc().splitlines()[-1])
    finally:
        sys.argv = former
    printed = err.getvalue().strip().splitlines() or out.getvalue().strip().splitlines()
    if len(printed) > 6:
        printed = [*printed[:2], "...", *printed[-2:]]
    return "<br>".join(text.strip() for text in printed), status


if __name__ == "__main__":
    main()
