"""The facets of a run folder."""

from __future__ import annotations

from duree.report.facets.classes import Classes, Labels
from duree.report.facets.explanations import Learned
from duree.report.facets.extra import Extra
from duree.report.facets.forecasts import ForecastRows, Forecasts
from duree.report.facets.language import DocumentRows, Surprisals
from duree.report.facets.next_states import NextStates
from duree.report.facets.numbers import Numbers
from duree.report.facets.rare_classes import RareClasses
from duree.report.facets.rows import Rows, TextRows
from duree.report.facets.series import SeriesRows
from duree.report.facets.simulation import Simulated
from duree.report.facets.states import EventRows, SpellRows, StateRows
from duree.report.facets.step_features import StepFeatures
from duree.report.facets.tags import SentenceRows, Tags
from duree.report.facets.target import Target
from duree.report.facets.transduction import Outputs, PairRows
from duree.report.facets.tuning import Tuned
from duree.report.facets.waiting_times import WaitingTimes
from duree.report.facets.word_vectors import StartVectors
from duree.report.run_folder import RunFolder

# In order of precedence; the last is the default.
ROWS: tuple[type[Rows], ...] = (
    *(SeriesRows, ForecastRows, SentenceRows, EventRows, SpellRows, StateRows),
    *(DocumentRows, PairRows, TextRows),
)
TARGETS: tuple[type[Target], ...] = (
    *(Surprisals, Tags, Outputs, Forecasts, NextStates, Labels, Classes, Numbers),
    Target,
)
# In the order of the page.
EXTRAS: tuple[type[Extra], ...] = (
    *(RareClasses, Simulated, WaitingTimes, StepFeatures, StartVectors, Tuned, Learned),
)


def find_rows(folder: RunFolder) -> Rows:
    """The facet of the rows."""
    return next(found for kind in ROWS if (found := kind.find(folder)))


def find_target(folder: RunFolder) -> Target:
    """The facet of the target."""
    return next(found for kind in TARGETS if (found := kind.find(folder)))


def find_extras(folder: RunFolder) -> tuple[Extra, ...]:
    """All further facets."""
    return tuple(found for kind in EXTRAS if (found := kind.find(folder)))
