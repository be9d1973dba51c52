"""Demo: the whole workflow on simulated letters, from a table to a report, without a download."""

from __future__ import annotations

from pathlib import Path

from duree.errors import translate
from duree.examples.letters import generate
from duree.pipeline.listener import SILENT, Listener
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.tables.files.write import write_table
from duree.workflow import fit

NOTE = (
    "These letters are simulated. Their tone depends on the order of words, not on which words "
    "occur, and is recorded wrongly in 3 % of them: in the long run no model can have an accuracy "
    "above 0.97, and none that only counts words above about 0.66."
)
SETTINGS = {"text": "letter", "target": "tone", "id": "letter_id"}


def fit_demo(folder: Path, rows: int = 3000, listener: Listener = SILENT) -> Run:
    """Write the letters next to the run folder, and train on them with the default recipe.

    Raises
    ------
    RunError
        The folder already exists.
    """
    table = folder.with_name(f"{folder.name}-letters.csv")
    table.parent.mkdir(parents=True, exist_ok=True)
    write_table(generate(rows), table)
    recipe = Recipe.build({"data": {**SETTINGS, "note": translate(NOTE)}})
    recipe = recipe.replace({"data.files": (str(table.absolute()),)})
    return fit(recipe, folder, listener)
