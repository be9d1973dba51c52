"""The report: one self-contained HTML page without scripts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from duree.errors import user_language
from duree.report.figures.choose import FOLDER, Drawn, draw_figures, write_drawn
from duree.report.load import load_run
from duree.report.numbers import (
    brief,
    count,
    difference,
    estimate,
    moment,
    number,
    p_value,
    seconds,
    share,
)
from duree.report.pages.section import Page
from duree.report.pages.sections import sections_of
from duree.report.run_data import RunData
from duree.report.safe_text import label, visible
from duree.report.shading import shading_style
from duree.report.vocabulary import Words
from duree.results.metric import Metric
from duree.results.run_files import PARTS
from duree.storage import write_file

PAGE = "report.html"


def write_report(folder: Path | str, language: str | None = None) -> Path:
    """Write ``report.html`` and the figures as SVG and PDF into a finished run's folder.

    Parameters
    ----------
    folder : Path
        A run folder.
    language : {"en", "zh"}, optional
        That of the user if not given.

    Returns
    -------
    Path
        The page. It is identical, byte by byte, for the same run and language.

    Raises
    ------
    RunError
        The run is not finished, or one of its files cannot be read.
    """
    folder = Path(folder)
    run = load_run(folder)
    words = run.words(language or user_language())
    figures = draw_figures(run, words)
    write_drawn(figures, run, folder / FOLDER, words)
    write_file(folder / PAGE, render(run, words, figures).encode())
    return folder / PAGE


def render_report(run: RunData, words: Words) -> str:
    """The page as HTML; draws the figures."""
    return render(run, words, draw_figures(run, words))


def render(run: RunData, words: Words, figures: list[Drawn]) -> str:
    """The page as HTML."""
    style = page_style()
    page = Page(
        run,
        words,
        {drawn.plan.name: Markup(drawn.inline(words)) for drawn in figures},
        [drawn.plan.name for drawn in figures if drawn.fonts is None],
        page_environment(words),
    )
    sections = sections_of(page)
    return page.render(
        "page.html",
        style=Markup(style),
        policy=page_policy(style),
        headline=run.target.headline(run, words),
        facts=list(_facts(run, words)),
        sections=sections,
        rendered=[section.render(page) for section in sections],
    )


def _facts(run: RunData, words: Words) -> Iterator[str]:
    """The facts below the headline."""
    metrics, weight = run.metrics, run.recipe.data.weight
    yield words("run {name}", name=label(run.name, 60))
    if metrics.test_openings:
        yield metrics.test_openings[-1].when[:10]
    yield metrics.cell.upper()
    for part in PARTS:
        yield f"{words.part(part)} {count(metrics.rows.get(part, 0))}"
    yield words("seed {seed}", seed=metrics.seed)
    if weight:
        yield words("weighted by “{weight}”", weight=label(weight, 40))
    if metrics.seconds.get("total"):
        yield words("{time} in all", time=seconds(metrics.seconds["total"], words))


def page_style() -> str:
    """The style sheet of every page."""
    style = files("duree.report").joinpath("templates/style.css").read_text(encoding="utf-8")
    return style + shading_style()


def page_policy(style: str) -> str:
    """A content security policy that allows only this style sheet, by its checksum."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


class _Compiled(BytecodeCache):
    """Compiled templates, kept in memory: a page is made in a moment after the first."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket of a template that was compiled before."""
        if found := self.known.get((bucket.key, bucket.checksum)):
            bucket.bytecode_from_string(found)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self.known[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


@cache
def _compiled(language: str) -> _Compiled:
    """One for each language, since constants are shown when templates are compiled."""
    return _Compiled()


def page_environment(words: Words, package: str = "duree.report") -> Environment:
    """The templates of a package, with automatic escaping and their common functions."""
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=partial(_show, words),
        bytecode_cache=_compiled(words.language),
    )
    environment.globals |= {
        "t": words,
        "count": count,
        "share": share,
        "seconds": partial(seconds, words=words),
        "moment": moment,
        "label": label,
        "p_value": p_value,
        "estimate": estimate,
        "difference": difference,
        "arrow": _arrow,
        "brief": brief,
        "decimal": number,
        "lines": _lines,
    }
    return environment


def _arrow(metric: Metric) -> str:
    """An arrow for the better direction; empty if a certain value is best."""
    return {"higher": "↑", "lower": "↓"}.get(str(metric.better), "")


def _show(words: Words, value: object) -> object:
    """Make invisible characters visible in a text; escaping follows."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return visible(words.set(str(value))) if is_text else value


def _lines(text: str) -> Markup:
    """Preformatted text, escaped line by line."""
    return Markup("\n").join(escape(visible(line)) for line in text.split("\n"))
