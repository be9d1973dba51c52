"""Methods section: properties that all networks have."""

from __future__ import annotations

from duree.report.methods.phrases import Phrases
from duree.report.run_data import RunData

CELLS = {
    "gru": "gated recurrent network (GRU; {cho2014})",
    "lstm": "long short-term memory network (LSTM; {hochreiter1997})",
    "rnn": "simple recurrent network ({elman1990})",
}
POOLINGS = {
    "attention": "its states were pooled by attention ({yang2016})",
    "mean": "its states were averaged",
    "max": "the maximum of each dimension of its states was taken",
    "last": "its last state was taken",
}


def direction(run: RunData, say: Phrases) -> str:
    """The word "bidirectional"; empty for unidirectional networks."""
    return say("bidirectional ({schuster1997}) ") if run.recipe.model.bidirectional else ""


def cell(run: RunData, say: Phrases) -> str:
    """The name of the cell."""
    return say(CELLS[run.recipe.model.cell])


def layers(run: RunData, say: Phrases) -> str:
    """The number of layers."""
    number = run.recipe.model.num_layers
    return say("one layer") if number == 1 else say("{n} layers", n=number)


def size(run: RunData, say: Phrases) -> str:
    """The number of units per layer."""
    model = run.recipe.model
    template = "{n} units in each direction" if model.bidirectional else "{n} units"
    return say(template, n=model.hidden_size)


def pooling(run: RunData, say: Phrases) -> str:
    """The pooling of its states."""
    return say(POOLINGS[run.recipe.model.pooling])


def dropout_sentences(run: RunData, say: Phrases) -> list[str]:
    """Sentences on dropout in training; none without dropout."""
    model = run.recipe.model
    shares = (
        (run.rows.of_inputs, model.input_dropout),
        ("{share:g} % of the dimensions between layers", model.layer_dropout),
        ("{share:g} % of the recurrent state", model.recurrent_dropout),
        (run.target.of_outputs, model.output_dropout),
    )
    dropped = [say(template, share=100 * share) for template, share in shares if share]
    if not dropped:
        return []
    return [
        say(
            (
                "During training, dropout with one mask per sequence ({gal2016}) was applied to "
                "{dropped}."
            ),
            dropped=say.words.listed(dropped),
        )
    ]
