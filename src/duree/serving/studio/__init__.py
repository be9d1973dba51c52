"""The studio: the whole workflow in a browser, on the researcher's own machine.

Pages are made on the server; all state lies in the folder of runs, and every answer comes from the
library: a run made here is one of the command line, and the other way round.
"""
