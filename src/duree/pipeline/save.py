"""Results of a run, written into its folder for the report and for other programs."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version

import polars as pl
import torch

from duree.errors import RunError
from duree.evaluation.evaluate import Evaluation
from duree.pipeline.dataset import Dataset
from duree.pipeline.evaluate import TestResult
from duree.pipeline.listener import Listener
from duree.pipeline.progress import STOP_FILE
from duree.pipeline.run import Run
from duree.report.run_folder import RunFolder
from duree.results.metrics_file import ClassFigures, Metrics, ModelResult, Opening, Watched
from duree.results.run_files import PARTS, Check, DataFacts, Source, SplitData
from duree.sequences.encoder import Encoder
from duree.storage import seal_of
from duree.tables.columns import with_columns
from duree.tables.files.write import sink_table, write_table
from duree.tables.finding import Finding
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
    sources = [Source(**asdict(source)) for source in dataset.table.sources]
    if run.has("split.json"):
        _refuse_other_data(run, sources)
        return
    facts = DataFacts(
        sources=sources,
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
    frame = dataset.table.frame[rows.tolist()]
    target = dataset.target.gather(rows)
    test = task.answer_rows(frame, target, dataset.layout)
    network, *baselines = result.predictions.items()
    inputs = dataset.texts.gather(rows)
    write_table(
        with_columns(test, task.summary_columns(network[1], inputs)),
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


def save_metrics(run: Run, dataset: Dataset, task: Task, result: TestResult) -> None:
    """Write calibration.json and metrics.json, whose presence marks the evaluation as complete."""
    evaluation, recipe = result.evaluation, run.recipe
    seconds = _seconds(run)
    points = {
        name: task.calibration(found, result.targets) for name, found in result.predictions.items()
    }
    if result.simulation:
        run.write_json("simulation.json", result.simulation)
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
        test_openings=[Opening(**opening) for opening in run.test_openings()],
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
    )
    run.write_json("metrics.json", metrics)


def _models(evaluation: Evaluation, fit_seconds: dict[str, float]) -> dict[str, ModelResult]:
    return {
        name: ModelResult.model_validate({**figures, "fit_seconds": fit_seconds.get(name)})
        for name, figures in evaluation.models.items()
    }


def _seconds(run: Run) -> dict[str, float]:
    return dict(run.read_json("seconds.json")) if run.has("seconds.json") else {}


def _split(dataset: Dataset) -> SplitData:
    """How the rows were split: the classes, groups and ranges of time in each set."""
    split, target, groups, times = dataset.split, dataset.target, dataset.groups, dataset.times
    rows = {part: getattr(split, part) for part in PARTS}
    class_counts: dict[str, dict[str, int]] = {}
    if target.dtype == pl.String and target.name != dataset.texts.name:
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
    return Check(
        **asdict(finding) | {"rows": list(finding.rows)},
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


EXTRAS = {
    "formats": {"fastexcel": "Excel", "pyreadstat": "Stata and SPSS"},
    "chinese": {"jieba": "Chinese word segmentation"},
    "forecast": {"statsforecast": "ARIMA, ETS and Theta", "statsmodels": "ADF and KPSS tests"},
    "onnx": {"onnx": "export", "onnxruntime": "trying an export"},
    "serve": {"fastapi": "the service", "uvicorn": "the service"},
    "studio": {"python_multipart": "the studio"},
}


def versions() -> dict[str, str]:
    """The versions that a result depends on, by name."""
    return {"duree": __version__, "python": platform.python_version()} | {
        package: version(package) for package in CORE
    }
