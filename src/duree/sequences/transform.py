"""Variance-stabilising transformations of series: logarithm and Box-Cox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError

Floats = NDArray[np.float64]

# The powers to try, and the minimum number of steps over which the spread is measured.
POWERS = np.round(np.linspace(-1, 2, 31), 1)
BLOCK = 8
# A zero among counts that were all positive in training: halfway between it and the least count.
ZERO = 0.5


@dataclass(frozen=True)
class Transform:
    """``((x + shift) ** power - 1) / power``; the logarithm if power is 0, the identity if it is 1.

    Attributes
    ----------
    power, shift : float
        The shift is 1 if the training values are transformed and include 0, otherwise 0.
    zero : float
        What a 0 is read as, so that counts without one in training may have one later.
    """

    power: float = 1.0
    shift: float = 0.0
    zero: float = 0.0

    @classmethod
    def choose(cls, kind: str, series: list[Floats], block: int = BLOCK) -> Transform:
        """The transformation of the given kind, fitted to the series.

        Parameters
        ----------
        kind : {"auto", "none", "log", "boxcox"}
            auto: the logarithm if all values are positive or counts, otherwise none.
        series : list of float64 [steps]
            Training values; NaN if missing.
        block : int
            Number of steps over which spread and level are measured for Box-Cox (the season, if
            there is one).

        Raises
        ------
        DataError
            A value is negative, and the kind is "log" or "boxcox".
        """
        every = np.concatenate(series) if series else np.zeros(0)
        every = every[np.isfinite(every)]
        least = float(every.min()) if len(every) else 0.0
        counts = least >= 0 and bool((every % 1 == 0).all())
        if kind == "auto":
            kind = "log" if least > 0 or (counts and len(every)) else "none"
        if kind == "none":
            return cls()
        shift = 0.0 if least > 0 else 1.0
        if least < 0:
            raise DataError(
                "forecast.transform = {kind} needs positive values, but the smallest is {least}",
                fix="set forecast.transform=none",
                kind=kind,
                least=least,
            )
        zero = ZERO if counts and least > 0 else 0.0
        if kind == "log":
            return cls(0.0, shift, zero)
        power = _guerrero([values + shift for values in series], max(block, 2))
        return cls(power, shift, zero if power != 1 else 0.0)

    def apply(self, values: Floats) -> Floats:
        """The transformed values; NaN remains NaN.

        Raises
        ------
        DataError
            The transformation is not defined for a value.
        """
        if self.power == 1:
            return values - 0.0
        moved = self._moved(values)
        if (moved[np.isfinite(moved)] <= 0).any():
            raise DataError(
                "a value of {least:g} has no logarithm, and the network was trained on "
                "positive values",
                fix="remove such values, or train with forecast.transform=none",
                least=float(np.nanmin(values)),
            )
        if self.power == 0:
            return np.asarray(np.log(moved))
        return np.asarray((moved**self.power - 1) / self.power)

    def defined(self, values: Floats) -> Floats:
        """The transformed values, NaN where the transformation is not defined."""
        known = self._moved(values) > 0 if self.power != 1 else np.isfinite(values)
        return self.apply(np.where(known, values, np.nan))

    def undo(self, values: Floats) -> Floats:
        """The inverse of ``apply``; values outside its range are clipped."""
        if self.power == 1:
            return values - 0.0
        if self.power == 0:
            # The logarithm of the largest float is 709.
            return np.asarray(np.exp(np.minimum(values, 700.0)) - self.shift)
        inner = np.maximum(values * self.power + 1, 1e-12)
        with np.errstate(over="ignore"):
            return np.asarray(np.minimum(inner ** (1 / self.power), 1e300) - self.shift)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data: the keyword arguments of ``Transform``."""
        plain = {"power": self.power, "shift": self.shift}
        return plain | {"zero": self.zero} if self.zero else plain

    def _moved(self, values: Floats) -> Floats:
        """The values, zeros as ``zero``, plus the shift."""
        return (np.where(values == 0, self.zero, values) if self.zero else values) + self.shift


def _guerrero(series: list[Floats], block: int) -> float:
    """The power for which the spread depends least on the level, over blocks of all series.

    Guerrero 1993: least coefficient of variation of ``spread / level ** (1 - power)``.
    """
    worth = np.zeros(len(POWERS))
    for values in series:
        blocks = len(values) // block
        if blocks < 2:
            continue
        cut = values[len(values) - blocks * block :].reshape(blocks, block)
        level, spread = np.nanmean(cut, axis=1), np.nanstd(cut, axis=1, ddof=1)
        keep = np.isfinite(level) & np.isfinite(spread) & (spread > 0)
        if keep.sum() < 2:
            continue
        ratios = spread[keep] / level[keep] ** (1 - POWERS[:, None])
        worth += ratios.std(axis=1, ddof=1) / ratios.mean(axis=1)
    return float(POWERS[worth.argmin()]) if worth.any() else 1.0
