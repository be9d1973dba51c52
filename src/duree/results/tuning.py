"""The JSON file of a search for a recipe; ``duree.pipeline.tune`` writes it."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from duree.results.run_files import Record


class Trial(Record):
    """One recipe that was tried.

    Attributes
    ----------
    number : int
        0 is the recipe without a search.
    settings : {name: value}
        What differs from it.
    value : float or None
        The watched metric on the validation rows, as it is maximised; None if training failed.
    curve : list of float
        The metric of the recurrent part after each epoch.
    seconds : float
    ending : {"finished", "stopped", "failed"}
        Stopped: it was behind half of the trials before it, and does not count.
    reason : str
        Why it failed.
    """

    number: int
    settings: dict[str, JsonValue]
    value: float | None
    curve: tuple[float, ...] = ()
    seconds: float = 0.0
    ending: Literal["finished", "stopped", "failed"] = "finished"
    reason: str = ""


class TuningFacts(Record):
    """``tuning.json``.

    ``better`` is -1 if the metric was negated to be maximised. ``difference``, ``low``, ``high``
    and ``p_value`` compare the best trial with trial 0 on the validation rows, in the primary
    ``metric``; the p-value is multiplied by the number of other trials (Bonferroni). They are None
    where trial 0 is the best.
    """

    watched: str = ""
    better: int = 1
    wanted: int
    seed: int
    space: dict[str, JsonValue]
    trials: tuple[Trial, ...] = ()
    best: int | None = None
    metric: str = ""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None

    @property
    def is_beyond_noise(self) -> bool:
        """Whether the best trial differs significantly from trial 0."""
        return self.p_value is not None and self.p_value < 0.05
