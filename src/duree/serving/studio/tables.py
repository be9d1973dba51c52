"""Tables: the first page, on which they are uploaded and deleted, and the page of each, on which is
chosen what to ask of it, and a run begun."""

# FastAPI reads the annotations of functions that stand within another: they may not be strings.
import re
from functools import partial
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from duree.errors import DataError, DureeError, RunError
from duree.pipeline.dataset import stop_at_errors
from duree.pipeline.run import Run, free_folder
from duree.recipe.recipe import Recipe
from duree.serving.studio import forms, run_list, table_preview
from duree.serving.studio.forms import FORMS, Fault, at_field, recipe_of
from duree.serving.studio.pages import Fields, Form, page, words_for
from duree.serving.studio.uploads import receive
from duree.serving.studio.worker import Workers
from duree.serving.studio.workspace import UPLOADS, Shelf, Upload
from duree.tables.files.read import READERS
from duree.tables.guess.columns import KINDS
from duree.tables.guess.rows import TEXTS

# What a run's name may be made of: no sign that a path or a page could take for more.
NAME = re.compile(r"\w[\w .()-]{0,59}(?<![ .])")
# States of a run that needs its table to go on.
UNFINISHED = ("working", "stopped")


def add_tables(app: FastAPI, shelf: Shelf, workers: Workers) -> None:
    """Add the addresses of tables to the studio."""

    @app.post("/tables")
    async def upload(request: Request) -> Response:
        upload = await receive(request, shelf)
        return RedirectResponse(f"/tables/{upload.id}", 303)

    @app.get("/tables/{id}")
    def table(request: Request, id: str) -> HTMLResponse:
        return _choose(request, shelf, shelf.table(id), {})

    @app.post("/tables/{id}/delete")
    def delete(request: Request, id: str) -> Response:
        upload = shelf.table(id)
        needing = [run for run in shelf.runs_of(upload) if workers.state(run) in UNFINISHED]
        if needing:
            error = RunError(
                "{table!r} cannot be deleted: the run {run!r} has not ended, and reads it",
                fix="let it go on to its end first, or delete the folder of the run",
                table=upload.name,
                run=needing[0].folder.name,
            )
            return home_page(request, shelf, workers, error)
        shelf.delete(upload)
        return RedirectResponse("/", 303)

    @app.get("/tables/{id}/form")
    def form(request: Request, id: str) -> HTMLResponse:
        return _choose(request, shelf, shelf.table(id), _sent(request), name="fields.html")

    @app.get("/tables/{id}/checks")
    def checks(request: Request, id: str) -> HTMLResponse:
        upload, chosen = shelf.table(id), _sent(request)
        words, form = words_for(request), _form(chosen)
        message = partial(table_preview.plain, words=words, tables=shelf.tables(), form=form)
        try:
            found = table_preview.check(_recipe(shelf, upload, chosen))
        except DureeError as error:
            return page(request, "message.html", message=message(error.message(words.language)))
        return page(request, "checks.html", found=found, message=message)

    @app.post("/tables/{id}/runs")
    def train(request: Request, id: str, form: Form) -> Response:
        upload = shelf.table(id)
        if missing := _form(form).missing(form):
            return _choose(request, shelf, upload, form, missing)
        try:
            name = _name_of_run(shelf, upload, form)
        except DureeError as error:
            return _choose(request, shelf, upload, form, Fault(error, "name"))
        try:
            recipe = _recipe(shelf, upload, form)
            stop_at_errors(found.finding for found in table_preview.check(recipe))
            table_preview.try_out(recipe)
        except DureeError as error:
            return _choose(request, shelf, upload, form, at_field(error, _form(form), form))
        run = Run.create(shelf.folder / name, recipe)
        workers.start(run)
        return to_run(run)


def home_page(
    request: Request, shelf: Shelf, workers: Workers, error: DureeError | None = None
) -> HTMLResponse:
    """The first page: tables and runs, and what could not be done with them."""
    return page(
        request,
        "home.html",
        409 if error else 200,
        lines=[run_list.line(run, workers.state(run)) for run in shelf.runs()],
        tables=shelf.tables(),
        fault=error.message(words_for(request).language) if error else "",
        readable=",".join(READERS),
    )


def to_run(run: Run) -> Response:
    """The way to the page of a run."""
    return RedirectResponse(f"/runs/{quote(run.folder.name)}", 303)


def _choose(
    request: Request,
    shelf: Shelf,
    upload: Upload,
    sent: Fields,
    fault: Fault | None = None,
    name: str = "table.html",
) -> HTMLResponse:
    """The page of a table: its first rows, and what may be chosen."""
    words, tables = words_for(request), shelf.tables()
    shown, unreadable = None, ""
    try:
        shown = table_preview.preview(upload, sent.get("encoding"), sent.get("delimiter"))
    except DureeError as found:
        unreadable = table_preview.plain(found.message(words.language), words, tables)
    chosen = sent if fault else table_preview.guessed(upload, shown, sent)
    form = _form(chosen)
    message = fault.error.message(words.language) if fault else ""
    return page(
        request,
        name,
        422 if fault else 200,
        table=upload,
        shown=shown,
        unreadable=unreadable,
        fault=table_preview.plain(message, words, tables, form),
        fault_at=fault.field if fault else "",
        kinds=KINDS,
        forms=FORMS,
        form=form,
        others=[other for other in tables if other.id != upload.id],
        chosen=chosen,
        free=_free_name(shelf, upload),
    )


def _sent(request: Request) -> Fields:
    """The filled fields of a form that was sent with the address."""
    return {name: value.strip() for name, value in request.query_params.items() if value.strip()}


def _form(chosen: Fields) -> forms.Form:
    return FORMS.get(chosen.get("rows", TEXTS), FORMS[TEXTS])


def _recipe(shelf: Shelf, upload: Upload, chosen: Fields) -> Recipe:
    """The recipe that a form asks for."""
    test = str(shelf.table(chosen["test"]).path) if "test" in chosen else None
    return recipe_of(_form(chosen), str(upload.path), test, chosen)


def _name_of_run(shelf: Shelf, upload: Upload, chosen: Fields) -> str:
    name = chosen.get("name") or _free_name(shelf, upload)
    if not NAME.fullmatch(name) or name == UPLOADS:
        raise DataError(
            "a run cannot be called {name!r}",
            fix="use up to 60 letters, digits, spaces, dots, hyphens and brackets",
            name=name,
        )
    if (shelf.folder / name).exists():
        raise DataError("there is a run {name!r} already", fix="choose another name", name=name)
    return name


def _free_name(shelf: Shelf, upload: Upload) -> str:
    """A run's name after that of its table: letters, digits and hyphens of it."""
    plain = "-".join(re.findall(r"\w+", upload.name.rpartition(".")[0]))[:40] or "run"
    return free_folder(plain, shelf.folder).name
