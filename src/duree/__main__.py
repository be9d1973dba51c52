"""``python -m duree`` is the command ``duree``."""

from duree.cli.commands import main

main()
