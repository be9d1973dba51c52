"""Which facets a run folder holds: the first that is found, or all of them."""

from __future__ import annotations

from duree.report.facets.classes import Classes, Labels
from duree.report.facets.explanations import Learned
from duree.report.facets.extra import Extra
from duree.report.facets.forecasts import ForecastRows, Forecasts
from duree.report.facets.next_states import NextStates
from duree.report.facets.numbers import Numbers
from duree.report.facets.rows import Rows
from duree.report.facets.series import SeriesRows
from duree.report.facets.simulation import Simulated
from duree.report.facets.states import EventRows, SpellRows, StateRows
from duree.report.facets.step_features import StepFeatures
from duree.report.facets.tags import SentenceRows, Tags
from duree.report.facets.target import Target
from duree.report.facets.waiting_times import WaitingTimes
from duree.report.run_folder import RunFolder

# The first that is found; the last is what a run is that has nothing of its own.
ROWS: tuple[type[Rows], ...] = (
    *(SeriesRows, ForecastRows, SentenceRows, EventRows, SpellRows, StateRows),
    Rows,
)
TARGETS: tuple[type[Target], ...] = (
    *(Tags, Forecasts, NextStates, Labels, Classes, Numbers),
    Target,
)
# In the order of the page.
EXTRAS: tuple[type[Extra], ...] = (Simulated, WaitingTimes, StepFeatures, Learned)


def find_rows(folder: RunFolder) -> Rows:
    """What the rows are."""
    return next(found for kind in ROWS if (found := kind.find(folder)))


def find_target(folder: RunFolder) -> Target:
    """What was predicted."""
    return next(found for kind in TARGETS if (found := kind.find(folder)))


def find_extras(folder: RunFolder) -> tuple[Extra, ...]:
    """Whatever else there is."""
    return tuple(found for kind in EXTRAS if (found := kind.find(folder)))
