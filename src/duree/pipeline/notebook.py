"""Figures for notebooks and papers: how a trained network reads a text.

Every function takes a ``TrainedModel``, such as ``duree.load(...).model_``. The results display
themselves in notebooks, and figures can be saved as SVG or PDF.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from matplotlib.figure import Figure

from duree.errors import DataError, user_language
from duree.explain.attribution import METHODS
from duree.explain.gates import trace
from duree.explain.model import text_encoder
from duree.explain.states import state_map
from duree.explain.words import word_map
from duree.pipeline.explain_test import arc_data, shading
from duree.pipeline.model import TrainedModel
from duree.report.figures.explanations import draw_arc, draw_map
from duree.report.figures.fonts import families_for
from duree.report.figures.gates import draw_gates
from duree.report.figures.style import drawing_style, texts_of, to_pdf, to_svg, to_svg_file
from duree.report.shading import Shaded, shade
from duree.report.vocabulary import Words
from duree.storage import write_file


@dataclass(frozen=True)
class Picture:
    """A figure that displays itself in notebooks; ``draw`` makes it again for each file."""

    draw: Callable[[], Figure]

    def save(self, path: Path | str) -> None:
        """Write the picture as .svg or .pdf.

        Raises
        ------
        DataError
            The name has another suffix.
        RunError
            The file cannot be written.
        """
        path = Path(path)
        with drawing_style():
            fonts = families_for(texts_of(self.draw()))
        with drawing_style(fonts):
            if path.suffix.lower() == ".svg":
                content = to_svg_file(to_svg(self.draw()))
            elif path.suffix.lower() == ".pdf":
                content = to_pdf(self.draw(), path.stem)
            else:
                raise DataError(
                    "figures cannot be written as {name!r}",
                    fix="end the name in .svg or .pdf",
                    name=path.name,
                )
        write_file(path, content)

    def _repr_html_(self) -> str:
        with drawing_style():
            svg = to_svg_file(to_svg(self.draw())).decode()
        return svg[svg.index("<svg") :]


def shade_text(model: TrainedModel, text: str, method: str = "integrated_gradients") -> Shaded:
    """A text with each word shaded by its attribution to the prediction.

    Parameters
    ----------
    model : TrainedModel
    text : str
    method : {"integrated_gradients", "gradient_times_input", "occlusion"}
    """
    given = METHODS[method](model, model.encode(pl.Series("text", [text])))
    found = shading(model, text, given)
    return shade(text, found.places, found.values)


def picture_gates(model: TrainedModel, text: str) -> Picture:
    """The gates as a heat map under the words of a text.

    Raises
    ------
    RunError
        The model reads numbers.
    """
    units = text_encoder(model).units(text)
    means = next(trace(model, model.encode(pl.Series("text", [text])))).means()
    gates = {name: values.tolist() for name, values in means.items()}
    return Picture(lambda: draw_gates(units, gates, _words()))


def picture_arc(model: TrainedModel, text: str) -> Picture:
    """The prediction along a long text, with its band and change points.

    Raises
    ------
    DataError
        The text is too short for an arc.
    """
    found = arc_data(model, text)
    return Picture(lambda: draw_arc(found, _words()))


def picture_words(model: TrainedModel, groups: dict[str, Sequence[str]]) -> Picture:
    """A map of words, each group with its own colour and marker.

    Raises
    ------
    DataError
        A word is not in the vocabulary.
    """
    named = [(word, group) for group, words in groups.items() for word in words]
    places = word_map(model, [word for word, _ in named]).tolist()
    placed = [(word, group, (x, y)) for (word, group), (x, y) in zip(named, places, strict=True)]
    return Picture(lambda: draw_map(placed))


def picture_texts(model: TrainedModel, texts: Sequence[str], answers: Sequence[str]) -> Picture:
    """A map of the network's final states for texts, coloured and marked by their classes."""
    places = state_map(model, model.encode(pl.Series("text", list(texts)))).tolist()
    placed = [("", str(answer), (x, y)) for answer, (x, y) in zip(answers, places, strict=True)]
    return Picture(lambda: draw_map(placed, named=False))


def _words() -> Words:
    return Words(user_language())
