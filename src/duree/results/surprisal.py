"""What the page of surprisal shows: shaded texts, changes along a long one, means by group."""

from __future__ import annotations

from duree.results.run_files import Record


class Compared(Record):
    """The surprisal of one group of documents that did not train the network.

    Attributes
    ----------
    name : str
    documents : int
    bits : float
        Mean, in the unit of ``Comparison.rate``.
    low, high : float or None
        The 95 % interval, by documents; None with fewer than three.
    difference : float
        From the mean of all other documents.
    p_value : float or None
        Of no difference, adjusted for the number of groups; None where it was not tested.
    """

    name: str
    documents: int
    bits: float
    low: float | None
    high: float | None
    difference: float
    p_value: float | None


class Comparison(Record):
    """Mean surprisal by the values of a column.

    Attributes
    ----------
    column : str
    rate : str
        ``"bits_per_character"`` or ``"bits_per_unit"``.
    groups : list of Compared
    trained, missing, empty : int
        Documents that were left out: since they trained the network, have no value, or no text.
    only_trained : list of str
        Groups without any other document.
    ordered : bool
        Whether the values are numbers or times.
    correlation, p_value : float or None
        Spearman's rank correlation of documents with an ordered column, and its p-value.
    """

    column: str
    rate: str
    groups: list[Compared]
    trained: int
    missing: int
    empty: int
    only_trained: list[str]
    ordered: bool
    correlation: float | None = None
    p_value: float | None = None


class Along(Record):
    """Surprisal along a long text, in passages of whole sentences.

    Attributes
    ----------
    begins : list of int
        Where each passage begins, in characters.
    values : list of float
        Bits per unit of each passage.
    changes : list of int
        The passages that begin a new level.
    quotes : list of str
        The first characters of each of these.
    units : int
        The fewest units of a passage.
    """

    begins: list[int]
    values: list[float]
    changes: list[int]
    quotes: list[str]
    units: int


class ShownText(Record):
    """One document on the page.

    Attributes
    ----------
    row : int
        Its row in the table, from 1.
    name : str
        Its id or file, if the table has one; otherwise empty.
    in_training : bool
    units : int
        With the end of the text.
    bits, per_character : float
    text : str
        As much of it as is shown.
    cut : int
        Characters that are not shown.
    places : list of (int, int)
        The words of ``text``.
    values : list of float
        The bits of each.
    along : Along or None
        None where the text is too short.
    """

    row: int
    name: str
    in_training: bool
    units: int
    bits: float
    per_character: float
    text: str
    cut: int
    places: list[tuple[int, int]]
    values: list[float]
    along: Along | None


class LanguageFacts(Record):
    """What a run of a language model found on its test documents.

    Attributes
    ----------
    order : int
        Of the n-grams that the network was interpolated with.
    share : float
        The share of the network in that mixture.
    texts : list of ShownText
        The most surprising test documents, then the least surprising, or all; ``row`` counts the
        test documents, from 1.
    order_of_texts : str
        As ``SurprisalData.order``.
    comparison : Comparison or None
        By the column of groups; None without one.
    groups : int
        How many there are; of many, those with most documents are compared.
    samples : int
        Candidates of the softmax in training; 0: all units.
    """

    order: int
    share: float
    texts: list[ShownText]
    order_of_texts: str
    comparison: Comparison | None = None
    groups: int = 0
    samples: int = 0


class SurprisalData(Record):
    """All that the page shows.

    Attributes
    ----------
    run, data : str
        The names of the run and of the table.
    documents, trained : int
        How many there are, and how many of them trained the network.
    units, characters : int
    bits : float
        Sums over all documents.
    rate : str
        As in ``Comparison``.
    order : str
        Which are shown: ``"all"``, the ``"first"``, or the ``"extreme"``: the most and the least
        surprising.
    texts : list of ShownText
    comparison : Comparison or None
    """

    run: str
    data: str
    documents: int
    trained: int
    units: int
    characters: int
    bits: float
    rate: str
    order: str
    texts: list[ShownText]
    comparison: Comparison | None
