"""Demo: the whole job on simulated letters, from a table to a report, without any download."""

from __future__ import annotations

from pathlib import Path

from duree.cli.demo_corpus import generate
from duree.pipeline.listener import SILENT, Listener
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.tables.files.write import write_table
from duree.workflow import fit

NOTE = (
    "These letters are simulated: their tone hangs on the order of words, not on which words there "
    "are, and is recorded wrongly in 3 of 100. So in the long run nobody can be right more often "
    "than 0.97, and nobody who only counts words more often than about 0.66."
)
SETTINGS = {"data": {"text": "letter", "target": "tone", "id": "letter_id", "note": NOTE}}


def fit_demo(folder: Path, rows: int = 3000, listener: Listener = SILENT) -> Run:
    """Write the letters beside the run folder, and carry the default recipe out on them.

    Raises
    ------
    RunError
        The folder holds a run already.
    """
    table = folder.with_name(f"{folder.name}-letters.csv")
    table.parent.mkdir(parents=True, exist_ok=True)
    write_table(generate(rows), table)
    recipe = Recipe.build(SETTINGS).replace({"data.files": (str(table.absolute()),)})
    return fit(recipe, folder, listener)
