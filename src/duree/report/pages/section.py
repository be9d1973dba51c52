"""Section: a piece of the report's page, which renders itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from jinja2 import Environment
from markupsafe import Markup

from duree.report.run_data import RunData
from duree.report.vocabulary import Words

# Marks the network among other models.
OURS = Markup(' class="ours"')


@dataclass
class Numbering:
    """Figures and tables in the order of the page."""

    figures: int = 0
    tables: int = 0

    def next_figure(self) -> int:
        """The next figure's number."""
        self.figures += 1
        return self.figures

    def next_table(self) -> int:
        """The next table's number."""
        self.tables += 1
        return self.tables


@dataclass(frozen=True)
class Page:
    """What all sections of a page have.

    Attributes
    ----------
    run : RunData
    words : Words
    figures : {name: Markup}
        The figures that were drawn.
    without_pdf : list of str
        Those that this machine has no font for.
    environment : Environment
        Where templates are found.
    numbering : Numbering
    """

    run: RunData
    words: Words
    figures: Mapping[str, Markup]
    without_pdf: list[str]
    environment: Environment
    numbering: Numbering = field(default_factory=Numbering)

    def render(self, template: str, **facts: Any) -> Markup:
        """A template of this page, with what it names beyond what all of them may name."""
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
        shared |= {name: getattr(macros, name) for name in ("drawing", "table", "cell")}
        return Markup(self.environment.get_template(template).render(shared | facts))


class Section:
    """A piece of the page under a heading of its own.

    Attributes
    ----------
    anchor, title : str
        Its place for links, and its heading.
    template : str
    after : str
        The anchor of the section that it comes after; those of one place in the order of the run's
        facets.
    """

    anchor: ClassVar[str]
    title: ClassVar[str]
    template: ClassVar[str]
    after: ClassVar[str] = ""

    def shows(self, page: Page) -> bool:
        """Whether it has something to show for this run."""
        return True

    def facts(self, page: Page) -> dict[str, Any]:
        """What its template names beyond what all of them may name."""
        return {}

    def render(self, page: Page) -> Markup:
        """The section as HTML."""
        return page.render(self.template, section=self, **self.facts(page))
