"""The common style of figures, and their output as SVG and PDF.

The layout depends only on the texts, not on installed fonts, and files contain nothing random and
no dates: figures of the same run are identical byte by byte.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import matplotlib
from fontTools import subset
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from duree.report.figures.fonts import OWN
from duree.report.safe_text import columns

# Okabe & Ito's palette, distinct for colour-blind readers.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
INK, GREY, PALE = "#222222", "#6B6B6B", "#D9D9D9"
PART_COLOURS = {"train": BLUE, "validation": ORANGE, "test": GREEN, "left_out": GREY}

WIDTH = 7.0  # inches: the text width of an A4 page
FONT_SIZE = 9.0  # points
EM = FONT_SIZE / 72  # inches
# One column of text (see ``texts.columns``), in em; generous for proportional letters.
COLUMN = 0.53
# How much wider bold letters are.
BOLD = 1.2

STYLE: dict[Any, Any] = {
    "font.size": FONT_SIZE,
    "text.color": INK,
    "text.parse_math": False,  # a class may be called "$5-$10"
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": FONT_SIZE,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": FONT_SIZE,
    "axes.titlelocation": "left",
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": FONT_SIZE - 0.5,
    "ytick.labelsize": FONT_SIZE - 0.5,
    "legend.frameon": False,
    "legend.fontsize": FONT_SIZE - 0.5,
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "duree",
    "pdf.compression": 6,
}

# For separate SVG files; on pages, figures use the fonts of the page.
BROWSER_FONTS = (
    "'Helvetica Neue', Helvetica, Arial, 'Noto Sans', 'Noto Sans CJK SC', 'Noto Sans SC', "
    "'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', 'DejaVu Sans', sans-serif"
)


@contextmanager
def drawing_style(families: list[str] | None = None) -> Iterator[None]:
    """A context with the common style, without warnings about fonts."""
    fonts = logging.getLogger("matplotlib.font_manager")
    level = fonts.level
    fonts.setLevel(logging.CRITICAL)
    try:
        own = matplotlib.rc_context(STYLE | {"font.family": families or [OWN]})
        with own, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
            yield
    finally:
        fonts.setLevel(level)


def text_width(text: str, is_bold: bool = False) -> float:
    """The approximate width of a text in inches."""
    return columns(text) * COLUMN * EM * (BOLD if is_bold else 1.0)


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a position in inches from the upper left corner of the figure."""
    whole_width, whole_height = figure.get_size_inches()
    return figure.add_axes(
        (
            left / whole_width,
            (whole_height - top - height) / whole_height,
            width / whole_width,
            height / whole_height,
        )
    )


def bare(axes: Axes, *, keep: str = "") -> None:
    """Remove all tick marks, and all spines except those in ``keep``."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in keep.split())
    axes.tick_params(length=0)


def texts_of(figure: Figure) -> list[str]:
    """All texts in the figure."""
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


def to_pdf(figure: Figure, title: str) -> bytes:
    """The figure as PDF, with embedded fonts."""
    output = io.BytesIO()
    own_only = matplotlib.rcParams["font.family"] == [OWN]
    # Some Chinese fonts have outlines that all versions can embed only as type 3.
    fonts = matplotlib.rc_context({"pdf.fonttype": 42 if own_only else 3})
    with fonts, _without_layout_tables():
        facts = {"Title": title, "CreationDate": None, "Producer": None}
        figure.savefig(output, format="pdf", metadata=facts)
    return output.getvalue()


@contextmanager
def _without_layout_tables() -> Iterator[None]:
    """Embed fonts without tables of layout, which no PDF needs and whose subsetting takes long."""
    usual = subset.Options._drop_tables_default
    subset.Options._drop_tables_default = [*usual, "GSUB", "GPOS", "GDEF"]
    try:
        yield
    finally:
        subset.Options._drop_tables_default = usual


def to_svg(figure: Figure) -> str:
    """The figure as SVG from matplotlib, with texts as text."""
    output = io.StringIO()
    metadata = dict.fromkeys(("Date", "Creator", "Type", "Format"))
    figure.savefig(output, format="svg", metadata=metadata)
    return output.getvalue()


def to_svg_file(svg: str) -> bytes:
    """The content of an SVG file, with generic font families."""
    return re.sub(r"font-family: [^;\"]*", f"font-family: {BROWSER_FONTS}", svg).encode()


def to_inline_svg(svg: str, name: str, title: str) -> str:
    """An ``<svg>`` element for a page.

    It has no ``style`` attributes (forbidden by the content security policy) and no URLs.
    Identifiers begin with ``name``, so that they are unique on a page.
    """
    root = ElementTree.fromstring(svg)
    used = set(re.findall(r"#([\w.-]+)", " ".join(_attribute_values(root))))
    opening = (
        f'<svg viewBox="{escape(root.attrib["viewBox"])}" role="img" '
        f'aria-label={quoteattr(title)} stroke-linejoin="round">'
    )
    inner = "".join(_element(child, name, used) for child in root)
    return f"{opening}{inner}</svg>"


def _attribute_values(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        yield from element.attrib.values()


def _element(element: ElementTree.Element, name: str, used: set[str]) -> str:
    """An element with its children, as text."""
    tag = _local(element.tag)
    if tag in ("metadata", "style"):
        return ""
    inner = "".join(_element(child, name, used) for child in element)
    if element.text and element.text.strip():
        inner = escape(element.text) + inner
    attributes = _attributes(element, name, used)
    if tag in ("g", "defs") and not inner:
        return ""
    if tag == "g" and not attributes:
        return inner
    return f"<{tag}{attributes}>{inner}</{tag}>" if inner else f"<{tag}{attributes}/>"


def _attributes(element: ElementTree.Element, name: str, used: set[str]) -> str:
    found = {_local(key): value for key, value in element.attrib.items()}
    for declaration in found.pop("style", "").split(";"):
        key, colon, value = declaration.partition(":")
        if colon and key.strip() != "font-family":
            found[key.strip()] = value.strip()
    if found.get("id") not in used:
        found.pop("id", None)
    if "id" in found:
        found["id"] = f"{name}-{found['id']}"
    return "".join(f" {key}={quoteattr(_tidy(value, name))}" for key, value in found.items())


def _tidy(value: str, name: str) -> str:
    """A value with short numbers, single spaces, and references prefixed by ``name``."""
    value = re.sub(r"#(?=[\w.-]+\)?$)(?![0-9a-fA-F]{6}$)", f"#{name}-", value)
    value = re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found.group()):.2f}", value)
    return re.sub(r"\s+", " ", value).strip()


def _local(name: str) -> str:
    return name.rpartition("}")[2]
