"""The levels at which a forecast is given: its median, its bands, and deciles between."""

LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
MEDIAN = LEVELS.index(0.5)
# Which levels bound the bands.
BAND_80, BAND_95 = (LEVELS.index(0.1), LEVELS.index(0.9)), (0, len(LEVELS) - 1)
