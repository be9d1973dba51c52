"""Which way a metric is better."""

from __future__ import annotations

# Lower is better.
LOSSES = frozenset(
    {"log_loss", "brier", "calibration_error", "mae", "rmse", "bits", "change_bits"}
    | {"owa", "smape", "mase", "crps", "pinball"}
)


# Neither higher nor lower is better, but nearer to this.
TARGETS = {"coverage_80": 0.8, "coverage_95": 0.95}


def worth(metric: str, value: float) -> float:
    """A number that is the higher, the better this value of the metric is."""
    if metric in TARGETS:
        return -abs(value - TARGETS[metric])
    return gain(metric) * value


def gain(metric: str) -> float:
    """1 where a higher value of the metric is better, else -1."""
    return -1.0 if metric in LOSSES else 1.0
