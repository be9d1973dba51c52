"""Drawing: one style for all figures, laid out by hand, and given out as SVG and PDF.

Layout follows from the texts alone, never from which fonts a machine has, and nothing random or
dated gets into a file: the same run draws the same bytes.
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
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from duree.report.figures.fonts import OWN
from duree.report.safe_text import columns

# Okabe & Ito's palette, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
INK, GREY, PALE = "#222222", "#6B6B6B", "#D9D9D9"
PART_COLOURS = {"train": BLUE, "validation": ORANGE, "test": GREEN, "left_out": GREY}

WIDTH = 7.0  # inches: the text width of an A4 page
FONT_SIZE = 9.0  # points
EM = FONT_SIZE / 72  # inches
# One column of text (see ``texts.columns``), in em; generous for proportional letters.
COLUMN = 0.53

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

# For SVG files that stand alone; within the page, figures take the page's own fonts.
BROWSER_FONTS = (
    "'Helvetica Neue', Helvetica, Arial, 'Noto Sans', 'Noto Sans CJK SC', 'Noto Sans SC', "
    "'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', 'DejaVu Sans', sans-serif"
)


@contextmanager
def drawing_style(families: list[str] | None = None) -> Iterator[None]:
    """Everything drawn inside looks alike, and no remark about fonts gets out."""
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


def text_width(text: str) -> float:
    """Inches that a text takes, about."""
    return columns(text) * COLUMN * EM


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place in inches from the figure's upper left corner."""
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
    """Take away the spines, but those named, and the ticks' marks."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in keep.split())
    axes.tick_params(length=0)


def texts_of(figure: Figure) -> list[str]:
    """Every text in the figure."""
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


def to_pdf(figure: Figure, title: str) -> bytes:
    """The figure as PDF, its letters embedded."""
    output = io.BytesIO()
    own_only = matplotlib.rcParams["font.family"] == [OWN]
    # Fonts for Chinese have outlines that only type 3 embeds in every version; others as TrueType.
    with matplotlib.rc_context({"pdf.fonttype": 42 if own_only else 3}):
        facts = {"Title": title, "CreationDate": None, "Producer": None}
        figure.savefig(output, format="pdf", metadata=facts)
    return output.getvalue()


def to_svg(figure: Figure) -> str:
    """The figure as matplotlib writes SVG; texts stay texts."""
    output = io.StringIO()
    metadata = dict.fromkeys(("Date", "Creator", "Type", "Format"))
    figure.savefig(output, format="svg", metadata=metadata)
    return output.getvalue()


def to_svg_file(svg: str) -> bytes:
    """A file of its own, with fonts that browsers and drawing programs know."""
    return re.sub(r"font-family: [^;\"]*", f"font-family: {BROWSER_FONTS}", svg).encode()


def to_inline_svg(svg: str, name: str, title: str) -> str:
    """An ``<svg>`` element for a page.

    It has no ``style`` attribute (which a strict policy forbids), no address, and identifiers that
    begin with ``name``, so that figures on one page cannot take each other's parts.
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
    """One element and all within it, as text."""
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
    """Short numbers, single spaces, references to this figure's own parts."""
    value = re.sub(r"#(?=[\w.-]+\)?$)(?![0-9a-fA-F]{6}$)", f"#{name}-", value)
    value = re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found.group()):.2f}", value)
    return re.sub(r"\s+", " ", value).strip()


def _local(name: str) -> str:
    return name.rpartition("}")[2]
