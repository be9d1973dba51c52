"""Load the data of a finished run for the report."""

from __future__ import annotations

from pathlib import Path

from duree.report.facets.find import find_extras, find_rows, find_target
from duree.report.old_wording import StoredCheck, StoredSplit
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.results.run_files import Bin, DataFacts


def load_run(path: Path | str) -> RunData:
    """Read a finished run folder.

    Raises
    ------
    RunError
        A file is missing, cannot be read, or does not hold what it should.
    """
    folder = RunFolder(path)
    return RunData(
        name=folder.path.resolve().name,
        recipe=folder.recipe,
        metrics=folder.metrics,
        checks=[
            check.in_todays_words() for check in folder.record(list[StoredCheck], "checks.json")
        ],
        split=folder.record(StoredSplit, "split.json").in_todays_words(),
        data=folder.record(DataFacts, "data.json"),
        history=folder.history(),
        predictions=folder.predictions,
        baselines=folder.table("baselines.parquet", ["row", "model", "prediction"])
        if folder.has("baselines.parquet")
        else None,
        calibration=folder.record_if_there(dict[str, list[Bin]], "calibration.json") or {},
        rows=find_rows(folder),
        target=find_target(folder),
        extras=find_extras(folder),
    )
