"""Valid estimates from predicted labels: provenance, sampling, coding, regressions; no torch."""
