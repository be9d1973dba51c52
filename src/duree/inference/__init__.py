"""Valid estimates from predicted labels: a random sample labelled by hand corrects predictions.

estimate
    A regression, or shares, with predicted variables.
Estimate
    What it finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duree.inference.estimation import Estimate, estimate

__all__ = ["Estimate", "estimate"]


def __dir__() -> list[str]:
    return list(__all__)


def __getattr__(name: str) -> Any:
    # Drawing and coding a sample need none of the statistics.
    if name in __all__:
        from duree.inference import estimation

        return getattr(estimation, name)
    raise AttributeError(f"module 'duree.inference' has no attribute {name!r}")
