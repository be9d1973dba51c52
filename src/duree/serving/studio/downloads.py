"""Downloads of a finished run; each file name begins with the name of the run."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import polars as pl
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from duree.pipeline.run import Run
from duree.report.figures.choose import FOLDER
from duree.report.vocabulary import Words
from duree.serving.studio.predicted import predict_into, predicted_name
from duree.serving.studio.test_rows import report_page, write_figures
from duree.serving.studio.workspace import NotFoundError, Upload
from duree.storage import require_regular
from duree.tables.files.write import write_table
from duree.tasks import TASKS

# Files of the run folder that are sent unchanged.
REPORT = "report.html"
FILES = ("predictions.parquet", "recipe.toml", "metrics.json", REPORT)
# Bytes of a report that hold its language.
HEAD = 300
# Packages that some downloads need.
NEEDED = {"predictions.xlsx": ["xlsxwriter"], "onnx.zip": ["onnx", "onnxruntime"]}


def listed(run: Run) -> list[str]:
    """The names of the run's downloads."""
    lacking = {name for name, packages in NEEDED.items() if not all(map(find_spec, packages))}
    lacking |= {name for name in FILES if not run.has(name)}
    task = TASKS.get(run.recipe.task or "")
    if task is not None and not task.is_exported:
        lacking.add("onnx.zip")
    return sorted({*FILES, *MADE} - lacking)


def send(run: Run, name: str, words: Words) -> FileResponse:
    """One of the listed files, in the language of ``words``.

    Raises
    ------
    NotFoundError
        There is none of this name.
    """
    title = f"{run.folder.name}-{name}"
    if name in DRAWN and run.has(REPORT) and not _is_written_in(run, words):
        return _made(_new_folder(), partial(DRAWN[name], run, words), title)
    if name in FILES and run.has(name):
        return FileResponse(_own(run.folder / name), filename=title)
    if name not in MADE:
        raise NotFoundError(
            "the run has no file {name!r}", fix="choose one from the list", name=name
        )
    return _made(_new_folder(), partial(MADE[name], run), title)


def predicted(run: Run, table: Upload) -> FileResponse:
    """A table with the run's predictions; the upload is deleted."""
    return _made(
        table.path.parent,
        lambda folder: predict_into(folder, run, table)[0],
        predicted_name(run, table),
    )


def figure(run: Run, name: str, words: Words) -> FileResponse:
    """A figure of the report, by its file name, in the language of ``words``."""
    folder = _own_folder(run.folder / FOLDER)
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if name not in names:
        raise NotFoundError(
            "the run has no file {name!r}", fix="choose one from the list", name=name
        )
    kind = "application/pdf" if name.endswith(".pdf") else "application/octet-stream"
    # Never displayed as a page of ours: an SVG may contain anything.
    title = f"{run.folder.name}-{name}"
    path = _own(folder / name)
    if not _is_written_in(run, words):
        return _made(_new_folder(), partial(_figure_in, run, words, name), title, kind)
    return FileResponse(path, filename=title, media_type=kind)


def _is_written_in(run: Run, words: Words) -> bool:
    """Whether the run's own report and figures are in the language of ``words``."""
    head = _own(run.folder / REPORT).read_bytes()[:HEAD]
    return (b'lang="zh' in head) is (words.language == "zh")


def _report_in(run: Run, words: Words, folder: Path) -> Path:
    path = folder / REPORT
    path.write_text(report_page(run, words), encoding="utf-8")
    return path


def _figures_in(run: Run, words: Words, folder: Path) -> Path:
    _own_folder(run.folder / FOLDER)
    write_figures(run, words, folder / FOLDER)
    return Path(shutil.make_archive(str(folder / FOLDER), "zip", folder / FOLDER))


def _figure_in(run: Run, words: Words, name: str, folder: Path) -> Path:
    write_figures(run, words, folder)
    return folder / name


def _own(path: Path) -> Path:
    """The path; RunError if it is a link, which may lead to any file of the user's."""
    require_regular(path)
    return path


def _own_folder(folder: Path) -> Path:
    """The folder; RunError if it is a link."""
    if folder.is_symlink():
        require_regular(folder)
    return folder


def _new_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="duree-"))


def _made(
    folder: Path, make: Callable[[Path], Path], title: str, kind: str | None = None
) -> FileResponse:
    """A file that is made for this response, in a temporary folder that is deleted after it."""
    cleanup = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    try:
        made = make(folder)
        return FileResponse(made, filename=title, media_type=kind, background=cleanup)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _predictions(run: Run, folder: Path, suffix: str) -> Path:
    path = folder / f"predictions{suffix}"
    write_table(pl.read_parquet(_own(run.folder / "predictions.parquet")), path)
    return path


def _zipped(run: Run, folder: Path, name: str) -> Path:
    for path in _own_folder(run.folder / name).iterdir():
        require_regular(path)
    return Path(shutil.make_archive(str(folder / name), "zip", run.folder / name))


def _graph(run: Run, folder: Path) -> Path:
    from duree.serving.export import export

    (folder / "onnx").mkdir()
    export(run.folder, folder / "onnx" / "model.onnx")
    return Path(shutil.make_archive(str(folder / "onnx-all"), "zip", folder / "onnx"))


# Files that are made again in the language of the page, if the run has another.
DRAWN: dict[str, Callable[[Run, Words, Path], Path]] = {
    REPORT: _report_in,
    "figures.zip": _figures_in,
}
MADE: dict[str, Callable[[Run, Path], Path]] = {
    "predictions.csv": lambda run, folder: _predictions(run, folder, ".csv"),
    "predictions.xlsx": lambda run, folder: _predictions(run, folder, ".xlsx"),
    "figures.zip": lambda run, folder: _zipped(run, folder, FOLDER),
    "model.zip": lambda run, folder: _zipped(run, folder, "model"),
    "onnx.zip": _graph,
}
