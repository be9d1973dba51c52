"""Methods of the model: how texts were encoded, what was built, and how it was trained."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods.phrases import Phrases
from duree.report.numbers import count
from duree.report.run_data import RunData
from duree.report.safe_text import label
from duree.sequences.step_features import HIDDEN
from duree.tables.layouts.persons import GAPS

SEGMENTERS = {
    "auto": "words, or characters where the script has no spaces",
    "words": "words",
    "characters": "characters",
    "jieba": "words as segmented by jieba",
}
NUMBERS = {
    "keep": "",
    "digits": "Every digit was written as 0.",
    "one": "Every number was written as 0.",
}
CELLS = {
    "gru": "gated recurrent network (GRU; {cho2014})",
    "lstm": "long short-term memory network (LSTM; {hochreiter1997})",
    "rnn": "simple recurrent network ({elman1990})",
}
POOLINGS = {
    "attention": "its states were pooled by attention ({yang2016})",
    "mean": "the mean of its states was taken",
    "max": "the largest value of each dimension of its states was taken",
    "last": "its last state was taken",
}
OPTIMISERS = {
    "adam": "Adam ({kingma2015})",
    "adamw": "AdamW ({loshchilov2019})",
    "sgd": "stochastic gradient descent with momentum 0.9",
    "rmsprop": "RMSprop ({tieleman2012})",
}
FORECAST_LOSSES = {
    "quantiles": "pinball loss ({koenker1978})",
    "gaussian": "negative log-likelihood",
    "student": "negative log-likelihood",
    "negative_binomial": "negative log-likelihood",
}
SCHEDULES = {
    "constant": "kept constant",
    "linear": "falling linearly to zero",
    "cosine": "falling along a cosine ({loshchilov2017})",
}


def text_sentences(run: RunData, say: Phrases) -> Iterator[str]:
    """How a text became a sequence."""
    text = run.recipe.text
    if run.recipe.data.reads_states:
        yield say("Each sequence of states was read in order, one state a step.")
        yield from _step_features(run, say)
        return
    units = say(SEGMENTERS[text.segmenter])
    if text.lowercase:
        yield say("Texts were case-folded and cut into {units}.", units=units)
    else:
        yield say("Texts were cut into {units}.", units=units)
    if NUMBERS[text.numbers]:
        yield say(NUMBERS[text.numbers])
    yield say(
        "The {n} most frequent units of the training texts were given an index; all others counted "
        "as unknown.",
        n=count(text.max_features),
    )
    facts = {"limit": count(text.max_length), "tail": count(text.max_length // 2)}
    facts["head"] = count(text.max_length - text.max_length // 2)
    yield say(
        {
            "both": "Of a text longer than {limit} units the first {head} and the last {tail} were "
            "kept.",
            "head": "Of a text longer than {limit} units the first {limit} were kept.",
            "tail": "Of a text longer than {limit} units the last {limit} were kept.",
        }[text.keep],
        **facts,
    )


def _step_features(run: RunData, say: Phrases) -> Iterator[str]:
    """What was read beside each event, and as what."""
    if not run.step_features:
        return
    named = [
        say("the time since the one before, in {n} classes", n=found.classes)
        if name == GAPS
        else say("“{name}”, in {n} classes", name=label(name), n=found.classes)
        for name, found in run.step_features.items()
    ]
    yield say("Beside each event stood {named}.", named=say.words.listed(named))
    kinds = {found.is_number for found in run.step_features.values()}
    yield say(
        {
            (True,): "Numbers were read as classes of equal mass among the training events "
            "({gorishniy2022}); what is missing is a class of its own.",
            (False,): "Categories were read as themselves, rare ones as one; what is missing is a "
            "class of its own.",
            (False, True): "Numbers were read as classes of equal mass among the training events "
            "({gorishniy2022}), categories as themselves, rare ones as one; what is missing is a "
            "class of its own.",
        }[tuple(sorted(kinds))]
    )
    yield say(
        "Each class has a vector that is added to its event’s; while training, each of these "
        "things was hidden as missing in {share:g} % of the sequences.",
        share=100 * HIDDEN,
    )


def network_sentences(run: RunData, say: Phrases) -> Iterator[str]:
    """What the network is made of."""
    model = run.recipe.model
    if run.answers_steps:
        yield from _of_steps(run, say)
        return
    direction = say("bidirectional ({schuster1997}) ") if model.bidirectional else ""
    layers = say("one layer") if model.num_layers == 1 else say("{n} layers", n=model.num_layers)
    size = "{n} units in each direction" if model.bidirectional else "{n} units"
    yield say(
        "Each unit was embedded in {embedding} dimensions and read by a {direction}{cell} of "
        "{layers} with {size}; {pooling}, and a linear layer gave the scores.",
        embedding=model.embedding_size,
        direction=direction,
        cell=say(CELLS[model.cell]),
        layers=layers,
        size=say(size, n=model.hidden_size),
        pooling=say(POOLINGS[model.pooling]),
    )
    if model.wide:
        yield say(
            "A linear bag-of-words score ({wang2012}), trained by itself, was joined to the "
            "network’s ({cheng2016}), each with a weight found on validation; it was then fitted "
            "again on training and validation rows together."
        )
    if dropped := dropouts(run, say):
        yield say(
            "While training, dropout with one mask for each sequence ({gal2016}) hid {dropped}.",
            dropped=say.words.listed(dropped),
        )
    if model.word_dropout:
        yield say(
            "{share:g} % of the units were hidden as unknown while training ({iyyer2015}).",
            share=100 * model.word_dropout,
        )


def _of_steps(run: RunData, say: Phrases) -> Iterator[str]:
    """The same where it answers at each step."""
    model, data = run.recipe.model, run.recipe.data
    named = [say("for how long it has lasted")]
    named += [say("its place in time")] if not data.event else []
    named += [say("the covariates")] if data.covariate else []
    yield say(
        "Each state, and with it {named}, was embedded in {embedding} dimensions; their sum was "
        "read by a {cell} of {layers} with {size}, and at each step a linear layer gave the scores "
        "of what comes next.",
        named=say.words.listed(named),
        embedding=model.embedding_size,
        cell=say(CELLS[model.cell]),
        layers=say("one layer") if model.num_layers == 1 else say("{n} layers", n=model.num_layers),
        size=say("{n} units", n=model.hidden_size),
    )
    if run.metrics.distillation_share:
        yield say(
            "{share:g} % of its loss was learned from what gradient boosting ({friedman2001}) said "
            "of each step that had not seen its sequence ({hinton2015}).",
            share=100 * run.metrics.distillation_share,
        )
    if model.wide and not data.event:
        yield say("A score of each state by its place in time was added to them ({cheng2016}).")
    if dropped := dropouts(run, say):
        yield say(
            "While training, dropout with one mask for each sequence ({gal2016}) hid {dropped}.",
            dropped=say.words.listed(dropped),
        )


def dropouts(run: RunData, say: Phrases) -> list[str]:
    """What was hidden while training."""
    model = run.recipe.model
    of_input = "{share:g} % of the embedding dimensions"
    shares = (
        ("{share:g} % of the channels" if run.channels else of_input, model.input_dropout),
        ("{share:g} % of the dimensions between layers", model.layer_dropout),
        ("{share:g} % of the recurrent state", model.recurrent_dropout),
        (
            "{share:g} % of the state at each step"
            if run.answers_steps
            else "{share:g} % of the pooled state",
            model.output_dropout,
        ),
    )
    return [say(template, share=100 * share) for template, share in shares if share]


def training_sentences(run: RunData, say: Phrases) -> Iterator[str]:
    """How the network learned, and which of its epochs was kept."""
    training = run.recipe.training
    yield say(
        "The network was trained with {optimiser} on batches of {batch} sequences to lower the "
        "{loss}, with a learning rate of at most {rate:g}, {schedule}.",
        optimiser=say(OPTIMISERS[training.optimiser]),
        batch=training.batch_size,
        loss=_loss(run, say),
        rate=training.learning_rate,
        schedule=say(SCHEDULES[training.schedule]),
    )
    if training.weight_decay:
        yield say("Weight decay was {decay:g}.", decay=training.weight_decay)
    if training.class_weights == "balanced":
        yield say("Each class was weighted by the inverse of its frequency.")
    if training.clip_norm:
        yield say(
            "Gradients were clipped to a norm of {norm:g} ({pascanu2013}).", norm=training.clip_norm
        )
    if training.averaging:
        yield say("A moving average of the weights was kept and judged ({polyak1992}).")
    if best := run.best_epoch:
        yield say(
            "Training ended after {n} epochs, and the weights of epoch {best}, the best on the "
            "validation part, were kept (early stopping with a patience of {patience}; "
            "{prechelt1998}).",
            n=run.history[-1].epoch,
            best=best.epoch,
            patience=training.patience,
        )
    if run.classes:
        yield say(
            "Its scores were then calibrated by a temperature fitted on validation ({guo2017})."
        )
    elif "low" in run.predictions.columns and not run.forecasts:
        yield say(
            "Its 95 % prediction intervals are split-conformal, from the errors on validation "
            "({lei2018})."
        )


def _loss(run: RunData, say: Phrases) -> str:
    if run.forecasts:
        return say(FORECAST_LOSSES[run.forecasts.distribution])
    if run.tags is not None:
        chained = run.recipe.model.chain
        return (
            say("surprise at the right tags of each sentence") if chained else say("cross-entropy")
        )
    if run.is_multilabel:
        return say("binary cross-entropy of each label")
    return say("cross-entropy") if run.classes else say("squared error")
