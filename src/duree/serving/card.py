"""Model card in Markdown: what a model predicts, its data, its metrics and its limits.

The metadata have the format of Hugging Face's hub; nothing is sent there.
"""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.report.load import load_run
from duree.results.run_files import Estimate
from duree.version import __version__


def write_card(run: Run, model: TrainedModel, graph: str = "") -> str:
    """The card of a run's network; ``graph`` is the name of its ONNX file, if there is one.

    Raises
    ------
    RunError
        The run is not finished.
    """
    finished = load_run(run.folder)
    metrics, words = finished.metrics, finished.words("en")
    environment = Environment(
        loader=PackageLoader("duree.serving"),
        autoescape=False,  # Markdown, not HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    return environment.get_template("card.md").render(
        name=run.folder.resolve().name,
        version=__version__,
        graph=graph,
        metrics=metrics,
        labels={name: words.metric(name) for name in metrics.metric_names},
        names={name: words.model(name, metrics.cell) for name in metrics.models},
        verdict=words.named(metrics.verdict, metrics.models, metrics.cell),
        data=finished.data,
        model=model,
        units=model.encoder.units_encoder,
        answers=list(model.task.classes),
        decision=model.task.decision,
        figure=_figure,
    )


def _figure(found: Estimate | None) -> str:
    """``0.861 [0.848, 0.873]``; a dash for none."""
    if found is None:
        return "–"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _cell(text: object) -> str:
    """A text for a Markdown table or list: one line, markup escaped."""
    plain = " ".join(str(text).split())
    return "".join(f"\\{sign}" if sign in "|<>*_`[]#" else sign for sign in plain)
