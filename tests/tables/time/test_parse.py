"""Times are written in a few forms, which every reader of times shares."""

from datetime import datetime

import polars as pl
import pytest

from duree.errors import DataError
from duree.tables.table import Table
from duree.tables.time import calendar_units, frequency
from duree.tables.time.order import time_order
from duree.tables.time.parse import CLOCK, DATE, MONTH, NUMBER, QUARTER, form_of

FORMS = (QUARTER, MONTH, DATE, CLOCK, NUMBER)


def spells(*values: str) -> pl.Series:
    """The times as those of spells and events are read."""
    table = Table(pl.Series("when", values).to_frame(), ())
    return calendar_units.read_times(table, "when")


@pytest.mark.parametrize(
    ("texts", "form", "first"),
    [
        (["1999", "-3", "1e3"], NUMBER, 1999.0),
        (["1999-Q2", "1999 q3"], QUARTER, datetime(1999, 4, 1)),
        (["1999-12", None], MONTH, datetime(1999, 12, 1)),
        (["1999-12-31"], DATE, datetime(1999, 12, 31)),
        (["1999-12-31 18:00", "1999-12-31T18:00:05.5Z"], CLOCK, datetime(1999, 12, 31, 18)),
        (["1999-12-31 18:00+02:00", "1999-12-31T18:00-05"], CLOCK, datetime(1999, 12, 31, 16)),
    ],
)
def test_a_column_is_read_in_the_form_that_all_its_cells_have(texts, form, first):
    column = pl.Series("when", texts)
    assert form_of(column, FORMS) is form
    assert form.read(column)[0] == first


@pytest.mark.parametrize(
    "texts", [["1999-12", "1999-12-31"], ["1999", "1999-12"], ["31.12.1999"], ["inf"]]
)
def test_cells_of_several_forms_or_none_have_no_form(texts):
    assert form_of(pl.Series("when", texts), FORMS) is None


@pytest.mark.parametrize("text", ["2003-06-30", "2003-06-30 12:30", "2003-06-30T12:30:15.25+02:00"])
def test_all_readers_place_a_moment_alike(text):
    moment = CLOCK.read(pl.Series([text]))[0] or DATE.read(pl.Series([text]))[0]
    assert spells(text)[0] == moment
    seconds = frequency.read_times(pl.Series("when", [text])).moments[0]
    assert seconds == (moment - datetime(1970, 1, 1)).total_seconds()
    assert time_order(pl.Series("when", [text, "1900-01-01" + text[10:]])).tolist() == [1, 0]


@pytest.mark.parametrize("text", ["20030230", "2003-13", "2003-02-30"])
def test_a_date_that_does_not_exist_is_refused_and_not_taken_for_missing(text):
    with pytest.raises(DataError, match=f"'{text}' in the column 'when'.*row 2"):
        spells(text[:-2] + "01", text)


def test_times_of_spells_are_equally_precise():
    with pytest.raises(DataError, match="row 3"):
        spells("2003-06-30 12:30", "2003-06-30 12:31", "2003-06-30 12:30:15")
