"""The demo: the whole job on simulated letters, whose truth is known and may be shipped."""

from __future__ import annotations

from pathlib import Path

from duree.letters import NOISE, generate
from duree.listener import SILENT, Listener
from duree.recipe import Recipe
from duree.run import Run
from duree.tables.write import write_table
from duree.workflow import fit

NOTE = (
    f"These letters are simulated, and their tone hangs on the order of words; {NOISE:.0%} of the "
    f"tones are recorded wrongly on purpose, so nobody can be right more often than {1 - NOISE:.0%}."
)


def fit_demo(folder: Path, rows: int = 3000, listener: Listener = SILENT) -> Run:
    """Simulate ``rows`` letters, write them beside the run, and carry the whole job out on them."""
    letters = folder.with_name(f"{folder.name}-letters.csv")
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_table(generate(rows, seed=0), letters)
    recipe = Recipe().replace(
        {
            "data.files": (str(letters.absolute()),),
            "data.text": "letter",
            "data.target": "tone",
            "data.id": "letter_id",
            "data.note": NOTE,
        }
    )
    return fit(recipe, folder, listener)
