"""Methods section: training."""

from __future__ import annotations

from collections.abc import Iterator

from duree.report.methods.phrases import Phrases
from duree.report.run_data import RunData

OPTIMISERS = {
    "adam": "Adam ({kingma2015})",
    "adamw": "AdamW ({loshchilov2019})",
    "sgd": "stochastic gradient descent with momentum 0.9",
    "rmsprop": "RMSprop ({tieleman2012})",
}
SCHEDULES = {
    "constant": "held constant",
    "linear": "decreasing linearly to zero",
    "cosine": "decreasing along a cosine ({loshchilov2017})",
}
ENDINGS = {
    "epochs": "Training ended after all {n} epochs.",
    "patience": (
        "Training ended after {n} epochs, {patience} of them without an improvement on the "
        "validation set (early stopping; {prechelt1998})."
    ),
    "time": "Training ended after {n} epochs, at the time limit of {minutes:g} minutes.",
    "request": "The training was ended by hand after {n} epochs.",
}


def training_sentences(run: RunData, say: Phrases) -> Iterator[str]:
    """Sentences on the training of the network and the choice of the epoch."""
    training = run.recipe.training
    yield say(
        "The network was trained with {optimiser} on batches of {batch} sequences to minimise "
        "the {loss}, with a learning rate of at most {rate:g}, {schedule}.",
        optimiser=say.words.within(say(OPTIMISERS[training.optimiser])),
        batch=training.batch_size,
        loss=run.target.loss(run, say),
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
        yield say("A moving average of the weights was used and evaluated ({polyak1992}).")
    if best := run.best_epoch:
        yield say(
            ENDINGS[run.ending] if run.ending else "Training ended after {n} epochs.",
            n=run.history[-1].epoch,
            patience=training.patience,
            minutes=training.max_minutes,
        )
        yield say(
            "The weights of epoch {best}, the best on the validation set, were used.",
            best=best.epoch,
        )
    yield from run.target.calibration_sentences(run, say)
