"""Predictions of another table: its upload, and the page with its findings and first rows."""

# FastAPI reads the annotations of functions that stand within another: they may not be strings.
from functools import partial
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from duree.serving.studio import downloads, predicted, table_preview
from duree.serving.studio.pages import page, words_for
from duree.serving.studio.tables import to_run
from duree.serving.studio.uploads import receive
from duree.serving.studio.workspace import Workspace


def add_predictions(app: FastAPI, workspace: Workspace) -> None:
    """Add the routes of predicted tables."""

    @app.post("/runs/{name}/predict")
    async def predict(request: Request, name: str) -> Response:
        run = workspace.run(name)
        upload = await receive(request, workspace)
        if "text/html" not in request.headers.get("accept", ""):  # a program, not a browser
            return await run_in_threadpool(downloads.predicted, run, upload)
        made = await run_in_threadpool(predicted.keep, workspace, run, upload)
        return RedirectResponse(f"/runs/{quote(name)}/predicted/{made.id}", 303)

    @app.get("/runs/{name}/predicted/{id}")
    def predictions(request: Request, name: str, id: str) -> HTMLResponse:
        run, words = workspace.run(name), words_for(request)
        return page(
            request,
            "predicted.html",
            run=run,
            table=predicted.find(workspace, run, id),
            most=predicted.MOST,
            message=partial(table_preview.in_page_terms, words=words, tables=[]),
        )

    @app.get("/runs/{name}/predicted/{id}/file")
    def file(name: str, id: str) -> FileResponse:
        table = predicted.find(workspace, workspace.run(name), id)
        return FileResponse(table.path, filename=table.note.name)

    @app.post("/runs/{name}/predicted/{id}/delete")
    def delete(name: str, id: str) -> Response:
        run = workspace.run(name)
        predicted.delete(predicted.find(workspace, run, id))
        return to_run(run)
