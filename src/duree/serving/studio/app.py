"""The studio's pages: what each address shows, and what each button does.

/                     tables and runs                    /tables/ID     choose, check, train
/runs/NAME            progress, or what came of it       .../report     the report
.../rows, .../rows/N  test rows, and one explained       .../try        a row of one's own
.../files/FILE        downloads                          /compare       runs side by side
"""

# FastAPI reads the annotations of functions that stand within another: they may not be strings.
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from duree.errors import DataError, DureeError
from duree.progress import ask_for_enough, standing
from duree.question import stop_at_errors
from duree.recipe import Recipe
from duree.report.page import page_style
from duree.run import Run, free_folder
from duree.serving.studio import answers, downloads, forms, listing, live, look, trying
from duree.serving.studio.forms import (
    FORMS,
    Fault,
    at_field,
    form_of,
    recipe_of,
)
from duree.serving.studio.pages import LANGUAGE, STATIC, framed, page, piece, told, words_for
from duree.serving.studio.shelf import UPLOADS, Shelf, Upload
from duree.serving.studio.uploads import receive
from duree.serving.studio.worker import Workers
from duree.tables.guess import KINDS
from duree.tables.guess_rows import TEXTS
from duree.tables.read import READERS

# What a run's name may be made of: no sign that a path or a page could take for more.
NAME = re.compile(r"\w[\w .()-]{0,59}(?<![ .])")
MOST_COMPARED = 8  # runs beside one another
Fields = dict[str, str]


async def fields(request: Request) -> Fields:
    """The filled fields of a form."""
    form = await request.form(max_files=0, max_fields=50)
    return {name: value.strip() for name, value in form.items() if isinstance(value, str) and value}


Form = Annotated[Fields, Depends(fields)]


def create_studio(folder: Path) -> FastAPI:
    """The application that shows a folder of runs.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    """
    app = FastAPI(openapi_url=None)
    shelf, workers = Shelf(folder), Workers()
    app.mount("/static", StaticFiles(directory=str(STATIC)), name="static")
    app.add_exception_handler(DureeError, told)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _no_such_page)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _no_such_page)  # type: ignore[arg-type]
    _home(app, shelf, workers)
    _tables(app, shelf, workers)
    _progress(app, shelf, workers)
    _results(app, shelf)
    return app


def _home(app: FastAPI, shelf: Shelf, workers: Workers) -> None:
    @app.get("/")
    def home(request: Request) -> HTMLResponse:
        lines = [listing.line(run, workers.state(run)) for run in shelf.runs()]
        return page(
            request, "home.html", lines=lines, tables=shelf.tables(), readable=",".join(READERS)
        )

    @app.get("/report.css")
    def style() -> Response:
        return Response(page_style(), media_type="text/css")

    @app.post("/language")
    def language(form: Form) -> Response:
        back = form.get("back", "/")
        local = back.startswith("/") and not back.startswith(("//", "/\\"))
        answer = RedirectResponse(back if local else "/", 303)
        answer.set_cookie(LANGUAGE, form.get("language", "en"), max_age=10**8, samesite="strict")
        return answer

    @app.get("/compare")
    def compare(request: Request, run: Annotated[list[str] | None, Query()] = None) -> HTMLResponse:
        runs = [shelf.run(name) for name in (run or [])[:MOST_COMPARED]]
        if len(runs) < 2:
            raise DataError("there is nothing to compare", fix="choose at least two runs")
        lines = [listing.line(one, "finished") for one in runs]
        return page(
            request,
            "compare.html",
            lines=lines,
            pairs=listing.pairs(runs, lines),
            choices=listing.differing(runs, words_for(request)),
        )


def _tables(app: FastAPI, shelf: Shelf, workers: Workers) -> None:
    @app.post("/tables")
    async def upload(request: Request) -> Response:
        kept = await receive(request, shelf)
        return RedirectResponse(f"/tables/{kept.id}", 303)

    @app.get("/tables/{id}")
    def table(request: Request, id: str) -> HTMLResponse:
        return _choose(request, shelf, shelf.table(id), {})

    @app.get("/tables/{id}/form")
    def form(request: Request, id: str) -> HTMLResponse:
        return _choose(request, shelf, shelf.table(id), _sent(request), name="fields.html")

    @app.get("/tables/{id}/checks")
    def checks(request: Request, id: str) -> HTMLResponse:
        kept, chosen = shelf.table(id), _sent(request)
        words, form = words_for(request), _form(chosen)
        tell = partial(look.plain, words=words, tables=shelf.tables(), form=form)
        try:
            found = look.check(_recipe(shelf, kept, chosen))
        except DureeError as error:
            return page(request, "message.html", message=tell(error.message(words.language)))
        return page(request, "checks.html", found=found, tell=tell)

    @app.post("/tables/{id}/runs")
    def train(request: Request, id: str, form: Form) -> Response:
        kept = shelf.table(id)
        if missing := _form(form).missing(form):
            return _choose(request, shelf, kept, form, missing)
        try:
            name = _name_of_run(shelf, kept, form)
        except DureeError as error:
            return _choose(request, shelf, kept, form, Fault(error, "name"))
        try:
            recipe = _recipe(shelf, kept, form)
            stop_at_errors(found.finding for found in look.check(recipe))
            look.try_out(recipe)
        except DureeError as error:
            return _choose(request, shelf, kept, form, at_field(error, _form(form), form))
        run = Run.create(shelf.folder / name, recipe)
        workers.start(run)
        return _to(run)


def _progress(app: FastAPI, shelf: Shelf, workers: Workers) -> None:
    @app.get("/runs/{name}")
    def run(request: Request, name: str) -> HTMLResponse:
        run = shelf.run(name)
        state = workers.state(run)
        if state == "finished":
            data = answers.finished(run)
            files = downloads.listed(run)
            table = shelf.table_of(run)
            return page(
                request,
                "run.html",
                run=run,
                asked=listing.asked(run.recipe),
                data=data,
                tried=trying.asks_for(run.recipe),
                most=trying.TEXT,
                files=files,
                table=table,
            )
        words = words_for(request)
        error = (standing(run).error or {}).get(words.language, "")
        return page(
            request,
            "working.html",
            run=run,
            asked=listing.asked(run.recipe),
            state=state,
            view=live.view(run),
            error=look.plain(error, words, shelf.tables(), form_of(run.recipe)),
            table=shelf.table_of(run),
        )

    @app.get("/runs/{name}/progress")
    def progress(request: Request, name: str) -> StreamingResponse:
        run = shelf.run(name)
        shown: Callable[[live.View], str] = lambda view: piece(  # noqa: E731
            request, "progress.html", run=run, view=view
        )
        events = live.events(run, workers.state, shown)
        return StreamingResponse(events, media_type="text/event-stream")

    @app.post("/runs/{name}/stop")
    def stop(name: str) -> Response:
        run = shelf.run(name)
        workers.stop(run)
        return _to(run)

    @app.post("/runs/{name}/enough")
    def enough(name: str) -> Response:
        run = shelf.run(name)
        ask_for_enough(run)
        return _to(run)

    @app.post("/runs/{name}/resume")
    def resume(name: str) -> Response:
        run = shelf.run(name)
        workers.start(run)
        return _to(run)


def _results(app: FastAPI, shelf: Shelf) -> None:
    @app.get("/runs/{name}/report")
    def report(request: Request, name: str) -> HTMLResponse:
        run = shelf.run(name)
        return page(request, "frame.html", run=run, source=f"/runs/{quote(name)}/report.html")

    @app.get("/runs/{name}/report.html")
    def report_itself(request: Request, name: str) -> HTMLResponse:
        return framed(answers.report_page(shelf.run(name), words_for(request)))

    @app.get("/runs/{name}/rows")
    def rows(
        request: Request,
        name: str,
        contains: str = "",
        wrong: bool = False,
        number: Annotated[int, Query(ge=1)] = 1,
    ) -> HTMLResponse:
        run = shelf.run(name)
        data = answers.finished(run)
        listed, count = answers.list_rows(data, contains, wrong, number)
        pages = max(1, -(-count // answers.ROWS))
        return page(
            request,
            "rows.html",
            run=run,
            data=data,
            rows=listed,
            found=count,
            number=number,
            pages=pages,
            contains=contains,
            wrong=wrong,
        )

    @app.get("/runs/{name}/rows/{place}.html")
    def row_itself(request: Request, name: str, place: int) -> HTMLResponse:
        return framed(answers.row_page(shelf.run(name), place, words_for(request)))

    @app.get("/runs/{name}/rows/{place}")
    def row(request: Request, name: str, place: int) -> HTMLResponse:
        run = shelf.run(name)
        most = answers.finished(run).predictions.height
        source = f"/runs/{quote(name)}/rows/{place}.html"
        return page(request, "frame.html", run=run, source=source, place=place, most=most)

    @app.post("/runs/{name}/try")
    def say(request: Request, name: str, form: Form) -> HTMLResponse:
        said = trying.say(shelf.run(name), form)
        return page(request, said.page, said=said)

    @app.post("/runs/{name}/predict")
    async def predict(request: Request, name: str) -> Response:
        run = shelf.run(name)
        kept = await receive(request, shelf)
        return await run_in_threadpool(downloads.predicted, run, kept)

    @app.get("/runs/{name}/files/{file}")
    def file(name: str, file: str) -> Response:
        return downloads.send(shelf.run(name), file)

    @app.get("/runs/{name}/figures/{file}")
    def figure(name: str, file: str) -> Response:
        return downloads.figure(shelf.run(name), file)


def _choose(
    request: Request,
    shelf: Shelf,
    kept: Upload,
    sent: Fields,
    fault: Fault | None = None,
    name: str = "table.html",
) -> HTMLResponse:
    """The page of a table: its first rows, and what may be chosen."""
    words, tables = words_for(request), shelf.tables()
    shown, unreadable = None, ""
    try:
        shown = look.preview(kept, sent.get("encoding"), sent.get("delimiter"))
    except DureeError as found:
        unreadable = look.plain(found.message(words.language), words, tables)
    chosen = sent if fault else look.guessed(kept, shown, sent)
    form = _form(chosen)
    message = fault.error.message(words.language) if fault else ""
    return page(
        request,
        name,
        422 if fault else 200,
        table=kept,
        shown=shown,
        unreadable=unreadable,
        fault=look.plain(message, words, tables, form),
        fault_at=fault.field if fault else "",
        kinds=KINDS,
        forms=FORMS,
        form=form,
        others=[other for other in tables if other.id != kept.id],
        chosen=chosen,
        free=_free_name(shelf, kept),
    )


def _sent(request: Request) -> Fields:
    """The filled fields of a form that was sent with the address."""
    return {name: value.strip() for name, value in request.query_params.items() if value.strip()}


def _form(chosen: Fields) -> forms.Form:
    return FORMS.get(chosen.get("rows", TEXTS), FORMS[TEXTS])


def _recipe(shelf: Shelf, kept: Upload, chosen: Fields) -> Recipe:
    """The recipe that a form asks for."""
    test = str(shelf.table(chosen["test"]).path) if "test" in chosen else None
    return recipe_of(_form(chosen), str(kept.path), test, chosen)


def _name_of_run(shelf: Shelf, kept: Upload, chosen: Fields) -> str:
    name = chosen.get("name") or _free_name(shelf, kept)
    if not NAME.fullmatch(name) or name == UPLOADS:
        raise DataError(
            "a run cannot be called {name!r}",
            fix="use up to 60 letters, digits, spaces, dots, hyphens and brackets",
            name=name,
        )
    if (shelf.folder / name).exists():
        raise DataError("there is a run {name!r} already", fix="choose another name", name=name)
    return name


def _free_name(shelf: Shelf, kept: Upload) -> str:
    """A run's name after that of its table: letters, digits and hyphens of it."""
    plain = "-".join(re.findall(r"\w+", kept.name.rpartition(".")[0]))[:40] or "run"
    return free_folder(plain, shelf.folder).name


def _to(run: Run) -> Response:
    return RedirectResponse(f"/runs/{quote(run.folder.name)}", 303)


def _no_such_page(request: Request, error: HTTPException | RequestValidationError) -> HTMLResponse:
    status = error.status_code if isinstance(error, HTTPException) else 422
    return page(request, "error.html", status, message=words_for(request)("there is no such page"))
