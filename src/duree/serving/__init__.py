"""Export of trained networks, and services over HTTP."""
