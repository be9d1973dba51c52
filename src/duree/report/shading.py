"""Shading of texts: the darkness of each word shows its attribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from markupsafe import Markup, escape

from duree.report.safe_text import HTML_BREAK, visible

# Number of shades of either sign; values below half of the lightest shade are white.
LEVELS = 9
# The quantile of attributions with the darkest shade; larger ones have the same shade.
DARKEST = 0.99
GAP = " […] "


@dataclass(frozen=True)
class Piece:
    """A stretch of text: ``level`` from -9 (most against) to 9 (most for); 0 is white."""

    text: str
    level: int

    @property
    def kind(self) -> str:
        """The piece's class in the style sheet; none where it is white."""
        return f"{'for' if self.level > 0 else 'against'}{abs(self.level)}" if self.level else ""


@dataclass(frozen=True)
class Shaded:
    """A text in pieces, for a page or a notebook."""

    pieces: list[Piece]

    def __html__(self) -> Markup:
        spans = (
            Markup('<span class="{}">{}</span>').format(piece.kind, piece.text)
            if piece.kind
            else escape(piece.text)
            for piece in self.pieces
        )
        return Markup("").join(spans)

    def _repr_html_(self) -> str:
        style = Markup("<style>{}</style>").format(Markup(shading_style()))
        return style + Markup('<p class="shaded" dir="auto">{}</p>').format(self.__html__())


def shade(
    text: str,
    places: Sequence[tuple[int, int]],
    values: Sequence[float],
    darkest: float | None = None,
) -> Shaded:
    """Shade a text.

    Parameters
    ----------
    text : str
    places : list of (begin, end)
        Positions of the encoded units, in order; those cut off from a long text are left out.
    values : list of float
        The attribution of each unit.
    darkest : float, optional
        The value of the darkest shade; by default a quantile of the text's own.
    """
    found = np.asarray(values, dtype=np.float64)
    if darkest is None:
        darkest = float(np.quantile(np.abs(found), DARKEST, method="higher")) if len(found) else 0.0
    levels = np.clip(np.rint(found / (darkest or 1.0) * LEVELS), -LEVELS, LEVELS).astype(int)
    pieces: list[Piece] = []
    end, before = 0, 0
    for (begin, stop), level in zip(places, levels.tolist(), strict=True):
        between = _between(text[end:begin])
        # White space between words of the same shade is shaded too, but not text that was cut off.
        pieces.append(Piece(between, level if level == before and between.isspace() else 0))
        pieces.append(Piece(_lines(text[max(begin, end) : stop]), level))
        end, before = max(end, stop), level
    pieces.append(Piece(_between(text[end:]), 0))
    return Shaded([piece for piece in pieces if piece.text])


def _between(text: str) -> str:
    """The text between two units, or ``[…]`` for words that the network did not read."""
    text = HTML_BREAK.sub("\n", text)
    return GAP if any(sign.isalnum() for sign in text) else _lines(text)


def _lines(text: str) -> str:
    return "\n".join(visible(line) for line in text.split("\n"))


def shading_style() -> str:
    """The style sheet's part for shaded texts."""
    return files("duree.report").joinpath("templates/shading.css").read_text(encoding="utf-8")
