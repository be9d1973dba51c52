"""Figures: text as text in any script, the same each time, and no trace left in matplotlib."""

from __future__ import annotations

import logging
import re
from xml.etree import ElementTree

import matplotlib
import pytest
from matplotlib import font_manager

from duree.report.figures import fonts as fonts_of_figures
from duree.report.figures.choose import draw_figures, write_drawn
from duree.report.figures.fonts import families_for
from duree.report.figures.style import to_inline_svg, to_svg_file
from duree.report.load import load_run
from duree.report.pages.report import write_report
from duree.report.vocabulary import Words

CHINESE = {"classes": ("正面", "负面"), "target": "情感", "text": "评论"}


@pytest.fixture
def no_chinese_font(monkeypatch):
    fonts = [font for font in font_manager.fontManager.ttflist if "DejaVu" in font.name]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", fonts)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    fonts_of_figures._find_new_fonts.cache_clear()
    yield
    fonts_of_figures._find_new_fonts.cache_clear()


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(svg).iter() if node.tag == "text"]


def test_each_figure_is_written_as_svg_and_pdf(letters, tmp_path):
    run, words = load_run(letters), Words("en")
    written = write_drawn(draw_figures(run, words), run, tmp_path / "figures", words)
    names = {"parts", "models", "differences", "curves", "confusion", "reliability"}
    assert {path.name for path in written} == {f"{n}.{s}" for n in names for s in ("svg", "pdf")}
    for path in written:
        start = path.read_bytes()[:5]
        assert start == (b"%PDF-" if path.suffix == ".pdf" else b"<?xml")


def test_svg_files_hold_texts_and_load_nothing(write_run):
    for figure in draw_figures(load_run(write_run(**CHINESE)), Words("en")):
        svg = to_svg_file(figure.svg).decode()
        nodes = list(ElementTree.fromstring(svg).iter())
        assert any(node.tag.endswith("}text") for node in nodes)
        attributes = [pair for node in nodes for pair in node.attrib.items()]
        assert all(value[0] == "#" for key, value in attributes if key.endswith("href"))
        assert "Noto Sans CJK SC" in svg
        assert "DejaVu Sans'," in svg


def test_chinese_classes_stay_text_where_no_font_shows_them(write_run, no_chinese_font):
    words = Words("en")
    for figure in draw_figures(load_run(write_run(**CHINESE)), words):
        svg = figure.inline(words)
        if figure.plan.name in ("confusion", "parts"):
            assert {"正面", "负面"} <= set(texts(svg))
            assert figure.fonts is None


def test_without_a_chinese_font_no_pdf_shows_boxes_and_the_page_says_so(
    write_run, no_chinese_font, caplog
):
    folder = write_run(**CHINESE)
    page = write_report(folder, "en").read_text(encoding="utf-8")
    figures = {path.name for path in (folder / "figures").iterdir()}
    assert "confusion.svg" in figures
    assert "confusion.pdf" not in figures
    assert "curves.pdf" in figures
    for address in re.findall(r'href="(figures/[^"]+)"', page):
        assert (folder / address).is_file()
    assert "Some figures were written as SVG only (parts, confusion)" in page
    assert 'href="figures/confusion.pdf"' not in page
    assert caplog.records == []


def test_a_font_that_is_gone_since_matplotlib_listed_it_is_not_used(no_chinese_font, tmp_path):
    gone = font_manager.FontEntry(fname=str(tmp_path / "gone.ttf"), name="Noto Sans CJK SC")
    font_manager.fontManager.ttflist.append(gone)
    assert families_for(["正面"]) is None
    assert families_for(["plain"]) == ["DejaVu Sans"]


def test_svg_does_not_depend_on_the_fonts_of_the_machine(write_run, monkeypatch):
    run = load_run(write_run(**CHINESE))
    before = [figure.svg for figure in draw_figures(run, Words("zh"))]
    fonts = [font for font in font_manager.fontManager.ttflist if "DejaVu" in font.name]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", fonts)
    assert [figure.svg for figure in draw_figures(run, Words("zh"))] == before


def test_drawing_leaves_matplotlib_as_it_was(letters):
    before = dict(matplotlib.rcParams)
    level = logging.getLogger("matplotlib.font_manager").level
    draw_figures(load_run(letters), Words("en"))
    assert dict(matplotlib.rcParams) == before
    assert logging.getLogger("matplotlib.font_manager").level == level
    assert matplotlib.get_backend().lower() != "tkagg"


def test_dollars_and_backslashes_are_not_read_as_formulas(write_run):
    words = Words("en")
    run = load_run(write_run(classes=("$5-$10", "\\alpha_{x}^2 $")))
    shown = {text for figure in draw_figures(run, words) for text in texts(figure.inline(words))}
    assert {"$5-$10", "\\alpha_{x}^2 $"} <= shown


def test_identifiers_of_two_figures_on_a_page_never_meet(letters):
    words = Words("en")
    figures = draw_figures(load_run(letters), words)
    of_each = [set(re.findall(r' id="([^"]+)"', figure.inline(words))) for figure in figures]
    assert sum(len(found) for found in of_each) == len(set().union(*of_each)) > 0
    for figure, found in zip(figures, of_each, strict=True):
        used = re.findall(r'(?:href="#|url\(#)([^")]+)', figure.inline(words))
        assert set(used) == found


def test_an_inline_figure_has_no_style_and_no_address(letters):
    words = Words("en")
    for figure in draw_figures(load_run(letters), words):
        svg = figure.inline(words)
        assert "style" not in svg
        assert "http" not in svg
        assert 'role="img"' in svg


def test_colours_survive_the_way_into_the_page():
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">'
        '<path id="a" style="fill: #0072b2; stroke: none" d="M 0.123456 0"/>'
        '<g clip-path="url(#a)"/></svg>'
    )
    inline = to_inline_svg(svg, "name", "title")
    assert 'fill="#0072b2"' in inline
    assert 'id="name-a"' in inline
    assert 'd="M 0.12 0"' in inline


def test_many_classes_show_their_largest_confusions(write_run):
    words = Words("en")
    run = load_run(write_run(classes=tuple(f"genre {n}" for n in range(40)), rows=900))
    (figure,) = (f for f in draw_figures(run, words) if f.plan.name == "confusion")
    pairs = [text for text in texts(figure.inline(words)) if " → " in text]
    frame = run.predictions.filter(run.predictions["prediction"] != run.predictions["tone"])
    true, predicted, rows = frame.group_by("tone", "prediction").len().sort("len").row(-1)
    assert len(pairs) == 20
    top = [text for text in texts(figure.inline(words)) if text.startswith(f"{rows}  (")]
    assert top
    assert f"{true} → {predicted}" in pairs


def test_the_confusion_matrix_counts_every_test_row(letters):
    words = Words("en")
    run = load_run(letters)
    (figure,) = (f for f in draw_figures(run, words) if f.plan.name == "confusion")
    counts = [int(text) for text in texts(figure.inline(words)) if text.isdigit()]
    assert sum(counts) == 400


def test_a_font_that_was_installed_after_matplotlib_listed_them_is_found(monkeypatch):
    listed = font_manager.fontManager.ttflist
    chinese = [font.fname for font in listed if font.name in fonts_of_figures.CHINESE]
    if not chinese:
        pytest.skip("no Chinese font is installed")
    before = [font for font in listed if font.fname not in chinese]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", before)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [chinese[0], "/no/font.ttf"])
    fonts_of_figures._find_new_fonts.cache_clear()
    families = fonts_of_figures.families_for(["正面"])
    fonts_of_figures._find_new_fonts.cache_clear()
    assert families is not None
    assert families[1] in fonts_of_figures.CHINESE
