"""The report's page: one self-contained file that opens offline, prints, and runs nothing."""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from duree.errors import user_language
from duree.report.differences import agreements, differences
from duree.report.figures.choose import FOLDER, Drawn, draw_figures, write_drawn
from duree.report.figures.forecasts import drawn_models
from duree.report.methods.forecasts import seen_sentences, stationarity_sentence
from duree.report.methods.references import software_bibtex
from duree.report.methods.write import write_methods
from duree.report.notes import retold
from duree.report.numbers import (
    MINUS,
    count,
    difference,
    estimate,
    moment,
    number,
    p_value,
    seconds,
    share,
)
from duree.report.pages import table_rows as rows
from duree.report.pages.examples import shaded_examples
from duree.report.pages.mistakes import count_mistakes, surest_mistakes
from duree.report.pages.settings import list_choices
from duree.report.run_data import RunData, load_run
from duree.report.safe_text import label, visible
from duree.report.shading import shading_style
from duree.report.vocabulary import Words
from duree.results.metric import TARGETS, gain
from duree.results.run_files import Metrics
from duree.storage import write_file

PAGE = "report.html"


def write_report(folder: Path | str, language: str | None = None) -> Path:
    """Write ``report.html`` and the figures as SVG and PDF into a finished run's folder.

    Parameters
    ----------
    folder : Path
        A run folder; nothing else is read.
    language : {"en", "zh"}, optional
        The user's, if not given.

    Returns
    -------
    Path
        The page. The same run, in the same language, gives the same bytes.

    Raises
    ------
    RunError
        The run is not finished, or a file of it cannot be read.
    """
    folder = Path(folder)
    run = load_run(folder)
    words = run.words(language or user_language())
    figures = draw_figures(run, words)
    write_drawn(figures, run, folder / FOLDER, words)
    write_file(folder / PAGE, render(run, words, figures).encode())
    return folder / PAGE


def render_report(run: RunData, words: Words) -> str:
    """The page as HTML, with its figures drawn."""
    return render(run, words, draw_figures(run, words))


def render(run: RunData, words: Words, figures: list[Drawn]) -> str:
    """The page as HTML."""
    style = page_style()
    template = page_environment(words).get_template("page.html")
    context = _context(run, words, figures)
    return template.render(style=Markup(style), policy=page_policy(style), **context)


def page_style() -> str:
    """The style sheet of every page."""
    style = files("duree.report").joinpath("templates/style.css").read_text(encoding="utf-8")
    return style + shading_style()


def page_policy(style: str) -> str:
    """Nothing may be loaded or run; the one style sheet is known by its checksum."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def page_environment(words: Words, package: str = "duree.report") -> Environment:
    """A package's templates, which escape whatever they print, and what all of them may call."""
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_show,
    )
    environment.globals |= {
        "t": words,
        "count": count,
        "share": share,
        "seconds": seconds,
        "moment": moment,
        "label": label,
        "p_value": p_value,
        "estimate": estimate,
        "difference": difference,
        "arrow": _arrow,
        "decimal": number,
        "lines": _lines,
    }
    return environment


def _arrow(metric: str) -> str:
    """Which way is better; nothing where it is a certain value."""
    return "" if metric in TARGETS else "↑" if gain(metric) > 0 else "↓"


def undrawn_models(run: RunData, words: Words) -> list[str]:
    """The models that the picture of errors by step leaves out."""
    if run.forecasts is None:
        return []
    drawn = drawn_models(run, run.forecasts)
    return [words.model(n, run.metrics.cell) for n in run.forecasts.steps if n not in drawn]


def _show(value: object) -> object:
    """Nothing hidden gets onto the page, whatever it came from; escaping comes after."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _lines(text: str) -> Markup:
    """Preformatted text, line by line."""
    return Markup("\n").join(escape(visible(line)) for line in text.split("\n"))


def readable_verdict(run: RunData, words: Words) -> str:
    """The verdict with the models' names and true minus signs in place of what programs read."""
    metrics = run.metrics
    verdict = (metrics.verdict_zh if words.language == "zh" else "") or metrics.verdict
    text = words.named(verdict, metrics.models, metrics.cell)
    return re.sub(r"(?<!\w)-(?=\d)", MINUS, text)


def _note(note: str, metrics: Metrics, words: Words) -> str:
    """What a reader must know of a model, which it begins with."""
    name, colon, text = note.partition(": ")
    if name not in metrics.models:
        return retold(note, words)
    return words.model(name, metrics.cell) + colon + retold(text, words)


def plain_tag(run: RunData) -> str:
    """The commonest tag of tagged words, which needs no mark."""
    table = run.tags.table if run.tags else {}
    return max(table, key=lambda tag: sum(table[tag].values()), default="")


def _context(run: RunData, words: Words, figures: list[Drawn]) -> dict[str, Any]:
    """Everything the templates name."""
    metrics = run.metrics
    chinese = words.language == "zh"
    other = "en" if chinese else "zh"
    methods = {language: write_methods(run, language) for language in (words.language, other)}
    cited = {work.key: work for found in methods.values() for work in found.cited}
    own = software_bibtex(run.data.versions.get("duree", ""))
    return {
        "run": run,
        "metrics": metrics,
        "language": words.language,
        "gap": "" if chinese else " ",
        "other": other,
        "verdict": readable_verdict(run, words),
        "verdict_other": readable_verdict(run, run.words(other)) if metrics.verdict_zh else "",
        "method": words.swapped((run.split.method_zh if chinese else "") or run.split.method),
        "primary": metrics.primary_metric,
        "figures": {drawn.plan.name: Markup(drawn.inline(words)) for drawn in figures},
        "notes": [_note(note, metrics, words) for note in metrics.notes],
        "without_pdf": [drawn.plan.name for drawn in figures if drawn.fonts is None],
        "models": rows.model_rows(run, words),
        "differences": differences(run, metrics.primary_metric),
        "difference_rows": rows.difference_rows(run, words),
        "agreements": agreements(run),
        "without_shared": rows.without_shared(run),
        "seeds": rows.seed_rows(run),
        "per_class": rows.class_rows(run),
        "channels": rows.channel_rows(run),
        "checks": rows.check_rows(run, words),
        "mistakes": [] if run.tags else surest_mistakes(run),
        "mistake_count": count_mistakes(run) if run.classes else None,
        "sees": seen_sentences(run, run.forecasts, words) if run.forecasts else [],
        "undrawn": undrawn_models(run, words),
        "stationarity": stationarity_sentence(run.forecasts, words) if run.forecasts else "",
        "plain_tag": plain_tag(run),
        "learned": run.explanations,
        "examples": list(shaded_examples(run)),
        "choices": list_choices(run.recipe, words),
        "methods": methods,
        "cited": list(cited.values()),
        "bibtex": "\n\n".join([own, *(work.bibtex for work in cited.values())]),
        "quoted_name": shlex.quote(run.name),
    }
