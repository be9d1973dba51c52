"""Windows: the input of a forecasting network, the last steps of a series before an origin.

Values are relative to a reference at the origin (such as the last value, or that of one season
before) in units of the window's mean change, so that series of any scale and level are comparable.
Reference and unit are carried in the window, so that forecasts can be converted back. Covariates
that are known in advance (the calendar, a planned price) are shifted by ``horizon`` steps: the last
steps of the window hold those of the steps to forecast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.results.run_files import Described
from duree.sequences.ragged import Ragged, offsets_of
from duree.sequences.transform import Transform
from duree.storage import require

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

VERSION = 1
# The reference for each kind of differencing.
REFERENCES = {"none": "mean", "first": "last", "seasonal": "season", "both": "season_and_last"}
# Values are clipped at this number of units, so that outliers do not dominate.
FARTHEST = 60.0
# The minimum unit of a nearly constant window, as a share of the usual unit.
LEAST_UNIT = 0.02
# Minimum number of values before those on which a reference is evaluated.
MOST_NEEDED = 3
# Number of windows computed at a time.
CHUNK = 8192
# The last channels of every step: the reference (as a sum of two float32) and the unit.
CARRIED = 3


@dataclass(frozen=True)
class WindowEncoder:
    """An encoder of windows, fitted on training rows.

    Attributes
    ----------
    horizon, window, season : int
        Numbers of steps to forecast, of a window, and of a seasonal cycle (1: no season).
    transform : Transform
    difference : {"none", "first", "seasonal", "both"}
    unit : float
        The median over training windows of the mean change, after the transformation.
    past, known : tuple of str
        The names of covariates.
    past_means, past_scales, known_means, known_scales : tuple of float
    windows : int
        Number of training rows.
    """

    horizon: int
    window: int
    season: int
    transform: Transform
    difference: str
    unit: float
    past: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    past_means: tuple[float, ...] = ()
    past_scales: tuple[float, ...] = ()
    known_means: tuple[float, ...] = ()
    known_scales: tuple[float, ...] = ()
    windows: int = 0

    explained_by: ClassVar[str | None] = None
    embedded_words: ClassVar[tuple[str | None, ...]] = ()
    units_encoder: ClassVar[None] = None
    vocabulary_size: ClassVar[int | None] = None
    step_classes: ClassVar[Mapping[str, tuple[int, bool]]] = {}

    @property
    def relative(self) -> int:
        """Number of first channels, in units: the value and, if there is a season, the season's."""
        return 1 if self.season == 1 else 2

    @property
    def channels(self) -> int:
        """Numbers per step, including the carried ones."""
        return self.relative + 4 + len(self.past) + len(self.known) + CARRIED

    @property
    def input_size(self) -> int:
        """Number of input values per step."""
        return self.channels

    @classmethod
    def fit(
        cls,
        rows: pl.Series,
        *,
        horizon: int,
        window: int,
        season: int,
        transform: str,
        difference: str,
        past: tuple[str, ...] = (),
        known: tuple[str, ...] = (),
    ) -> WindowEncoder:
        """Learn from training rows.

        Parameters
        ----------
        rows : polars.Series of Struct [rows]
            ``values`` List(Float64) up to the origin; if there are covariates, ``past`` and
            ``known`` List(Float64), step by step, ``known`` with ``horizon`` more steps.
        horizon, window, season : int
        transform : {"auto", "none", "log", "boxcox"}
        difference : {"auto", "none", "first", "seasonal", "both"}
            auto: the one whose reference is nearest to the last ``horizon`` values of each row.
        past, known : tuple of str

        Raises
        ------
        DataError
            The transformation is not defined for a value.
        """
        flat, lengths = _lists(rows, "values")
        series = np.split(flat, offsets_of(lengths)[1:-1])
        chosen = Transform.choose(transform, series, season)
        moments = {}
        for part, names in (("past", past), ("known", known)):
            cells = _lists(rows, part)[0].reshape(-1, len(names)) if names else np.zeros((1, 0))
            scales = np.nanstd(cells, axis=0)
            moments[f"{part}_means"] = tuple(np.nanmean(cells, axis=0).tolist())
            moments[f"{part}_scales"] = tuple(np.where(scales > 0, scales, 1.0).tolist())
        encoder = cls(
            horizon,
            window,
            season,
            chosen,
            "first",
            1e-300,
            past,
            known,
            **moments,
            windows=len(rows),
        )
        units = np.concatenate([encoder._frames(part)[1] for part in _chunks(rows)])
        state = encoder.to_dict() | {"unit": _usual(units, LEAST_UNIT * encoder.unit)}
        if difference == "auto":
            difference = _nearest(state, rows)
        return cls.from_dict(state | {"difference": difference})

    def encode(self, rows: pl.Series) -> Ragged:
        """One window per row, float32 [total_steps, channels]; see ``fit`` for the rows.

        Raises
        ------
        DataError
            The transformation is not defined for a value, or known covariates are missing.
        """
        parts = [self._windows(part) for part in _chunks(rows)]
        if not parts:
            return Ragged(np.zeros((0, self.channels), np.float32), np.zeros(1, np.int64))
        lengths = np.concatenate([lengths for _, lengths in parts])
        return Ragged(np.concatenate([cells for cells, _ in parts]), offsets_of(lengths))

    def frames(self, rows: pl.Series) -> tuple[Floats, Floats]:
        """The transformed reference of each row, float64 [rows, horizon], and its unit [rows]."""
        parts = [self._frames(part) for part in _chunks(rows)]
        return np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts])

    def for_baselines(self, rows: pl.Series) -> list[Any]:
        """The rows in the form that baselines take."""
        return rows.to_list()

    def features_of_steps(self, row: pl.Series) -> dict[str, list[Any]]:
        """Empty: there are no step features."""
        return {}

    def truncation(self, rows: pl.Series, sequences: Ragged) -> str | None:
        """None, since no row is cut."""
        return None

    def unseen(self, sequences: Ragged) -> None:
        """None, since the input is numbers."""
        return None

    def describe(self) -> dict[str, Described]:
        """Empty: the report needs only the recipe."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data that ``from_dict`` reads back."""
        names = (
            *("horizon", "window", "season", "difference", "unit", "windows"),
            *("past", "known", "past_means", "past_scales", "known_means", "known_scales"),
        )
        plain = {name: getattr(self, name) for name in names}
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()}
        return {"version": VERSION, **plain, "transform": self.transform.to_dict()}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> WindowEncoder:
        """The encoder from the result of ``to_dict``.

        Raises
        ------
        RunError
            The data is malformed, or was written by a newer Durée.
        """
        given = {key: value for key, value in state.items() if key not in ("kind", "version")}
        require(state.get("version") == VERSION, "windows", "version")
        require(given.get("difference") in REFERENCES, "windows", "difference")
        require(float(given.get("unit", 0)) > 0, "windows", "unit")
        lists = {key: tuple(value) for key, value in given.items() if isinstance(value, list)}
        try:
            return cls(**(given | lists | {"transform": Transform(**given["transform"])}))
        except TypeError:
            require(False, "windows", "keys")
            raise

    def _windows(self, rows: pl.Series) -> tuple[NDArray[np.float32], Ints]:
        """The values of all windows, concatenated, and the number of steps of each."""
        flat, seen, lengths, begins = self._values(rows)
        reference, unit, level = self._measured(flat, lengths, begins)
        steps = np.maximum(np.minimum(lengths, self.window), self.horizon)
        back, row = _places(steps)  # for each step: its distance from the origin, and its row
        place = lengths[row] - back
        inside = place >= 0
        at = begins[row] + np.maximum(place, 0)
        before = begins[row] + np.maximum(place - 1, 0)
        value = flat[at]
        cells = np.zeros((len(row), self.channels), dtype=np.float32)
        columns = [
            (value - level[row]) / unit[row] * inside,
            *self._season(flat, lengths, begins, unit, row, place),
            seen[at] & inside,
            np.clip((value - flat[before]) / unit[row], -8, 8) / 2 * (inside & (place > 0)),
            np.log(unit[row] / self.unit) / 2,
            lengths[row] >= self.season + self.horizon,
        ]
        columns += self._covariates(rows, lengths, row, place)
        for channel, column in enumerate(columns):
            cells[:, channel] = column
        np.clip(cells, -FARTHEST, FARTHEST, out=cells)
        ahead = np.flatnonzero(back <= self.horizon)
        carried = reference[row[ahead], self.horizon - back[ahead]]
        cells[ahead, -3] = carried
        cells[ahead, -2] = carried - cells[ahead, -3].astype(np.float64)
        cells[:, -1] = unit[row]
        return cells, steps

    def _values(self, rows: pl.Series) -> tuple[Floats, NDArray[np.bool_], Ints, Ints]:
        """Transformed values with gaps filled forward, a mask of known values, lengths, begins."""
        flat, lengths = _lists(rows, "values")
        if (lengths == 0).any():
            raise DataError("a series has no values", fix="leave out empty rows and columns")
        begins = offsets_of(lengths)[:-1]
        seen = np.isfinite(flat)
        last = np.where(seen, np.arange(len(flat)), 0)
        last[begins] = begins
        flat = self.transform.apply(flat[np.maximum.accumulate(last)])
        return np.nan_to_num(flat, nan=0.0), seen, lengths, begins

    def _frames(self, rows: pl.Series) -> tuple[Floats, Floats]:
        flat, _, lengths, begins = self._values(rows)
        reference, unit, _ = self._measured(flat, lengths, begins)
        return reference, unit

    def _measured(self, flat: Floats, lengths: Ints, begins: Ints) -> tuple[Floats, Floats, Floats]:
        """Reference [rows, horizon], unit [rows] and level [rows] of each row's window."""
        steps = np.minimum(lengths, self.window)
        ends = begins + lengths
        changes = np.abs(np.diff(flat, append=flat[-1:]))
        change = _sums(changes, ends - steps, ends - 1) / np.maximum(steps - 1, 1)
        unit = np.maximum(change, LEAST_UNIT * self.unit)
        last = flat[ends - 1]
        level = _sums(flat, ends - steps, ends) / steps if self.difference == "none" else last
        ahead = level[:, None] + np.zeros(self.horizon)
        if self.difference in ("seasonal", "both"):
            there = lengths > self.season
            past = ends[:, None] - self.season + np.arange(self.horizon) % self.season
            season = flat[np.where(there[:, None], past, ends[:, None] - 1)]
            if self.difference == "both":
                season = (
                    season
                    + (last - flat[np.where(there, ends - 1 - self.season, ends - 1)])[:, None]
                )
            ahead = np.where(there[:, None], season, last[:, None])
        return ahead, unit, level

    def _season(
        self, flat: Floats, lengths: Ints, begins: Ints, unit: Floats, row: Ints, place: Ints
    ) -> list[Floats]:
        """For each step, the value whole seasons before the step ``horizon`` ahead, in units.

        It is relative to the value as many seasons before the last known one.
        """
        if self.season == 1:
            return []
        # If the season is shorter than the horizon, several seasons are needed.
        rounds = -(-self.horizon // self.season) * self.season
        then = place + self.horizon - rounds
        last = lengths - 1 - rounds
        there = (then >= 0) & (last[row] >= 0) & (then < lengths[row])
        value = flat[begins[row] + np.where(there, then, 0)]
        began = flat[begins + np.maximum(last, 0)][row]
        return [np.where(there, (value - began) / unit[row], 0.0)]

    def _covariates(self, rows: pl.Series, lengths: Ints, row: Ints, place: Ints) -> list[Floats]:
        """The channels of past covariates, and of known ones shifted by ``horizon`` steps."""
        found: list[Floats] = []
        for part, names, further in (("past", self.past, 0), ("known", self.known, self.horizon)):
            if not names:
                continue
            flat, sizes = _lists(rows, part)
            if (sizes != (lengths + further) * len(names)).any():
                raise DataError(
                    "the columns known in advance ({names}) end before the steps to forecast",
                    fix="add a row for each of the {horizon} steps to forecast, with an empty "
                    "value",
                    names=", ".join(names),
                    horizon=self.horizon,
                )
            begins = offsets_of(lengths + further)[:-1]
            inside = place + further >= 0
            at = begins[row] + np.maximum(place + further, 0)
            cells = flat.reshape(-1, len(names))
            for channel in range(len(names)):
                mean = getattr(self, f"{part}_means")[channel]
                scale = getattr(self, f"{part}_scales")[channel]
                standard = (cells[at, channel] - mean) / scale
                found.append(np.where(inside, np.nan_to_num(standard, nan=0.0), 0.0))
        return found


def _usual(units: Floats, least: float) -> float:
    """The median unit of windows; 1 if no window changes.

    ``least`` is the unit of constant windows, which count only if most windows change.
    """
    usual = float(np.median(units))
    if usual > least:
        return usual
    changing = units[units > least]
    return float(np.median(changing)) if len(changing) else 1.0


def _nearest(state: dict[str, Any], rows: pl.Series) -> str:
    """The differencing whose reference is nearest to the last values of each row, in units."""
    horizon = state["horizon"]
    values = rows.struct.field("values").alias("values").to_frame()
    known = pl.col("values").list
    long = values.filter(known.len() > horizon + MOST_NEEDED)
    if long.is_empty():
        return "first"
    pasts = long.select(known.head(known.len() - horizon)).to_struct()
    after = long.select(known.tail(horizon)).to_series().explode().to_numpy()
    after = after.astype(np.float64).reshape(-1, horizon)
    answers = WindowEncoder.from_dict(state).transform.apply(after)
    names = ["first", "none"] if state["season"] == 1 else list(REFERENCES)
    errors = {}
    for name in names:
        reference, unit = WindowEncoder.from_dict(state | {"difference": name}).frames(pasts)
        errors[name] = float(np.nanmean(np.abs(answers - reference) / unit[:, None]))
    return min(errors, key=errors.__getitem__)


def _lists(rows: pl.Series, part: str) -> tuple[Floats, Ints]:
    """The numbers of one field of all rows, concatenated, and their number in each row."""
    column = rows.struct.field(part)
    lengths = column.list.len().fill_null(0).cast(pl.Int64).to_numpy()
    flat = column.filter(column.list.len() > 0).explode().cast(pl.Float64).to_numpy()
    return flat.astype(np.float64), lengths


def _places(steps: Ints) -> tuple[Ints, Ints]:
    """For each step of windows with ``steps`` steps: its distance from the origin, and its row."""
    offsets = offsets_of(steps)
    row = np.repeat(np.arange(len(steps)), steps)
    return offsets[1:][row] - np.arange(offsets[-1]), row


def _sums(values: Floats, begins: Ints, ends: Ints) -> Floats:
    """The sum of each slice of the values; 0 for empty slices."""
    pairs = np.stack([begins, ends], axis=1).ravel()
    sums = np.add.reduceat(np.append(values, 0.0), pairs)[::2]
    return np.where(ends > begins, sums, 0.0)


def _chunks(rows: pl.Series) -> list[pl.Series]:
    return [rows.slice(start, CHUNK) for start in range(0, len(rows), CHUNK)]
