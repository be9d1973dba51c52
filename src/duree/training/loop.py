"""The training loop, with a record of every epoch.

The randomness of a step (dropout) follows from seed and step alone, so a run that was interrupted
and resumed ends with exactly the weights of an uninterrupted one.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from duree.errors import TrainingError, translate
from duree.forked import uses_threads
from duree.network import kernels
from duree.network.allocator import keep_freed_memory
from duree.network.network import Network
from duree.network.scoring import scores
from duree.results.run_files import Ending, Epoch
from duree.storage import write_file
from duree.training.checkpoint import (
    Position,
    Training,
    Weights,
    load_checkpoint,
    save_checkpoint,
)
from duree.training.estimate import estimate
from duree.training.interrupt import Interrupt
from duree.training.optimiser import learning_rate, make_optimiser, update
from duree.training.plan import Plan, Progress

__all__ = ["Plan", "Progress", "scores", "train", "write_history"]

# The moving average is updated every so many steps (or once per epoch, if that is more often) with
# this decay; the decay is smaller in the first updates.
AVERAGE_EVERY, AVERAGE_DECAY, WARM_UP_UPDATES = 10, 0.9, 9
SLOWER = "The compiled kernels are missing ({reason}): torch.nn is used instead, which is slower"
# Settings that may change when training is resumed: weights do not depend on them.
FREE = {"checkpoint_seconds", "max_minutes"}


def train(
    model: Network,
    plan: Plan,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    history: Path | None = None,
) -> list[dict[str, Any]]:
    """Train ``model`` in place, ending with the weights of its best epoch.

    Parameters
    ----------
    model : Network
    plan : Plan
    progress : Progress, optional
    checkpoint : Path, optional
        Folder of checkpoints, from which training is resumed.
    history : Path, optional
        File to which one JSON object per epoch is written, one per line.

    Returns
    -------
    list of dict
        The record of each epoch.

    Raises
    ------
    TrainingError
        The loss is not a finite number.
    KeyboardInterrupt
        Ctrl-C or a termination request; a checkpoint is saved first.
    """
    uses_threads("torch", torch.get_num_threads())
    keep_freed_memory()
    model.criterion = plan.criterion
    steps = plan.epochs * len(plan.batches(0))
    training = _begin(model, plan)
    refused = load_checkpoint(training, checkpoint) if checkpoint else []
    try:
        if progress:
            for message in refused:
                progress.message(message)
            if kernels.compiled is None:
                progress.message(translate(SLOWER).format(reason=kernels.missing))
            expected = estimate(model, plan.examples, plan.settings, steps)
            progress.start(steps, training.position.step, expected)
        with Interrupt() as interrupt, torch.random.fork_rng(devices=[]):
            _Session(plan, steps, training, progress, checkpoint, interrupt).run(history)
    finally:
        model.criterion, model.carried = None, {}
        if progress:
            progress.end()
    model.load_state_dict(training.best)
    model.eval()
    return training.position.history


def write_history(path: Path, history: list[dict[str, Any]]) -> None:
    """Write one JSON object per line; the file is rewritten, so that no epoch occurs twice."""
    lines = [json.dumps(record, allow_nan=False) + "\n" for record in history]
    write_file(path, "".join(lines).encode())


def _begin(model: Network, plan: Plan) -> Training:
    average = _copy(model.state_dict()) if plan.settings.averaging else {}
    choices = {"seed": plan.seed, "rows": len(plan.examples)}
    choices |= {f"training.{k}": v for k, v in plan.settings.model_dump(exclude=FREE).items()}
    optimiser = make_optimiser(model, plan.settings)
    return Training(model, optimiser, average, {}, Position(), choices)


def _copy(weights: Weights) -> Weights:
    return {name: tensor.clone() for name, tensor in weights.items()}


@dataclass
class _Session:
    """The part of training that one process does."""

    plan: Plan
    steps: int
    training: Training
    progress: Progress | None
    checkpoint: Path | None
    interrupt: Interrupt

    def __post_init__(self) -> None:
        self.began = time.perf_counter() - self.training.position.seconds
        self.saved = time.perf_counter()
        self.average_every = min(AVERAGE_EVERY, len(self.plan.batches(0)))

    def run(self, history: Path | None) -> None:
        """Run epochs until training is finished or interrupted."""
        position = self.training.position
        while not position.finished:
            self.run_epoch()
            self.end_epoch()
            if history:
                write_history(history, position.history)
            self.save()
        if history:
            write_history(history, position.history)
        if self.interrupt.asked:
            raise KeyboardInterrupt

    def run_epoch(self) -> None:
        """Run the remaining batches of this epoch, or as many as time allows."""
        position = self.training.position
        began = time.perf_counter() - position.epoch_seconds
        for rows in self.plan.batches(position.epoch)[position.batch :]:
            loss = self.take_step(rows)
            position.loss += loss * len(rows)
            position.rows += len(rows)
            position.batch += 1
            position.step += 1
            position.epoch_seconds = time.perf_counter() - began
            if self.progress:
                self.progress.step(position.loss / position.rows, len(rows))
            if self.interrupt.asked:
                self.save()
                raise KeyboardInterrupt
            if time.perf_counter() - self.saved > self.plan.settings.checkpoint_seconds:
                self.save()
            if self.cut_short():
                return

    def take_step(self, rows: NDArray[np.int64]) -> float:
        """One update of the weights; returns the batch's loss."""
        plan, training, step = self.plan, self.training, self.training.position.step
        torch.manual_seed(int(np.random.SeedSequence([plan.seed, step]).generate_state(1)[0]))
        training.model.train()
        for group in training.optimiser.param_groups:
            group["lr"] = learning_rate(plan.settings, step, self.steps)
        batch = plan.examples.batch(rows)
        loss = update(training.model, training.optimiser, batch, plan.settings.clip_norm)
        self.require_finite(loss)
        if plan.settings.averaging and (step + 1) % self.average_every == 0:
            self.average(step // self.average_every)
        return loss

    def require_finite(self, loss: float) -> None:
        """Stop training if the loss is not finite."""
        if not math.isfinite(loss):
            settings = self.plan.settings
            raise TrainingError(
                "the loss became {value} at step {step}",
                fix="lower training.learning_rate (now {rate}) or training.clip_norm (now {clip})",
                value=loss,
                step=self.training.position.step,
                rate=settings.learning_rate,
                clip=settings.clip_norm,
            )

    def average(self, before: int) -> None:
        """Update the moving average, after ``before`` earlier updates."""
        decay = AVERAGE_DECAY ** (self.average_every / AVERAGE_EVERY)
        share = 1.0 - min(decay, before / (before + WARM_UP_UPDATES))
        for name, tensor in self.training.model.state_dict().items():
            self.training.average[name].lerp_(tensor, share)

    def end_epoch(self) -> None:
        """Evaluate the weights on the validation set, and save them if they are the best."""
        plan, training, position = self.plan, self.training, self.training.position
        own = _copy(training.model.state_dict())
        evaluated = training.average if self.averages() else own
        training.model.load_state_dict(evaluated)
        found = scores(training.model, plan.validation.sequences)
        validation_loss = training.model.validation_loss(plan.validation, found)
        training.model.load_state_dict(own)
        self.require_finite(validation_loss)
        figure = plan.figure(found, plan.validation.targets, *plan.validation.weighed)
        best = (figure, -validation_loss)
        position.stale += 1
        if position.best is None or best > tuple(position.best):
            position.best, position.stale = best, 0
            training.best = _copy(evaluated)
        position.history.append(
            {
                "epoch": position.epoch + 1,
                "train_loss": position.loss / max(position.rows, 1),
                "validation_loss": validation_loss,
                "metric": figure,
                # The optimiser has none yet where a resumed run only ends the epoch.
                "learning_rate": learning_rate(plan.settings, position.step - 1, self.steps),
                "rows_per_second": position.rows / max(position.epoch_seconds, 1e-9),
                "seconds": time.perf_counter() - self.began,
            }
        )
        position.epoch, position.batch, position.rows = position.epoch + 1, 0, 0
        position.loss, position.epoch_seconds = 0.0, 0.0
        ended = self.ending()
        position.finished = ended is not None
        if ended:
            position.history[-1]["ended"] = ended
        if self.progress:
            self.progress.epoch(Epoch(**position.history[-1]))

    def averages(self) -> bool:
        """Whether the moving average is evaluated."""
        return self.plan.settings.averaging and self.training.position.step >= self.average_every

    def ending(self) -> Ending | None:
        """Why training ends after this epoch; None if it goes on."""
        position = self.training.position
        if position.epoch >= self.plan.epochs:
            return "epochs"
        # Early stopping: so many epochs without a better validation metric.
        if position.stale >= self.plan.settings.patience:
            return "patience"
        return self.cut_short()

    def cut_short(self) -> Ending | None:
        """Whether the time limit is reached, or the listener stops training."""
        minutes = self.plan.settings.max_minutes
        if minutes is not None and time.perf_counter() - self.began > 60 * minutes:
            return "time"
        return "request" if self.progress and self.progress.should_stop() else None

    def save(self) -> None:
        """Write a checkpoint, if there is a folder for it."""
        if self.checkpoint:
            self.training.position.seconds = time.perf_counter() - self.began
            save_checkpoint(self.training, self.checkpoint)
        self.saved = time.perf_counter()
