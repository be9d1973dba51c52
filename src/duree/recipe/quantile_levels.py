"""The quantile levels of forecasts: the median, the ends of both bands, and deciles."""

LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
MEDIAN = LEVELS.index(0.5)
# The indices of the levels that bound each band.
BAND_80, BAND_95 = (LEVELS.index(0.1), LEVELS.index(0.9)), (0, len(LEVELS) - 1)
