"""``python -m duree`` is the command ``duree``."""

from duree.cli import main

main()
