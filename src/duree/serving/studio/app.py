"""The studio's routes: what each address shows, and what each button does.

/                     tables and runs                    /tables/ID     settings, checks, training
/runs/NAME            progress, or the results           .../report     the report
.../rows, .../rows/N  test rows, and one explained       .../try        prediction of typed input
.../predicted/ID      another table, predicted           .../files/FILE downloads
/compare              comparison of runs           /coding/NAME   a sample for expert coding
.../codebook          saves its codebook
.../code              one text after another       .../undo       withdraws the last label
/sample/ID            a sample drawn from a table
"""

# FastAPI reads the annotations of functions that stand within another: they may not be strings.
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from duree.errors import DataError, DureeError
from duree.pipeline.progress import request_stop, standing
from duree.report.pages.report import page_style
from duree.report.vocabulary import Words
from duree.serving.studio import (
    downloads,
    predicted,
    progress_events,
    run_list,
    table_preview,
    test_rows,
    try_model,
)
from duree.serving.studio.coding import add_coding
from duree.serving.studio.forms import form_of
from duree.serving.studio.new_predictions import add_predictions
from duree.serving.studio.pages import (
    LANGUAGE,
    STATIC,
    Form,
    error_page,
    framed,
    page,
    piece,
    words_for,
)
from duree.serving.studio.sampling import add_sampling
from duree.serving.studio.tables import add_tables, home_page, to_run
from duree.serving.studio.worker import Workers
from duree.serving.studio.workspace import Workspace
from duree.tasks import layout_for

MAX_COMPARED = 8  # runs
MAX_PAGE = 10**9


def create_studio(folder: Path) -> FastAPI:
    """The application that shows a folder of runs.

    Parameters
    ----------
    folder : Path
        Created if missing.
    """
    app = FastAPI(openapi_url=None)
    workspace, workers = Workspace(folder), Workers()
    app.mount("/static", StaticFiles(directory=str(STATIC)), name="static")
    app.add_exception_handler(DureeError, error_page)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _not_found)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _not_found)  # type: ignore[arg-type]
    _home(app, workspace, workers)
    add_tables(app, workspace, workers)
    _progress(app, workspace, workers)
    _results(app, workspace)
    add_predictions(app, workspace)
    add_coding(app, workspace)
    add_sampling(app, workspace)
    return app


def _home(app: FastAPI, workspace: Workspace, workers: Workers) -> None:
    @app.get("/")
    def home(request: Request) -> HTMLResponse:
        return home_page(request, workspace, workers)

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
        runs = [workspace.run(name) for name in (run or [])[:MAX_COMPARED]]
        if len(runs) < 2:
            raise DataError("there is nothing to compare", fix="choose at least two runs")
        summaries = [run_list.summarize(one, "finished") for one in runs]
        return page(
            request,
            "compare.html",
            summaries=summaries,
            pairs=run_list.compare_pairs(runs, summaries),
            settings=run_list.differing_settings(runs, words_for(request)),
        )


def _progress(app: FastAPI, workspace: Workspace, workers: Workers) -> None:
    @app.get("/runs/{name}")
    def run(request: Request, name: str) -> HTMLResponse:
        run = workspace.run(name)
        state = workers.state(run)
        if state == "finished":
            data = test_rows.finished(run)
            layout = layout_for(run.recipe)
            return page(
                request,
                "run.html",
                run=run,
                task=run_list.task_label(run.recipe),
                data=data,
                has_rows=test_rows.lists_rows(data),
                typed=layout.typed_input(run.recipe),
                max_length=try_model.MAX_LENGTH,
                files=downloads.listed(run),
                new_table=layout.new_table,
                needed_columns=layout(run.recipe.data).asked_columns,
                table=workspace.table_of(run),
                waiting=predicted.waiting(workspace, run),
            )
        words = words_for(request)
        error = (standing(run).error or {}).get(words.language, "")
        return page(
            request,
            "run_in_progress.html",
            run=run,
            task=run_list.task_label(run.recipe),
            state=state,
            view=progress_events.view(run),
            error=table_preview.in_page_terms(
                error, words, workspace.tables(), form_of(run.recipe)
            ),
            table=workspace.table_of(run),
        )

    @app.get("/runs/{name}/progress")
    def progress(request: Request, name: str) -> StreamingResponse:
        run = workspace.run(name)
        shown: Callable[[progress_events.View], str] = lambda view: piece(  # noqa: E731
            request, "progress.html", run=run, view=view
        )
        events = progress_events.events(run, workers.state, shown)
        return StreamingResponse(events, media_type="text/event-stream")

    @app.post("/runs/{name}/stop")
    def stop(name: str) -> Response:
        run = workspace.run(name)
        workers.stop(run)
        return to_run(run)

    @app.post("/runs/{name}/enough")
    def end_training(name: str) -> Response:
        run = workspace.run(name)
        if workers.state(run) != "finished":
            request_stop(run)
        return to_run(run)

    @app.post("/runs/{name}/resume")
    def resume(name: str) -> Response:
        run = workspace.run(name)
        workers.start(run)
        return to_run(run)


def _results(app: FastAPI, workspace: Workspace) -> None:
    @app.get("/runs/{name}/report")
    def report(request: Request, name: str) -> HTMLResponse:
        run = workspace.run(name)
        return page(request, "frame.html", run=run, source=f"/runs/{quote(name)}/report.html")

    @app.get("/runs/{name}/report.html")
    def report_itself(request: Request, name: str) -> HTMLResponse:
        return framed(test_rows.report_page(workspace.run(name), words_for(request)))

    @app.get("/runs/{name}/rows")
    def rows(
        request: Request,
        name: str,
        contains: str = "",
        wrong: bool = False,
        number: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
    ) -> HTMLResponse:
        run = workspace.run(name)
        data = test_rows.finished(run)
        listed, count = test_rows.list_rows(data, contains, wrong, number, words_for(request))
        pages = max(1, -(-count // test_rows.ROWS))
        return page(
            request,
            "rows.html",
            run=run,
            data=data,
            is_explained=test_rows.is_explained(run),
            rows=listed,
            found=count,
            number=number,
            pages=pages,
            contains=contains,
            wrong=wrong,
        )

    @app.get("/runs/{name}/rows/{place}.html")
    def row_itself(request: Request, name: str, place: int) -> HTMLResponse:
        return framed(test_rows.row_page(workspace.run(name), place, words_for(request)))

    @app.get("/runs/{name}/rows/{place}")
    def row(request: Request, name: str, place: int) -> HTMLResponse:
        run = workspace.run(name)
        data, words = test_rows.finished(run), words_for(request)
        most = data.predictions.height
        near = range(max(place - 1, 1), min(place + 1, most) + 1)
        titles = {number: data.source_title(number - 1, words) for number in near}
        source = f"/runs/{quote(name)}/rows/{place}.html"
        return page(request, "frame.html", run=run, source=source, place=place, titles=titles)

    @app.post("/runs/{name}/try")
    def try_input(request: Request, name: str, form: Form) -> HTMLResponse:
        run = workspace.run(name)
        words = Words(words_for(request).language, layout_for(run.recipe).nouns)
        result = try_model.predict_input(run, form)
        return page(request, result.page, result=result, words=words)

    @app.get("/runs/{name}/files/{file}")
    def file(request: Request, name: str, file: str) -> Response:
        return downloads.send(workspace.run(name), file, words_for(request))

    @app.get("/runs/{name}/figures/{file}")
    def figure(request: Request, name: str, file: str) -> Response:
        return downloads.figure(workspace.run(name), file, words_for(request))


def _not_found(request: Request, error: HTTPException | RequestValidationError) -> HTMLResponse:
    status = error.status_code if isinstance(error, HTTPException) else 422
    return page(
        request, "error.html", status, message=words_for(request)("this page does not exist")
    )
