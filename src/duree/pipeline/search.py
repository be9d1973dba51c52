"""Search: which settings to try next, from the results of earlier trials, and which to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duree.errors import RunError, require_packages
from duree.recipe.space import Range, Space
from duree.results.run_files import Epoch
from duree.results.tuning import Trial
from duree.training.estimate import Estimate
from duree.training.plan import Progress

if TYPE_CHECKING:
    import optuna

# Trials with random settings before the tree-structured Parzen estimator (Bergstra et al. 2011)
# chooses them; trials, and epochs of each, before one is stopped that is behind the median.
RANDOM, UNSTOPPED, EPOCHS = 8, 5, 4


class Search:
    """Suggests the settings of each trial; the same results give the same suggestions.

    Parameters
    ----------
    space : Space
    seed : int

    Raises
    ------
    ExtraError
        Optuna is not installed.
    """

    def __init__(self, space: Space, seed: int) -> None:
        require_packages(("optuna",), "tune", "the search for a recipe")
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.space = space
        self.study = optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=RANDOM),
            pruner=optuna.pruners.MedianPruner(UNSTOPPED, EPOCHS),
        )

    def ask(self) -> tuple[optuna.Trial, dict[str, Any]]:
        """A new trial and its settings."""
        trial = self.study.ask()
        return trial, {name: _suggest(trial, name, self.space[name]) for name in self.space}

    def repeat(self, done: Trial) -> None:
        """Ask again for a trial that was done, and close it with its results.

        Raises
        ------
        RunError
            It would have other settings: the search was made by another version.
        """
        trial, settings = self.ask()
        if settings != done.settings:
            raise RunError(
                "trial {number} would have other settings today",
                fix="begin a new search, in another folder",
                number=done.number,
            )
        for epoch, figure in enumerate(done.curve, 1):
            trial.report(figure, epoch)
        self.close(trial, done)

    def close(self, trial: optuna.Trial, done: Trial) -> None:
        """The result of a trial."""
        import optuna

        states = optuna.trial.TrialState
        if done.ending == "finished":
            self.study.tell(trial, done.value)
        else:
            stopped = done.ending == "stopped"
            self.study.tell(trial, state=states.PRUNED if stopped else states.FAIL)


def _suggest(trial: optuna.Trial, name: str, values: tuple[Any, ...] | Range) -> Any:
    if not isinstance(values, Range):
        return trial.suggest_categorical(name, values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return trial.suggest_int(name, values.low, values.high, log=values.log)
    return trial.suggest_float(name, values.low, values.high, log=values.log)


class Stopper:
    """A listener of training that stops a trial which is behind the median of those before it.

    Attributes
    ----------
    curve : list of float
        The metric after each epoch.
    """

    def __init__(self, trial: optuna.Trial | None) -> None:
        self.trial = trial
        self.listener: Progress | None = None
        self.curve: list[float] = []
        self.stopped = False

    def start(self, steps: int, done: int, expected: Estimate) -> None:
        """See ``Progress``."""
        if self.listener:
            self.listener.start(steps, done, expected)

    def step(self, loss: float, rows: int) -> None:
        """See ``Progress``."""
        if self.listener:
            self.listener.step(loss, rows)

    def epoch(self, record: Epoch) -> None:
        """Report the metric; of two trainings of a trial, only those of the first."""
        if self.listener:
            self.listener.epoch(record)
        self.add(record)

    def add(self, record: Epoch) -> None:
        """The same for an epoch of an earlier session."""
        if record.epoch != len(self.curve) + 1:
            return
        self.curve.append(record.metric)
        if self.trial is not None:
            self.trial.report(record.metric, record.epoch)
            self.stopped = self.trial.should_prune()

    def should_stop(self) -> bool:
        """Whether this trial, or the search, is to stop."""
        return self.stopped or bool(self.listener and self.listener.should_stop())

    def message(self, message: str) -> None:
        """See ``Progress``."""
        if self.listener:
            self.listener.message(message)

    def end(self) -> None:
        """See ``Progress``."""
        if self.listener:
            self.listener.end()
