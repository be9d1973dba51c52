"""Results of a run, written into its folder for the report and for other programs."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from duree.errors import Phrase, RunError, plain
from duree.evaluation.evaluate import Evaluation
from duree.pipeline.dataset import Dataset
from duree.pipeline.evaluate import TestResult
from duree.pipeline.listener import Listener
from duree.pipeline.progress import STOP_FILE
from duree.pipeline.run import Run
from duree.report.run_folder import RunFolder
from duree.results.metrics_file import ClassFigures, Metrics, ModelResult, Watched
from duree.results.run_files import PARTS, Check, DataFacts, Source, SplitData
from duree.sequences.encoder import Encoder
from duree.storage import given_name, seal_of
from duree.tables.columns import with_columns
from duree.tables.files.write import sink_table, write_table
from duree.tables.finding import Finding
from duree.tables.source_rows import source_names
from duree.tasks import Task
from duree.version import __version__

ENDED_BY_HAND = "Training was ended by hand, with the weights of the best epoch so far."


@contextmanager
def step(run: Run, name: str, listener: Listener) -> Iterator[None]:
    """Announce a step, and add the seconds that it takes to those of earlier attempts."""
    listener.step(name)
    run.log(f"{name} begins")
    began = time.perf_counter()
    try:
        yield
    except BaseException as error:
        run.log(f"{name} ends early: {type(error).__name__}: {error}")
        raise
    seconds = _seconds(run)
    seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - began
    run.write_json("seconds.json", seconds)
    run.log(f"{name} ends")


def save_dataset(run: Run, dataset: Dataset) -> None:
    """Write data.json, checks.json, split.json and what describes the sequences.

    Raises
    ------
    RunError
        The run was started with other data.
    """
    sources = _sources(dataset)
    if run.has("split.json"):
        _refuse_other_data(run, sources)
        return
    row, file = _origin_names(dataset)
    facts = DataFacts(
        sources=sources,
        source_row=row,
        source_file=file,
        columns={name: str(kind) for name, kind in dataset.table.frame.schema.items()},
        versions=versions(),
        platform=platform.platform(),
        threads=torch.get_num_threads(),
        note=run.recipe.data.note,
    )
    run.write_json("data.json", facts)
    described = dataset.layout.describe(
        dataset.table, dataset.texts, dataset.classes, run.recipe.seed, dataset.weights
    )
    for name, found in described.items():
        run.write_json(name, found)
    run.write_json("checks.json", [_check(finding) for finding in dataset.findings])
    run.write_json("split.json", dataset.split.to_dict() | _split(dataset).model_dump())


def save_encoder(run: Run, encoder: Encoder) -> None:
    """Write what the report shows of the encoding."""
    for name, found in encoder.describe().items():
        run.write_json(name, found)


def save_predictions(run: Run, dataset: Dataset, task: Task, result: TestResult) -> None:
    """Write predictions.parquet, and baselines.parquet with the predictions of each baseline."""
    rows = dataset.split.test
    origins = origin_columns(dataset, rows)
    frame = with_columns(dataset.table.frame[rows.tolist()], origins)
    target = dataset.target.gather(rows)
    test = task.answer_rows(frame, target, dataset.layout)
    network, *baselines = result.predictions.items()
    inputs = dataset.texts.gather(rows)
    predicted = with_columns(test, task.summary_columns(network[1], inputs))
    # Last, so that the other columns stay where other programs expect them.
    last = [column.name for column in origins]
    write_table(
        predicted.select(pl.exclude(last) if last else pl.all(), *last),
        run.folder / "predictions.parquet",
    )
    for name, facts in task.facts(network[1], result.targets, inputs, target).items():
        run.write_json(name, facts)
    frames = [
        pl.LazyFrame(task.summary_columns(found, inputs)).select(
            pl.int_range(len(test)).alias("row"), pl.lit(name).alias("model"), pl.all()
        )
        for name, found in baselines
    ]
    if frames:
        sink_table(pl.concat(frames), run.folder / "baselines.parquet")


def _sources(dataset: Dataset) -> list[Source]:
    """The files of the run, with the names that they had before they were uploaded."""
    return [
        Source(**asdict(source), given=given_name(source.path)) for source in dataset.table.sources
    ]


def _origin_names(dataset: Dataset) -> tuple[str | None, str | None]:
    """The columns for each row's number in its file and, if there are several, for the file."""
    if dataset.table.origins is None:
        return None, None
    row, file = (_free(name, dataset.table.frame.columns) for name in ("source_row", "source_file"))
    return row, file if len(dataset.table.sources) > 1 else None


def _free(name: str, taken: list[str]) -> str:
    """The name, lengthened as long as a column has it."""
    return name if name not in taken else _free(f"{name}_", taken)


def origin_columns(dataset: Dataset, rows: NDArray[np.int64]) -> list[pl.Series]:
    """The columns that say where each of the rows comes from; none if that is unknown."""
    origins = dataset.table.origins
    row, file = _origin_names(dataset)
    if origins is None or row is None:
        return []
    found = [origins["row"].gather(rows).alias(row)]
    if file is not None:
        names = source_names(dataset.table.sources)
        found.append(pl.Series(file, names).gather(origins["file"].gather(rows)))
    return found


def save_metrics(run: Run, dataset: Dataset, task: Task, result: TestResult) -> None:
    """Write calibration.json and metrics.json, whose presence marks the evaluation as complete."""
    evaluation, recipe = result.evaluation, run.recipe
    seconds = _seconds(run)
    points = {
        name: task.calibration(found, result.targets) for name, found in result.predictions.items()
    }
    if result.simulation:
        run.write_json("simulation.json", result.simulation)
    if result.rare:
        run.write_json("precision_recall.json", result.rare)
    run.write_json("calibration.json", {name: found for name, found in points.items() if found})
    metrics = Metrics(
        task=task.name,
        cell=recipe.model.cell,
        seed=recipe.seed,
        rows={part: len(getattr(dataset.split, part)) for part in PARTS},
        seconds=seconds | {"total": sum(seconds.values())},
        models=_models(evaluation, result.fit_seconds | {"network": seconds["train"]}),
        comparisons=evaluation.comparisons,
        verdict=evaluation.verdict.sentence("en"),
        claim=evaluation.verdict.claim,
        verdict_baseline=evaluation.verdict.values.get("baseline"),
        verdict_zh=evaluation.verdict.sentence("zh"),
        primary_metric=evaluation.primary,
        counted=evaluation.verdict.values["counted"],
        distillation_share=task.distillation_share,
        watched=Watched(title=task.watched.title, better=task.watched.better),
        metric_names=list(evaluation.models["network"]),
        metrics={
            metric.name: metric
            for metric in task.metrics.metrics
            if any(metric.name in figures for figures in evaluation.models.values())
        },
        baselines=result.words,
        left_out=result.left_out,
        test_openings=run.test_openings(),
        without_shared_rows=result.without_shared,
        seeds=result.seeds,
        per_class={
            name: {
                label: ClassFigures.model_validate(figures)
                for label, figures in zip(task.classes, found, strict=True)
            }
            for name, found in evaluation.classes.items()
            if found
        },
        choices=result.choices,
        notes=result.notes + ([ENDED_BY_HAND] if run.has(STOP_FILE) else []),
        manifest=seal_of(run.folder / "model"),
        decisions=result.decisions,
    )
    run.write_json("metrics.json", metrics)


def _models(evaluation: Evaluation, fit_seconds: dict[str, float]) -> dict[str, ModelResult]:
    return {
        name: ModelResult.model_validate({**figures, "fit_seconds": fit_seconds.get(name)})
        for name, figures in evaluation.models.items()
    }


def _seconds(run: Run) -> dict[str, float]:
    return RunFolder(run.folder).record_if_there(dict[str, float], "seconds.json") or {}


def _split(dataset: Dataset) -> SplitData:
    """How the rows were split: the classes, groups and ranges of time in each set."""
    split, target, groups, times = dataset.split, dataset.target, dataset.groups, dataset.times
    rows = {part: getattr(split, part) for part in PARTS}
    class_counts: dict[str, dict[str, int]] = {}
    is_class = target.dtype == pl.String and not dataset.task.writes_texts
    if is_class and target.name != dataset.texts.name:
        counts = {
            part: target.gather(rows[part]).alias("label").value_counts().rows() for part in PARTS
        }
        class_counts = {part: dict(sorted(pairs)) for part, pairs in counts.items()}
    ranges: dict[str, list[str]] = {}
    if times is not None:
        ordered = {part: times.gather(rows[part]).drop_nulls() for part in PARTS}
        ranges = {part: [str(found.min()), str(found.max())] for part, found in ordered.items()}
    return SplitData(
        method=split.describe("en"),
        method_zh=split.describe("zh"),
        seed=split.seed,
        counts=split.counts,
        class_counts=class_counts,
        ranges=ranges,
        group_counts={}
        if groups is None
        else {part: len(set(groups[rows[part]].tolist())) for part in PARTS},
    )


def _check(finding: Finding) -> Check:
    where = finding.where or Phrase("")
    return Check(
        **asdict(finding)
        | {
            "rows": list(finding.rows),
            "where": where.message("en"),
            "values": plain(finding.values),
        },
        where_zh=where.message("zh"),
        message=finding.message("en"),
        message_zh=finding.message("zh"),
    )


def _refuse_other_data(run: Run, sources: list[Source]) -> None:
    known = RunFolder(run.folder).record(DataFacts, "data.json")
    for was, now in zip(known.sources, sources, strict=False):
        if was.sha256 != now.sha256:
            raise RunError(
                "{path!r} has changed since the run began",
                fix="put the old file back, or begin a new run",
                path=now.path,
            )
    if len(known.sources) != len(sources):
        raise RunError("the run began with other files", fix="begin a new run")
    if known.threads and known.threads != torch.get_num_threads():
        # Another number of threads changes the order of sums, and so their last digits.
        torch.set_num_threads(known.threads)


CORE = ("torch", "numpy", "scikit-learn", "polars", "matplotlib", "safetensors")


def versions() -> dict[str, str]:
    """The versions that a result depends on, by name."""
    return {"duree": __version__, "python": platform.python_version()} | {
        package: version(package) for package in CORE
    }
