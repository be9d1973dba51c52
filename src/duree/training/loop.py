"""Training: batches in, weights out, and a record of every epoch.

Whatever is random in a step (dropout) follows from seed and step alone, so a run that was killed
and resumed ends with exactly the weights of one that was left in peace.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from duree.errors import TrainingError
from duree.folders import write_file
from duree.recipe import TrainingSettings
from duree.sequences.ragged import Ragged
from duree.training.allocator import keep_freed_memory
from duree.training.batches import Examples, cut_by_length, epoch_batches, pad
from duree.training.checkpoint import Position, Training, load_checkpoint, save_checkpoint
from duree.training.estimate import Estimate, estimate
from duree.training.interrupt import Interrupt
from duree.training.optimiser import learning_rate, make_optimiser

Loss = Callable[[Tensor, Tensor], Tensor]
Figure = Callable[[NDArray[np.float32], NDArray[Any]], float]

# Where the recipe leaves the epochs open: enough for so many steps, within these bounds.
ENOUGH_STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 2000, 5, 50
# The moving average takes the weights in every so many steps, and keeps this share of what it was.
AVERAGE_EVERY, AVERAGE_KEEPS = 10, 0.9
SCORING_BATCH = 256


class Progress(Protocol):
    """Who follows a training."""

    def start(self, steps: int, done: int, expected: Estimate) -> None:
        """Training is about to begin: steps in all, those done before, and what it will take."""
        ...

    def step(self, loss: float, rows: int) -> None:
        """One batch of ``rows`` sequences is done; ``loss`` is the epoch's mean so far."""
        ...

    def epoch(self, record: dict[str, Any]) -> None:
        """One epoch is done."""
        ...

    def tell(self, message: str) -> None:
        """Something worth a line."""
        ...


@dataclass(frozen=True)
class Plan:
    """What does not change while a network trains.

    Attributes
    ----------
    examples, validation : Examples
        What to learn from, and what to choose the best epoch by.
    loss : (scores, targets) -> mean over the batch
    figure : (scores, targets) -> float
        What early stopping watches on ``validation``; higher is better.
    settings : TrainingSettings
    seed : int
    """

    examples: Examples
    validation: Examples
    loss: Loss
    figure: Figure
    settings: TrainingSettings
    seed: int

    def batches(self, epoch: int) -> list[NDArray[np.int64]]:
        """The batches of one epoch, in order."""
        lengths = self.examples.sequences.lengths
        return epoch_batches(lengths, self.settings.batch_size, self.seed, epoch)

    @property
    def epochs(self) -> int:
        """How many epochs at most."""
        open_epochs = math.ceil(ENOUGH_STEPS / len(self.batches(0)))
        return self.settings.epochs or min(max(open_epochs, FEWEST_EPOCHS), MOST_EPOCHS)


def train(
    model: nn.Module,
    plan: Plan,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    history: Path | None = None,
) -> list[dict[str, Any]]:
    """Train ``model`` in place and leave it with the weights of its best epoch.

    Parameters
    ----------
    model : nn.Module
        Called with values and lengths (see ``pad``), gives scores [batch, outputs].
    plan : Plan
    progress : Progress, optional
    checkpoint : Path, optional
        Folder to keep checkpoints in, and to go on from.
    history : Path, optional
        File that gets one JSON object a line as each epoch ends.

    Returns
    -------
    list of dict
        The record of each epoch.

    Raises
    ------
    TrainingError
        The loss is not a finite number.
    KeyboardInterrupt
        Ctrl-C or a request to end; a checkpoint is saved first.
    """
    keep_freed_memory()
    steps = plan.epochs * len(plan.batches(0))
    training = _begin(model, plan.settings)
    refused = load_checkpoint(training, checkpoint) if checkpoint else []
    if progress:
        for message in refused:
            progress.tell(message)
        with torch.random.fork_rng(devices=[]):
            expected = estimate(model, plan.examples, plan.loss, plan.settings.batch_size, steps)
        progress.start(steps, training.position.step, expected)
    with Interrupt() as interrupt, torch.random.fork_rng(devices=[]):
        session = _Session(plan, steps, training, progress, checkpoint, interrupt)
        while not training.position.finished:
            session.run_epoch()
            session.end_epoch()
            if history:
                write_history(history, training.position.history)
            session.save()
    if history:
        write_history(history, training.position.history)
    model.load_state_dict(training.best)
    model.eval()
    return training.position.history


def scores(model: nn.Module, sequences: Ragged) -> NDArray[np.float32]:
    """The model's scores, float32 [rows, outputs], in the order of the rows."""
    model.eval()
    found: NDArray[np.float32] | None = None
    with torch.inference_mode():
        for rows in cut_by_length(np.arange(len(sequences)), sequences.lengths, SCORING_BATCH):
            batch = model(*pad(sequences, rows)).float().numpy()
            if found is None:
                found = np.empty((len(sequences), batch.shape[1]), dtype=np.float32)
            found[rows] = batch
    return np.zeros((0, 1), dtype=np.float32) if found is None else found


def write_history(path: Path, history: list[dict[str, Any]]) -> None:
    """One JSON object a line, the whole file at once: an epoch never stands there twice."""
    lines = [json.dumps(record, allow_nan=False) + "\n" for record in history]
    write_file(path, "".join(lines).encode())


def _begin(model: nn.Module, settings: TrainingSettings) -> Training:
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimiser = make_optimiser(model.parameters(), settings)
    return Training(model, optimiser, weights, dict(weights), Position())


@dataclass
class _Session:
    """One process's part in a training."""

    plan: Plan
    steps: int
    training: Training
    progress: Progress | None
    checkpoint: Path | None
    interrupt: Interrupt

    def __post_init__(self) -> None:
        self.began = time.perf_counter() - self.training.position.seconds
        self.saved = time.perf_counter()
        self.epoch_began = time.perf_counter()

    def run_epoch(self) -> None:
        """The batches of this epoch that are not done yet, or as many as the time allows."""
        position = self.training.position
        self.epoch_began = time.perf_counter()
        for rows in self.plan.batches(position.epoch)[position.batch :]:
            loss = self.take_step(rows)
            position.loss += loss * len(rows)
            position.rows += len(rows)
            position.batch += 1
            position.step += 1
            position.seconds = time.perf_counter() - self.began
            if self.progress:
                self.progress.step(position.loss / position.rows, len(rows))
            if self.interrupt.asked:
                self.save()
                raise KeyboardInterrupt
            if time.perf_counter() - self.saved > self.plan.settings.checkpoint_seconds:
                self.save()
            if self.out_of_time():
                return

    def take_step(self, rows: NDArray[np.int64]) -> float:
        """One update of the weights; returns the batch's loss."""
        plan, training, step = self.plan, self.training, self.training.position.step
        torch.manual_seed(int(np.random.SeedSequence([plan.seed, step]).generate_state(1)[0]))
        training.model.train()
        values, lengths = pad(plan.examples.sequences, rows)
        targets = torch.from_numpy(plan.examples.targets[rows])
        loss = plan.loss(training.model(values, lengths), targets)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                "the loss became {value} at step {step}",
                fix="lower training.learning_rate (now {rate}) or training.clip_norm (now {clip})",
                value=value,
                step=step,
                rate=plan.settings.learning_rate,
                clip=plan.settings.clip_norm,
            )
        training.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        if plan.settings.clip_norm > 0:
            nn.utils.clip_grad_norm_(training.model.parameters(), plan.settings.clip_norm)
        for group in training.optimiser.param_groups:
            group["lr"] = learning_rate(plan.settings, step, self.steps)
        training.optimiser.step()
        if plan.settings.averaging and step % AVERAGE_EVERY == AVERAGE_EVERY - 1:
            self.average(first=step < AVERAGE_EVERY)
        return value

    def average(self, first: bool) -> None:
        """Take the weights into the moving average; the first time, begin it with them."""
        share = 1.0 if first else 1.0 - AVERAGE_KEEPS
        for name, tensor in self.training.model.state_dict().items():
            self.training.average[name].lerp_(tensor, share)

    def end_epoch(self) -> None:
        """Judge the weights on the validation part, and keep them if they are the best so far."""
        plan, training, position = self.plan, self.training, self.training.position
        own = {name: tensor.clone() for name, tensor in training.model.state_dict().items()}
        judged = training.average if self.averages() else own
        training.model.load_state_dict(judged)
        found = scores(training.model, plan.validation.sequences)
        training.model.load_state_dict(own)
        targets = torch.from_numpy(plan.validation.targets)
        validation_loss = float(plan.loss(torch.from_numpy(found), targets))
        figure = plan.figure(found, plan.validation.targets)
        best = (figure, -validation_loss)
        position.stale += 1
        if position.best is None or best > tuple(position.best):
            position.best, position.stale = best, 0
            training.best = {name: tensor.clone() for name, tensor in judged.items()}
        position.history.append(
            {
                "epoch": position.epoch + 1,
                "train_loss": position.loss / max(position.rows, 1),
                "validation_loss": validation_loss,
                "metric": figure,
                "learning_rate": training.optimiser.param_groups[0]["lr"],
                "rows_per_second": position.rows / (time.perf_counter() - self.epoch_began),
                "seconds": time.perf_counter() - self.began,
            }
        )
        position.epoch, position.batch, position.loss, position.rows = position.epoch + 1, 0, 0.0, 0
        position.finished = (
            position.epoch >= plan.epochs
            or position.stale >= plan.settings.patience
            or self.out_of_time()
        )
        if self.progress:
            self.progress.epoch(position.history[-1])

    def averages(self) -> bool:
        """Whether there is an average to judge by."""
        return self.plan.settings.averaging and self.training.position.step >= AVERAGE_EVERY

    def out_of_time(self) -> bool:
        """Whether the recipe's minutes are spent."""
        minutes = self.plan.settings.max_minutes
        return minutes is not None and time.perf_counter() - self.began > 60 * minutes

    def save(self) -> None:
        """Write a checkpoint, where there is a folder for it."""
        if self.checkpoint:
            self.training.position.seconds = time.perf_counter() - self.began
            save_checkpoint(self.training, self.checkpoint)
        self.saved = time.perf_counter()
