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
from duree.serving.studio.isolated import isolated
from duree.serving.studio.workspace import NotFoundError, Upload
from duree.storage import require_regular
from duree.tables.files.stream import require_few_cells
from duree.tables.files.write import write_table
from duree.tasks import TASKS, layout_for
from duree.workflow import predict

# Files of the run folder that are sent unchanged.
FILES = ("predictions.parquet", "recipe.toml", "metrics.json", "report.html")
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


def send(run: Run, name: str) -> FileResponse:
    """One of the listed files; NotFoundError if there is none of this name."""
    title = f"{run.folder.name}-{name}"
    if name in FILES and run.has(name):
        return FileResponse(_own(run.folder / name), filename=title)
    if name not in MADE:
        raise NotFoundError(
            "the run has no file {name!r}", fix="choose one from the list", name=name
        )
    return _made(Path(tempfile.mkdtemp(prefix="duree-")), partial(MADE[name], run), title)


def predicted(run: Run, table: Upload) -> FileResponse:
    """A table with the run's predictions; the upload is deleted."""
    suffix = layout_for(run.recipe).predicted_suffix(table.path.suffix)

    def make(folder: Path) -> Path:
        output = folder / f"predicted{suffix}"
        isolated(_predict, run.folder, table.path, output)
        return output

    return _made(table.path.parent, make, f"{table.name.rpartition('.')[0]}-predicted{suffix}")


def _predict(run: Path, table: Path, output: Path) -> None:
    require_few_cells(table)
    predict(run, table, output)


def figure(run: Run, name: str) -> FileResponse:
    """A figure of the report, by its file name."""
    folder = _own_folder(run.folder / FOLDER)
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if name not in names:
        raise NotFoundError(
            "the run has no file {name!r}", fix="choose one from the list", name=name
        )
    kind = "application/pdf" if name.endswith(".pdf") else "application/octet-stream"
    # Never displayed as a page of ours: an SVG may contain anything.
    title = f"{run.folder.name}-{name}"
    return FileResponse(_own(folder / name), filename=title, media_type=kind)


def _own(path: Path) -> Path:
    """The path; RunError if it is a link, which may lead to any file of the user's."""
    require_regular(path)
    return path


def _own_folder(folder: Path) -> Path:
    """The folder; RunError if it is a link."""
    if folder.is_symlink():
        require_regular(folder)
    return folder


def _made(folder: Path, make: Callable[[Path], Path], title: str) -> FileResponse:
    """A file that is made for this response, in a temporary folder that is deleted after it."""
    cleanup = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    try:
        return FileResponse(make(folder), filename=title, background=cleanup)
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


MADE: dict[str, Callable[[Run, Path], Path]] = {
    "predictions.csv": lambda run, folder: _predictions(run, folder, ".csv"),
    "predictions.xlsx": lambda run, folder: _predictions(run, folder, ".xlsx"),
    "figures.zip": lambda run, folder: _zipped(run, folder, FOLDER),
    "model.zip": lambda run, folder: _zipped(run, folder, "model"),
    "onnx.zip": _graph,
}
