"""Drawing a sample for expert coding from a table that was uploaded or predicted."""

# FastAPI reads the annotations of functions that stand within another: they may not be strings.
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from duree.errors import DataError, DureeError
from duree.inference.codebook import UNNAMED, write_template
from duree.inference.new_folder import GUESSED
from duree.inference.sample import sample
from duree.pipeline.run import free_folder
from duree.serving.studio import predicted, table_preview
from duree.serving.studio.isolated import isolated
from duree.serving.studio.pages import Fields, Form, page, words_for
from duree.serving.studio.workspace import NotFoundError, Workspace
from duree.tables.columns import PROBABILITY, own_and_added
from duree.tables.files.stream import require_few_cells, stream_table
from duree.tables.finding import Finding
from duree.tables.guess.columns import guess_columns

ROWS = 300  # proposed
SEPARATORS = re.compile(r"[,;，；、\n]")


@dataclass(frozen=True)
class Source:
    """A table of the workspace from which a sample may be drawn."""

    path: Path
    name: str


@dataclass(frozen=True)
class Offer:
    """The columns of a table, and what is proposed for each field."""

    columns: list[str]
    id: str
    text: str
    by: str
    labels: list[str]


def add_sampling(app: FastAPI, workspace: Workspace) -> None:
    """Add the routes on which samples are drawn."""

    @app.get("/sample/{id}")
    def form(request: Request, id: str) -> HTMLResponse:
        return _form_page(request, id, source_of(workspace, id), {})

    @app.post("/sample/{id}")
    def draw(request: Request, id: str, form: Form) -> Response:
        source = source_of(workspace, id)
        try:
            folder, findings = _draw(workspace, source, form, words_for(request).language)
        except DureeError as error:
            return _form_page(request, id, source, form, error)
        address = f"/coding/{quote(folder.name)}"
        doubtful = [found for found in findings if found.level == "warning"]
        if not doubtful:
            return RedirectResponse(address, 303)
        messages = [found.message(words_for(request).language) for found in doubtful]
        return page(request, "drawn.html", address=address, sample=folder.name, messages=messages)


def source_of(workspace: Workspace, id: str) -> Source:
    """The uploaded or predicted table with this id; NotFoundError if there is none."""
    for one in predicted.everything(workspace):
        if one.id == id:
            return Source(one.path, one.note.name)
    try:
        upload = workspace.table(id)
    except NotFoundError:
        raise NotFoundError("there is no such table", fix="upload it again") from None
    return Source(upload.path, upload.name)


def _form_page(
    request: Request, id: str, source: Source, chosen: Fields, error: DureeError | None = None
) -> HTMLResponse:
    words = words_for(request)
    message = error.message(words.language) if error else ""
    return page(
        request,
        "sample.html",
        422 if error else 200,
        id=id,
        table=source,
        offer=isolated(_offer, source.path),
        chosen=chosen,
        rows=ROWS,
        fault=table_preview.in_page_terms(message, words, []) if error else "",
    )


def _offer(path: Path) -> Offer:
    """What is proposed, from the first rows."""
    require_few_cells(path)
    frame = next(stream_table(path, delimiter=None)).frame.head(GUESSED)
    own, added = own_and_added(frame.columns)
    guesses = guess_columns(frame.select(own))
    texts = [one.name for one in guesses if one.kind == "text"]
    unique = [one.name for one in guesses if one.unique and one.kind != "text"]
    named = [name for name in unique if re.search(r"(^|[^a-z])id([^a-z]|$)", name, re.IGNORECASE)]
    probabilities = [name for name in added if name.startswith(PROBABILITY)]
    return Offer(
        list(frame.columns),
        next(iter([*named, *unique]), ""),
        next(iter(texts), ""),
        probabilities[-1] if probabilities else "",
        [name.removeprefix(PROBABILITY) for name in probabilities],
    )


def _draw(
    workspace: Workspace, source: Source, form: Fields, language: str
) -> tuple[Path, list[Finding]]:
    """Draw a sample into a new folder of the workspace; nothing of it is left if that fails."""
    if "id" not in form:
        raise DataError(
            "no column of ids is chosen", fix="choose a column with another value in each row"
        )
    plain = "-".join(re.findall(r"\w+", source.name.rpartition(".")[0]))[:40] or "sample"
    folder = free_folder(f"coding-{plain}", workspace.folder)
    labels = [name.strip() for name in SEPARATORS.split(form.get("labels", "")) if name.strip()]
    folder.mkdir(mode=0o700, parents=True)
    try:
        write_template(folder, list(dict.fromkeys(labels)), form.get("variable", UNNAMED), language)
        columns = {role: form.get(role) for role in ("id", "text", "by", "cluster")}
        n = _whole(form.get("n", ""))
        findings = isolated(_sample, source.path, n, folder, columns, source.name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder, findings


def _sample(path: Path, n: int, folder: Path, columns: dict[str, Any], name: str) -> list[Finding]:
    """What another process does."""
    require_few_cells(path)
    return sample(path, n, folder, name=name, **columns)


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise DataError("{text!r} is no whole number", fix="write digits alone", text=text)
    return int(text)
