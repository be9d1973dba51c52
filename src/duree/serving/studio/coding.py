"""The coding page: one text at a time, and each label on the disk before the next is shown."""

# FastAPI reads the annotations of functions that stand within another: they may not be strings.
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import escape

from duree.errors import DataError, DureeError
from duree.inference.active import ACTIVE
from duree.inference.agreement import Agreement, measure
from duree.inference.codebook import CODEBOOK
from duree.inference.codings import (
    ACTIVE_BATCH,
    AGAIN,
    DESIGN_BATCH,
    Coding,
    append_coding,
    coder_name,
)
from duree.inference.design import DESIGN
from duree.inference.folder import CodingFolder, read_folder, replace_codebook
from duree.inference.queue import Question, Queue
from duree.inference.sheet import ACTIVE_SHEET, SHEET, sheet_texts
from duree.pipeline.run import now
from duree.serving.studio import table_preview
from duree.serving.studio.pages import Fields, Form, page, words_for
from duree.serving.studio.workspace import NotFoundError, Workspace

BATCHES = (DESIGN_BATCH, ACTIVE_BATCH)
COMMENT_LENGTH = 5000
# A longer time is a pause, not the time that a text took.
LONGEST_SECONDS = 3600


@dataclass(frozen=True)
class Summary:
    """A coding folder in the list on the home page; ``fault`` if it cannot be read."""

    name: str
    answered: int = 0
    all: int = 0
    coders: tuple[str, ...] = ()
    fault: str = ""


def add_coding(app: FastAPI, workspace: Workspace) -> None:
    """Add the routes of coding folders."""

    @app.get("/coding/{name}")
    def overview(request: Request, name: str) -> HTMLResponse:
        return _overview(request, name, read_folder(find(workspace, name)))

    @app.post("/coding/{name}/codebook")
    def codebook(request: Request, name: str, form: Form) -> Response:
        folder = read_folder(find(workspace, name))
        typed = form.get("toml", "")
        try:
            replace_codebook(folder, typed)
        except DureeError as error:
            return _overview(request, name, folder, typed, error)
        return RedirectResponse(f"/coding/{quote(name)}", 303)

    @app.get("/coding/{name}/code")
    def code(
        request: Request,
        name: str,
        coder: str = "",
        batch: str = DESIGN_BATCH,
        id: str = "",
        variable: str = "",
    ) -> HTMLResponse:
        coder, batch = _who(coder, batch)
        folder = read_folder(find(workspace, name))
        _refuse_other_spelling(coder, {one.coder for one in folder.codings})
        queue = Queue(folder, coder, batch)
        asked = queue.question(id, variable) if id else None
        return _question_page(request, name, queue, asked or queue.next())

    @app.post("/coding/{name}/code")
    def answer(request: Request, name: str, form: Form) -> Response:
        path = find(workspace, name)
        coder, batch = _who(form.get("coder", ""), form.get("drawn", DESIGN_BATCH))
        folder = read_folder(path)
        given = _coding(Queue(folder, coder, batch), form)
        append_coding(path, given)
        return _onward(request, name, Queue(folder.with_coding(given), coder, batch))

    @app.post("/coding/{name}/undo")
    def undo(request: Request, name: str, form: Form) -> Response:
        path = find(workspace, name)
        coder, batch = _who(form.get("coder", ""), form.get("drawn", DESIGN_BATCH))
        folder = read_folder(path)
        queue = Queue(folder, coder, batch)
        last = queue.last()
        if last is None:
            return _onward(request, name, queue)
        withdrawn = replace(last, label=None, time=now(), seconds=None)
        append_coding(path, withdrawn)
        queue = Queue(folder.with_coding(withdrawn), coder, batch)
        return _onward(request, name, queue, last)


def summaries(workspace: Workspace, language: str) -> list[Summary]:
    """The coding folders of the workspace, by name."""
    return [_summary(path, language) for path in folders(workspace)]


def folders(workspace: Workspace) -> list[Path]:
    """The coding folders in the workspace and beside it, where ``duree sample`` writes them.

    Of two with the same name, the one in the workspace counts.
    """
    found: dict[str, Path] = {}
    for place in (workspace.folder, workspace.folder.parent):
        for path in _within(place):
            with suppress(OSError):  # a folder of somebody else's
                if (path / DESIGN).is_file() or (path / ACTIVE).is_file():
                    found.setdefault(path.name, path)
    return list(found.values())


def _within(place: Path) -> list[Path]:
    """What lies in a folder, by name; nothing if it may not be read."""
    try:
        return sorted(place.iterdir())
    except OSError:
        return []


def find(workspace: Workspace, name: str) -> Path:
    """The coding folder of this name; NotFoundError if there is none."""
    for path in folders(workspace):
        if path.name == name:
            return path
    raise NotFoundError(
        "there is no coding folder {name!r}", fix="choose one from the list", name=name
    )


def _overview(
    request: Request,
    name: str,
    folder: CodingFolder,
    typed: str | None = None,
    error: DureeError | None = None,
) -> HTMLResponse:
    """Who coded how much, their agreement and the codebook; what was typed, if it has a fault."""
    language = words_for(request).language
    toml = (folder.path / CODEBOOK).read_text(encoding="utf-8-sig") if typed is None else typed
    return page(
        request,
        "coding.html",
        422 if error else 200,
        sample=name,
        folder=folder,
        batches=_batches(folder),
        coders=Counter(one.coder for one in folder.codings).most_common(),
        agreements=_agreements(folder),
        findings=list(_sentences(request, folder)),
        toml=escape(toml),  # as it is, invisible characters too: it is edited
        fault=table_preview.without_paths(error.message(language)) if error else "",
    )


def _summary(path: Path, language: str) -> Summary:
    try:
        folder = read_folder(path)
    except DureeError as error:
        return Summary(path.name, fault=error.message(language))
    batch = _batches(folder)[0]
    progress = Queue(folder, "", batch).progress()
    coders = sorted({one.coder for one in folder.codings if one.batch == batch})
    return Summary(path.name, progress.answered, progress.all, tuple(coders))


def _batches(folder: CodingFolder) -> list[str]:
    """The batches that the folder has."""
    drawn = {DESIGN_BATCH: folder.design, ACTIVE_BATCH: folder.active}
    return [batch for batch in BATCHES if drawn[batch] is not None]


def _agreements(folder: CodingFolder) -> list[Agreement]:
    """The agreement of coders; empty where no text was coded twice, or labels do not allow it."""
    try:
        return measure(folder, None)
    except DataError:
        return []


def _who(coder: str, batch: str) -> tuple[str, str]:
    """A coder's name and a batch, as they may be; DataError otherwise."""
    if not coder.strip():
        raise DataError("the coder's name is missing", fix="enter your name, then begin")
    return coder_name(coder), batch if batch in BATCHES else DESIGN_BATCH


def _refuse_other_spelling(coder: str, known: set[str]) -> None:
    """Refuse the name of a known coder in other capital letters: one person would count as two."""
    alike = [name for name in sorted(known) if _folded(name) == _folded(coder)]
    if alike and coder not in alike:
        raise DataError(
            "there is a coder {known!r} already, and {name!r} would count as somebody else",
            fix="enter {known!r} to go on, or a name that differs in more than capital letters",
            known=alike[0],
            name=coder,
        )


def _folded(name: str) -> str:
    """A name without the differences of capital and wide letters."""
    return unicodedata.normalize("NFKC", name).casefold()


def _coding(queue: Queue, form: Fields) -> Coding:
    """The coding that a form holds.

    Raises
    ------
    DataError
        The text was not drawn, or the label is not in the codebook.
    """
    asked = queue.question(form.get("id", ""), form.get("variable", ""))
    if asked is None:
        raise DataError("this text is not in the sample", fix="load the page again")
    label = "" if "skip" in form else asked.variable.canonical(form.get("label", ""))
    if label is None or ("skip" not in form and not label):
        raise DataError(
            "the label {label!r} of {variable!r} is not in the codebook",
            fix="write one of {known}, or add it to codebook.toml",
            label=form.get("label", ""),
            variable=asked.variable.name,
            known=", ".join(map(repr, asked.variable.names)) or "0, 1, 2, ...",
        )
    batch = AGAIN if form.get("batch") == AGAIN else queue.batch
    comment = form.get("comment", "")[:COMMENT_LENGTH]
    return Coding(
        asked.id, queue.coder, asked.variable.name, label, now(), _seconds(form), comment, batch
    )


def _seconds(form: Fields) -> float | None:
    """How long the text was shown; None if the page could not measure it."""
    try:
        seconds = float(form.get("seconds", ""))
    except ValueError:
        return None
    return round(seconds, 1) if 0 <= seconds <= LONGEST_SECONDS else None


def _onward(request: Request, name: str, queue: Queue, again: Coding | None = None) -> Response:
    """The next question: as a piece of the page, or for a browser without scripts as a redirect."""
    if not request.headers.get("hx-request"):
        place = {"coder": queue.coder, "batch": queue.batch}
        if again and again.batch == queue.batch:  # another batch: asked next anyway
            place |= {"id": again.id, "variable": again.variable}
        return RedirectResponse(f"code?{urlencode(place)}", 303)
    asked = queue.question(again.id, again.variable) if again else None
    if asked and again:
        asked = replace(asked, batch=again.batch)
    return _question_page(request, name, queue, asked or queue.next(), "question.html", again)


def _question_page(
    request: Request,
    name: str,
    queue: Queue,
    asked: Question | None,
    template: str = "code.html",
    undone: Coding | None = None,
) -> HTMLResponse:
    sheet = ACTIVE_SHEET if queue.batch == ACTIVE_BATCH else SHEET
    texts = sheet_texts(queue.folder.path / sheet, queue.order)
    return page(
        request,
        template,
        sample=name,
        coder=queue.coder,
        drawn=queue.batch,
        asked=asked,
        text=texts.get(asked.id, "") if asked else "",
        place=queue.order.index(asked.id) + 1 if asked else 0,
        progress=queue.progress(),
        last=queue.last(),
        undone=undone,
        comment=escape(undone.comment if undone else ""),
        is_alone=queue.is_alone,
        codebook=queue.folder.codebook,
        findings=list(_sentences(request, queue.folder)),
    )


def _sentences(request: Request, folder: CodingFolder) -> Iterator[str]:
    return (one.message(words_for(request).language) for one in folder.findings)
