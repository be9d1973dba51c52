"""Durée: recurrent sequence models for the social sciences and humanities.

SequenceClassifier
    A recurrent network that classifies sequences: an estimator of scikit-learn.
SequenceRegressor
    The same for numbers.
load
    Load a saved estimator, or the network of a run folder.
__version__
    The version of Durée.

The whole workflow, from a table to a report, is the command ``duree``: see ``duree --help``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duree.version import __version__

if TYPE_CHECKING:
    from duree.estimators import SequenceClassifier, SequenceRegressor, load

__all__ = ["SequenceClassifier", "SequenceRegressor", "__version__", "load"]


def __dir__() -> list[str]:
    return list(__all__)


def __getattr__(name: str) -> Any:
    # Importing torch takes more than a second: estimators are imported on first use.
    if name in __all__:
        from duree import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module 'duree' has no attribute {name!r}")
