"""The page of an estimate: forest plot, power, assumptions and methods, without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from duree.errors import user_language
from duree.report.estimate_facts import Beside, EstimateFacts, interval, places_for, readable
from duree.report.figures.estimates import draw_power, draw_terms
from duree.report.figures.style import drawing_style, to_inline_svg, to_svg
from duree.report.methods.estimates import assumptions, write_estimate_methods
from duree.report.numbers import brief, count, number, p_value
from duree.report.pages.report import page_environment, page_policy, page_style
from duree.report.pages.section import Numbering
from duree.report.run_folder import RunFolder
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.estimates import ESTIMATE_FILE, Estimates, Term
from duree.results.run_files import Check
from duree.storage import write_file

PAGE = "estimate.html"
# More terms are shown in the table alone.
MOST_DRAWN = 60
WITHHELD = "withheld"
# What stands where there is no number; rows from which p-values have three decimals.
NONE, THREE_DECIMALS = brief(None), 1000


def write_estimate_page(folder: Path | str, language: str | None = None) -> Path:
    """Write ``estimate.html`` beside ``estimate.json``, and return its path.

    ``language`` is that of the user if not given.

    Raises
    ------
    RunError
        ``estimate.json`` is missing or cannot be read, or the page cannot be written.
    """
    folder = Path(folder)
    record = RunFolder(folder).record(Estimates, ESTIMATE_FILE)
    page = render_estimate(record, Words(language or user_language()))
    write_file(folder / PAGE, page.encode())
    return folder / PAGE


def render_estimate(record: Estimates, words: Words) -> str:
    """The page as HTML."""
    facts, style = EstimateFacts(record), page_style()
    other = Words("en" if words.language == "zh" else "zh")
    text, cited = write_estimate_methods(facts, words)
    return (
        page_environment(words)
        .get_template("estimate.html")
        .render(
            record=record,
            language=words.language,
            style=Markup(style),
            policy=page_policy(style),
            numbering=Numbering(),
            facts=list(_facts(record, words)),
            notes=[(note.level, _message(note, words)) for note in record.notes],
            lead=_lead(facts, words),
            against=_against(facts, words),
            figures=_figures(facts, words),
            terms=[_row(one, words) for one in facts.rows],
            has_p=not record.shares,
            power=_power(facts, words),
            more=facts.more,
            widths=list(_widths(facts, words)),
            assumptions=list(assumptions(facts, words)),
            methods=text,
            other_methods=(other.language, write_estimate_methods(facts, other)[0]),
            cited=cited,
        )
    )


def _facts(record: Estimates, words: Words) -> Iterator[str]:
    """The facts below the headline."""
    if record.data:
        yield label(record.data, 60)
    yield words("{n} rows", n=count(record.rows))
    yield words("{n} labelled", n=count(record.labelled))
    if record.cluster:
        clusters = count(record.labelled_clusters or 0)
        yield words("{n} labelled clusters (“{name}”)", n=clusters, name=label(record.cluster, 40))
    if record.version:
        yield f"Durée {record.version}"


def _message(note: Check, words: Words) -> str:
    return note.message_zh if words.language == "zh" and note.message_zh else note.message


def _lead(facts: EstimateFacts, words: Words) -> str:
    """The first term in a sentence; of shares, the smallest and the largest."""
    record = facts.record
    if record.shares and len(facts.shown) > 1:
        ranked = sorted((one.own for one in facts.shown), key=lambda term: term.estimate)
        return words(
            "The share of “{outcome}” goes from {low} ({first}) to {high} ({last}).",
            outcome=label(record.variables[0].name, 60),
            low=_with_interval(ranked[0], words),
            first=facts.name(ranked[0].term, words),
            high=_with_interval(ranked[-1], words),
            last=facts.name(ranked[-1].term, words),
        )
    term = facts.shown[0].own
    text = words(
        "The estimate of “{term}” is {estimate}.",
        term=facts.name(term.term, words),
        estimate=_with_interval(term, words),
    )
    if term.low is None or term.high is None or record.shares:
        return text
    verdict = (
        "The interval contains 0: the data do not show its sign."
        if term.low <= 0 <= term.high
        else "The interval does not contain 0."
    )
    return words.joined(text, words(verdict))


def _with_interval(term: Term, words: Words) -> str:
    """``0.021 [0.012, 0.030]``."""
    places = places_for(term)
    shown = interval(term, places)
    return f"{number(term.estimate, places)} {shown or words('(interval withheld)')}"


def _against(facts: EstimateFacts, words: Words) -> str:
    """How the usual practice, predictions taken for the truth, would have ended."""
    known = [one.naive_is_outside for one in facts.shown if one.naive_is_outside is not None]
    if not known:
        return ""
    if len(known) == 1:
        return words(
            "With predictions taken for the truth, the interval would not have contained this "
            "estimate."
            if known[0]
            else "With predictions taken for the truth, the interval would have contained this "
            "estimate."
        )
    return words(
        "With predictions taken for the truth, {count} of {all} intervals would not have contained "
        "these estimates.",
        count=sum(known),
        all=len(known),
    )


def _figures(facts: EstimateFacts, words: Words) -> dict[str, Markup]:
    figures: dict[str, str] = {}
    with drawing_style():
        if len(facts.shown) <= MOST_DRAWN:
            drawn = draw_terms(facts, words)
            figures["terms"] = to_inline_svg(to_svg(drawn), "terms", words("Estimates"))
        if facts.more:
            title = words("Width of intervals with more labels")
            figures["power"] = to_inline_svg(to_svg(draw_power(facts, words)), "power", title)
    return {name: Markup(figure) for name, figure in figures.items()}


def _row(row: Beside, words: Words) -> dict[str, str]:
    """The cells of a term in the table."""
    own = row.own
    places = places_for(own)
    cells = {
        "term": label(readable(own.term, words), 60),
        "estimate": number(own.estimate, places),
        "interval": interval(own, places) or words(WITHHELD),
        "se": number(own.se, places),
        "df": NONE if own.df is None else f"{own.df:.0f}",
        "p": p_value(own.p, THREE_DECIMALS),
        "labelled": NONE if own.labelled is None else count(own.labelled),
        "positives": NONE if own.positives is None else count(own.positives),
    }
    for method, term in (("alone", row.labelled_only), ("naive", row.naive)):
        cells[method] = NONE if term is None else number(term.estimate, places)
        cells[f"{method}_interval"] = "" if term is None else interval(term, places)
    return cells


def _power(facts: EstimateFacts, words: Words) -> str:
    """What more labels would bring to the first term."""
    power = facts.record.power
    if power is None or not facts.more:
        return words("No more rows are left to label.")
    at, extra = facts.places[0], facts.more[0]
    now, then = facts.half_width(at, 0), facts.half_width(at, extra)
    if now is None or then is None:
        return words("The interval of the first term is withheld: label more rows first.")
    term = facts.record.terms[at]
    places = places_for(term)
    return words(
        "{extra} more labelled clusters bring the interval of “{term}” from ± {now} to ± {then}."
        if power.unit == "clusters"
        else "{extra} more labels bring the interval of “{term}” from ± {now} to ± {then}.",
        extra=count(extra),
        term=facts.name(term.term, words),
        now=number(now, places),
        then=number(then, places),
    )


def _widths(facts: EstimateFacts, words: Words) -> Iterator[tuple[str, list[str]]]:
    """Each term with the half widths of its interval now and with more labels."""
    for at, term in enumerate(facts.record.terms):
        places = places_for(term)
        found = [facts.half_width(at, extra) for extra in (0, *facts.more)]
        cells = [words(WITHHELD) if half is None else f"± {number(half, places)}" for half in found]
        yield label(readable(term.term, words), 60), cells
