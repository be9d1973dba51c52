"""``python -m duree`` is the command ``duree``."""

from duree.cli.main import main

main()
