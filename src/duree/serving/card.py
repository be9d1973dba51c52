"""Model card in Markdown: what a model predicts, its data, its metrics and its limits.

The metadata have the format of Hugging Face's hub; nothing is sent there.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.report.load import load_run
from duree.version import __version__


def write_card(run: Run, model: TrainedModel, graph: str = "") -> str:
    """The card of a run's network; ``graph`` is the name of its ONNX file, if there is one.

    Raises
    ------
    RunError
        The run is not finished.
    """
    metrics, data = run.read_json("metrics.json"), run.read_json("data.json")
    environment = Environment(
        loader=PackageLoader("duree.serving"),
        autoescape=False,  # Markdown, not HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    metric_names, models, cell = metrics["metric_names"], metrics["models"], metrics["cell"]
    report = load_run(run.folder)
    words = report.words("en")
    return environment.get_template("card.md").render(
        name=run.folder.resolve().name,
        version=__version__,
        graph=graph,
        metrics=metrics | {"notes": report.metrics.notes},
        labels={name: words.metric(name) for name in metric_names},
        names={name: words.model(name, cell) for name in models},
        verdict=words.named(report.metrics.verdict, models, cell),
        data=data,
        sources=[
            {**source, "path": source["path"].rpartition("/")[2]} for source in data["sources"]
        ],
        model=model,
        reads_numbers=model.encoder.units_encoder is None,
        recipe=run.recipe,
        answers=list(model.task.classes),
        figure=_figure,
    )


def _figure(found: dict[str, Any] | None) -> str:
    """``0.861 [0.848, 0.873]``; a dash for none."""
    if found is None:
        return "–"
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def _cell(text: object) -> str:
    """A text for a Markdown table or list: one line, markup escaped."""
    plain = " ".join(str(text).split())
    return "".join(f"\\{sign}" if sign in "|<>*_`[]#" else sign for sign in plain)
