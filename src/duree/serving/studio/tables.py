"""Tables: the home page, where they are uploaded and deleted, and the page of each table, where a
run is configured and started."""

# FastAPI reads the annotations of functions that stand within another: they may not be strings.
import contextlib
import re
from functools import partial
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from duree.errors import DataError, DureeError, RunError
from duree.pipeline.dataset import stop_at_errors
from duree.pipeline.run import Run, free_folder
from duree.recipe.recipe import Recipe
from duree.serving.studio import class_names, coding, examples, forms, run_list, table_preview
from duree.serving.studio.filled_form import at_field, recipe_of
from duree.serving.studio.forms import FORMS, FormError
from duree.serving.studio.pages import Fields, Form, page, words_for
from duree.serving.studio.uploads import receive
from duree.serving.studio.worker import Workers
from duree.serving.studio.workspace import UPLOADS, Upload, Workspace
from duree.tables.files.read import READERS
from duree.tables.guess.columns import KINDS
from duree.tables.guess.rows import TEXTS
from duree.tasks import resolve

# Allowed names of runs: no character with a meaning in paths or HTML.
NAME = re.compile(r"\w[\w .()-]{0,59}(?<![ .])")
# Bytes of a table up to which the time of a training is measured before it begins.
TIMED = 20 * 2**20
# States of a run that still needs its table.
UNFINISHED = ("running", "stopped")


def add_tables(app: FastAPI, workspace: Workspace, workers: Workers) -> None:
    """Add the routes of tables."""

    @app.post("/tables")
    async def upload(request: Request) -> Response:
        upload = await receive(request, workspace)
        return RedirectResponse(f"/tables/{upload.id}", 303)

    @app.post("/examples/{name}")
    def example(name: str) -> Response:
        return RedirectResponse(f"/tables/{examples.add(workspace, name).id}", 303)

    @app.get("/tables/{id}")
    def table(request: Request, id: str) -> HTMLResponse:
        return _table_page(request, workspace, workspace.table(id), {})

    @app.post("/tables/{id}/delete")
    def delete(request: Request, id: str) -> Response:
        upload = workspace.table(id)
        needing = [run for run in workspace.runs_of(upload) if workers.state(run) in UNFINISHED]
        if needing:
            error = RunError(
                "{table!r} cannot be deleted: the unfinished run {run!r} uses it",
                fix="finish that run first, or delete its folder",
                table=upload.name,
                run=needing[0].folder.name,
            )
            return home_page(request, workspace, workers, error)
        workspace.delete(upload)
        return RedirectResponse("/", 303)

    @app.get("/tables/{id}/form")
    def form(request: Request, id: str) -> HTMLResponse:
        return _table_page(
            request, workspace, workspace.table(id), _sent(request), name="fields.html"
        )

    @app.get("/tables/{id}/class-names")
    def names(request: Request, id: str) -> HTMLResponse:
        upload, chosen = workspace.table(id), _sent(request)
        shown = table_preview.preview(upload, chosen.get("encoding"), chosen.get("delimiter"))
        named = _named(_form(chosen), shown, chosen)
        return page(request, "class_names.html", chosen=chosen, **named)

    @app.get("/tables/{id}/checks")
    def checks(request: Request, id: str) -> HTMLResponse:
        upload, chosen = workspace.table(id), _sent(request)
        words, form = words_for(request), _form(chosen)
        message = partial(
            table_preview.in_page_terms, words=words, tables=workspace.tables(), form=form
        )
        try:
            found = table_preview.check(_recipe(workspace, upload, chosen))
        except DureeError as error:
            return page(request, "message.html", message=message(error.message(words.language)))
        return page(request, "checks.html", found=found, message=message)

    @app.get("/tables/{id}/time")
    def time(request: Request, id: str) -> HTMLResponse:
        chosen = _sent(request)
        expected = None
        if not _form(chosen).missing(chosen):
            # What is wrong with the choices, the checks say.
            with contextlib.suppress(DureeError):
                expected = table_preview.expected_time(
                    _recipe(workspace, workspace.table(id), chosen)
                )
        return page(request, "time.html", expected=expected)

    @app.post("/tables/{id}/runs")
    def train(request: Request, id: str, form: Form) -> Response:
        upload = workspace.table(id)
        if missing := _form(form).missing(form):
            return _table_page(request, workspace, upload, form, missing)
        try:
            name = _name_of_run(workspace, upload, form)
        except DureeError as error:
            return _table_page(request, workspace, upload, form, FormError(error, "name"))
        try:
            recipe = _recipe(workspace, upload, form)
            stop_at_errors(found.finding for found in table_preview.check(recipe))
            table_preview.read_as_run(recipe)
        except DureeError as error:
            return _table_page(request, workspace, upload, form, at_field(error, _form(form), form))
        run = Run.create(workspace.folder / name, recipe)
        workers.start(run)
        return to_run(run)


def home_page(
    request: Request, workspace: Workspace, workers: Workers, error: DureeError | None = None
) -> HTMLResponse:
    """The home page: tables and runs, and an error if there was one."""
    return page(
        request,
        "home.html",
        409 if error else 200,
        summaries=[run_list.summarize(run, workers.state(run)) for run in workspace.runs()],
        tables=workspace.tables(),
        codings=coding.summaries(workspace, words_for(request).language),
        examples=examples.EXAMPLES,
        fault=error.message(words_for(request).language) if error else "",
        readable=",".join(READERS),
    )


def to_run(run: Run) -> Response:
    """A redirect to the page of a run."""
    return RedirectResponse(f"/runs/{quote(run.folder.name)}", 303)


def _table_page(
    request: Request,
    workspace: Workspace,
    upload: Upload,
    sent: Fields,
    fault: FormError | None = None,
    name: str = "table.html",
) -> HTMLResponse:
    """The page of a table: its first rows, and the form."""
    words, tables = words_for(request), workspace.tables()
    shown, unreadable = None, ""
    try:
        shown = table_preview.preview(upload, sent.get("encoding"), sent.get("delimiter"))
    except DureeError as found:
        unreadable = table_preview.in_page_terms(found.message(words.language), words, tables)
    guessed = table_preview.guess_fields(upload, shown, sent)
    chosen = sent if fault else table_preview.with_guesses(guessed, sent)
    form = _form(chosen).offering(guessed)
    message = fault.error.message(words.language) if fault else ""
    return page(
        request,
        name,
        422 if fault else 200,
        table=upload,
        shown=shown,
        unreadable=unreadable,
        fault=table_preview.in_page_terms(message, words, tables, form),
        fault_at=fault.field if fault else "",
        kinds=KINDS,
        forms=FORMS,
        form=form,
        others=[other for other in tables if other.id != upload.id],
        chosen=chosen,
        guessed=guessed,
        is_timed=upload.bytes <= TIMED,
        free=_free_name(workspace, upload),
        **_named(form, shown, chosen),
    )


def _named(form: forms.Form, shown: table_preview.Preview | None, chosen: Fields) -> dict[str, Any]:
    """The fields for names of classes by their values, and whether the values are codes."""
    target = chosen.get("target", "")
    offered = shown is not None and form.names_classes(chosen) and "label_separator" not in chosen
    values = class_names.values_of(shown.columns, target) if shown and offered else []
    named = {value: class_names.field_of(target, value) for value in values}
    return {"named": named, "is_coded": class_names.are_codes(values)}


def _sent(request: Request) -> Fields:
    """The filled fields of a form in the query string."""
    return {name: value.strip() for name, value in request.query_params.items() if value.strip()}


def _form(chosen: Fields) -> forms.Form:
    return FORMS.get(chosen.get("rows", TEXTS), FORMS[TEXTS])


def _recipe(workspace: Workspace, upload: Upload, chosen: Fields) -> Recipe:
    """The recipe of a filled form."""
    test = str(workspace.table(chosen["test"]).path) if "test" in chosen else None
    return resolve(recipe_of(_form(chosen), str(upload.path), test, chosen))


def _name_of_run(workspace: Workspace, upload: Upload, chosen: Fields) -> str:
    name = chosen.get("name") or _free_name(workspace, upload)
    if not NAME.fullmatch(name) or name == UPLOADS:
        raise DataError(
            "a run cannot be called {name!r}",
            fix="use up to 60 letters, digits, spaces, dots, hyphens and brackets",
            name=name,
        )
    if (workspace.folder / name).exists():
        raise DataError("there is a run {name!r} already", fix="choose another name", name=name)
    return name


def _free_name(workspace: Workspace, upload: Upload) -> str:
    """A run's name after that of its table: letters, digits and hyphens of it."""
    plain = "-".join(re.findall(r"\w+", upload.name.rpartition(".")[0]))[:40] or "run"
    return free_folder(plain, workspace.folder).name
