"""Section: a section of the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from jinja2 import Environment
from markupsafe import Markup

from duree.report.run_data import RunData
from duree.report.vocabulary import Words

# Marks the network in tables of models.
OURS = Markup(' class="ours"')


@dataclass
class Numbering:
    """The numbers of figures and tables, in the order of the page."""

    figures: int = 0
    tables: int = 0

    def next_figure(self) -> int:
        """The number of the next figure."""
        self.figures += 1
        return self.figures

    def next_table(self) -> int:
        """The number of the next table."""
        self.tables += 1
        return self.tables


@dataclass(frozen=True)
class Page:
    """The data common to all sections of a page.

    Attributes
    ----------
    run : RunData
    words : Words
    figures : {name: Markup}
        The drawn figures.
    without_pdf : list of str
        Figures without PDF, since fonts are missing.
    environment : Environment
        The templates.
    numbering : Numbering
    """

    run: RunData
    words: Words
    figures: Mapping[str, Markup]
    without_pdf: list[str]
    environment: Environment
    numbering: Numbering = field(default_factory=Numbering)

    def render(self, template: str, **facts: Any) -> Markup:
        """Render a template with the common variables and ``facts``."""
        shared = {
            "run": self.run,
            "metrics": self.run.metrics,
            "primary": self.run.metrics.primary_metric,
            "language": self.words.language,
            "gap": self.words.gap,
            "figures": self.figures,
            "without_pdf": self.without_pdf,
            "numbering": self.numbering,
            "ours": OURS,
        }
        macros = self.environment.get_template("macros.html").make_module(shared)
        shared |= {name: getattr(macros, name) for name in ("drawing", "table", "cell", "fold")}
        return Markup(self.environment.get_template(template).render(shared | facts))


class Section:
    """A section of the page with its own heading.

    Attributes
    ----------
    anchor, title : str
        The target of links, and the heading.
    template : str
    after : str
        The anchor of the section before it; sections with the same one are in the order of the
        run's facets.
    """

    anchor: ClassVar[str]
    title: ClassVar[str]
    template: ClassVar[str]
    after: ClassVar[str] = ""

    def shows(self, page: Page) -> bool:
        """Whether the section has content for this run."""
        return True

    def facts(self, page: Page) -> dict[str, Any]:
        """The variables of the template besides the common ones."""
        return {}

    def render(self, page: Page) -> Markup:
        """The section as HTML."""
        return page.render(self.template, section=self, **self.facts(page))
