"""Pages: templates in the reader's language, and pages for errors."""

# FastAPI reads the annotations of ``fields``: they may not be strings.
from functools import lru_cache, partial
from importlib.resources import files
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment

from duree.errors import DureeError, RunError, user_language
from duree.pipeline.listener import STEPS
from duree.report.numbers import about, number
from duree.report.pages.report import page_environment
from duree.report.pages.sections import readable_verdict, tiles
from duree.report.safe_text import label, quote
from duree.report.shading import shade
from duree.report.vocabulary import Words
from duree.serving.studio import table_preview
from duree.serving.studio.workspace import NotFoundError

LANGUAGE = "duree-language"
STATIC = files("duree.serving.studio") / "static"
# For report pages in a frame: they bring their own style and run no script.
FRAMED = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)

STATUS = {NotFoundError: 404, RunError: 409}
# Descriptions of the downloads, those for readers first.
DOWNLOADS = {
    "report.html": "the report as one file",
    "figures.zip": "all figures of the report, as PDF and SVG",
    "predictions.xlsx": "test rows with predictions, for Excel",
    "predictions.csv": "test rows with predictions, for spreadsheets",
    "predictions.parquet": "test rows with predictions, for programs",
    "metrics.json": "all metrics, for programs",
    "recipe.toml": "all settings; duree fit --recipe repeats the run",
    "model.zip": "the trained network",
    "onnx.zip": "the network for other programs, with its vocabulary and model card",
}

# Why training ended.
ENDINGS = {
    "epochs": "all {n} epochs done",
    "patience": "early stopping after {n} epochs",
    "time": "time limit reached after {n} epochs",
    "request": "training ended by hand after {n} epochs",
}


Fields = dict[str, str]


async def fields(request: Request) -> Fields:
    """The filled fields of a form."""
    form = await request.form(max_files=0, max_fields=100)
    return {name: value.strip() for name, value in form.items() if isinstance(value, str) and value}


Form = Annotated[Fields, Depends(fields)]


def words_for(request: Request) -> Words:
    """The language chosen on a page, or that of the browser, or that of the machine."""
    chosen = request.cookies.get(LANGUAGE)
    if chosen in ("en", "zh"):
        return Words(chosen)
    accepted = request.headers.get("accept-language", "").lower()
    if not accepted:
        return Words(user_language())
    return Words("zh" if accepted.startswith("zh") else "en")


def page(request: Request, name: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A template as a response."""
    return HTMLResponse(piece(request, name, **context), status)


def piece(request: Request, name: str, **context: Any) -> str:
    """A template as HTML."""
    words = words_for(request)
    template = _environment(words.language).get_template(name)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return template.render(language=words.language, here=here, **context)


def framed(html: str) -> HTMLResponse:
    """A page of the report, for a frame."""
    return HTMLResponse(html, headers={"Content-Security-Policy": FRAMED})


def error_page(request: Request, error: DureeError) -> HTMLResponse:
    """A page for an error of the user's; only its message for requests of htmx."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 422)
    message = table_preview.without_paths(error.message(words_for(request).language))
    name = "message.html" if request.headers.get("hx-request") else "error.html"
    return page(request, name, status, message=message)


@lru_cache(maxsize=2)
def _environment(language: str) -> Environment:
    words = Words(language)
    environment = page_environment(words, "duree.serving.studio")
    environment.globals |= {
        "about": partial(about, words=words),
        "downloads": DOWNLOADS,
        "endings": ENDINGS,
        "figure": lambda value, places: "–" if value is None else number(value, places),
        "task_label": lambda task: words(
            task.template, target=label(task.target, 40), text=label(task.text, 40)
        ),
        "quote": quote,
        "shade": shade,
        "size": _size,
        "steps": STEPS,
        "tiles": lambda run: tiles(run, run.words(language)),
        "verdict": lambda run: readable_verdict(run, run.words(language)),
    }
    return environment


def _size(count: int) -> str:
    """``1.2 MB``"""
    kilobytes = max(count / 1000, 0.1)
    return f"{kilobytes:.3g} kB" if kilobytes < 1000 else f"{kilobytes / 1000:.4g} MB"
