"""What ``estimate.json`` holds: a regression with predicted variables, and all its page shows.

    {"terms": [{"term", "estimate", "se", "low", "high", "p", "df"}, ...],
     "naive": [...], "labelled_only": [...],        as terms, for comparison only
     "formula", "model", "population", "cluster", "variables", "fixed_effects", "rows", "labelled",
     "strata": [...], "design", "power": {...}, "settings": {...}, "notes": [...], "version"}

``duree.inference`` fills it, ``duree.pipeline.estimate`` writes it, the page and the methods
paragraph read it. Later versions only add keys.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from duree.results.run_files import Check, Record

Model = Literal["lm", "logit", "poisson"]
ESTIMATE_FILE = "estimate.json"


Method = Literal["dsl", "mover", "naive", "labelled_only"]


class Term(Record):
    """One coefficient, or one share.

    Attributes
    ----------
    term : str
        Its name in the model matrix, such as ``rating`` or ``C(year)[2001]``.
    estimate : float
    se : float
        Standard error.
    low, high, p, df : float or None
        The 95 % interval, the two-sided p-value of a coefficient of 0, and the degrees of freedom
        of t; None where they are withheld (see the notes) or where the method has none.
    method : {"dsl", "mover", "naive", "labelled_only"}
        How it was estimated: ``dsl`` are design-based moments, ``mover`` is a share by
        MOVER-Wilson.
    labelled : int or None
        Of a share: labelled rows in its group.
    positives : int or None
        Of a share: labelled rows in its group that are positive.
    """

    term: str
    estimate: float
    se: float
    low: float | None = None
    high: float | None = None
    p: float | None = None
    df: float | None = None
    method: Method = "dsl"
    labelled: int | None = None
    positives: int | None = None


class PredictedVariable(Record):
    """A variable of the formula that is predicted, and known only in labelled rows.

    ``role`` says where it stands in the formula. ``kind`` is ``binary`` for values 0 and 1,
    otherwise ``number``. ``labelled_mean`` and ``predicted_mean`` are over the labelled rows,
    unweighted; ``positives`` counts the labelled ones of a binary variable, and ``category`` is the
    label that counts as 1, where labels are texts.
    """

    name: str
    prediction: str
    role: Literal["outcome", "regressor"]
    kind: Literal["binary", "number"]
    labelled_mean: float
    predicted_mean: float
    positives: int | None = None
    category: str | None = None


class Stratum(Record):
    """Rows (or clusters, where these were drawn) of a stratum, and how many are labelled."""

    rows: int
    labelled: int


class PowerPoint(Record):
    """What ``extra`` more labels would bring: labelled rows (or clusters), se of each term."""

    extra: int
    labelled: int
    se: list[float]


class Power(Record):
    """The expected standard errors with more labels, drawn as the first ones were.

    ``unit`` is what is counted; ``half_widths`` are those of the 95 % intervals now, None where
    withheld. ``points`` begins with ``extra`` 0.
    """

    unit: Literal["rows", "clusters"]
    half_widths: list[float | None]
    points: list[PowerPoint]


class Settings(Record):
    """What the estimate depends on besides the data."""

    seed: int
    splits: int
    folds: int
    confidence: float = 0.95


class Estimates(Record):
    """The whole file.

    Attributes
    ----------
    terms, naive, labelled_only : list of Term
        The estimates; those that take predictions (rounded to 0 and 1 where binary) for the truth;
        those from labelled rows alone.
    formula : str
        As it was given, with the fixed effects after ``|``.
    model : {"lm", "logit", "poisson"}
    population : bool
        Whether the estimates describe this corpus (``--for corpus``: design variance only), not
        what produced it.
    shares : bool
        Whether the terms are shares of groups.
    variables : list of PredictedVariable
    fixed_effects : list of str
        Columns whose fixed effects were absorbed.
    cluster : str or None
    clusters, labelled_clusters : int or None
        Their number.
    rows, labelled : int
    strata : list of Stratum
        One, where the sample was not stratified.
    design : {"coding", "sample_prob", "equal_prob"}
        Where the probabilities of being labelled come from: the folder of ``duree sample``, a
        column, or the user's word that all rows had the same chance.
    probabilities : [float, float]
        The smallest and the largest.
    out_of_fold : bool or None
        Whether the predictions were made out of fold; None where nothing records it.
    power : Power or None
    settings : Settings
    notes : list of Check
        Cautions, each with its message in English and in Chinese.
    data : str
        Name of the population's file.
    data_sha256 : str
    """

    terms: list[Term]
    naive: list[Term]
    labelled_only: list[Term]
    formula: str
    model: Model
    population: bool
    shares: bool
    variables: list[PredictedVariable]
    fixed_effects: list[str] = Field(default_factory=list)
    cluster: str | None = None
    clusters: int | None = None
    labelled_clusters: int | None = None
    rows: int
    labelled: int
    strata: list[Stratum]
    design: Literal["coding", "sample_prob", "equal_prob"]
    probabilities: tuple[float, float]
    out_of_fold: bool | None = None
    power: Power | None = None
    settings: Settings
    notes: list[Check] = Field(default_factory=list)
    data: str = ""
    data_sha256: str = ""
    version: str = ""
