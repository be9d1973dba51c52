"""Valid estimates from predicted labels: a random sample labelled by hand corrects predictions."""

from duree.inference.estimation import Estimate, estimate

__all__ = ["Estimate", "estimate"]
