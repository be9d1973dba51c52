"""Card: what a model is, what it was made of, how good it is and where that ends, in Markdown.

The head is in the form that Hugging Face's hub reads; nothing is sent there.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from duree.evaluation.metrics import LABELS
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
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
        autoescape=False,  # Markdown, and no page
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    names = metrics["metric_names"]
    return environment.get_template("card.md").render(
        name=run.folder.resolve().name,
        version=__version__,
        graph=graph,
        metrics=metrics,
        labels={name: LABELS.get(name, name) for name in names},
        data=data,
        sources=[
            {**source, "path": source["path"].rpartition("/")[2]} for source in data["sources"]
        ],
        model=model,
        recipe=run.recipe,
        answers=list(model.task.classes),
        figure=_figure,
    )


def _figure(found: dict[str, Any] | None) -> str:
    """``0.861 [0.848, 0.873]``; a dash where there is none."""
    if found is None:
        return "–"
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def _cell(text: object) -> str:
    """A text that a Markdown table or list can hold: one line, no bars, no markup."""
    plain = " ".join(str(text).split())
    return "".join(f"\\{sign}" if sign in "|<>*_`[]#" else sign for sign in plain)
