"""Predictions for a text, states, a sentence or a series that the user types in."""

from __future__ import annotations

from collections.abc import Mapping

from duree.pipeline.run import Run
from duree.serving.rows import Tried
from duree.serving.served import rows_of
from duree.serving.studio.test_rows import ONE_AT_A_TIME, networks

MAX_LENGTH = 20_000  # characters


def predict_input(run: Run, given: Mapping[str, str]) -> Tried:
    """The network's prediction for what was typed into the form.

    Raises
    ------
    DataError
        The network cannot read it.
    """
    text = given.get("text", "")[:MAX_LENGTH]
    with ONE_AT_A_TIME:
        model = networks(run)[0]
        known = {name: given.get(f"known {name}", "") for name in model.layout.covariates}
        rows = rows_of(model, run.recipe, run)
        return rows.try_action(given.get("action", ""), text, known)
