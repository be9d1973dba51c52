"""The functions of duree.explain are at hand, and wait for torch until one is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from duree import explain


@pytest.mark.parametrize("name", explain.__all__)
def test_every_exported_function_has_a_whole_docstring(name):
    function = getattr(explain, name)
    assert function.__name__ == name
    for section in ("Parameters\n", "Returns\n"):
        assert section in function.__doc__


def test_importing_the_package_does_not_import_torch():
    code = "import sys, duree.explain; assert 'torch' not in sys.modules; duree.explain.neighbours"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_that_does_not_exist_is_refused():
    with pytest.raises(AttributeError, match="has no attribute 'mean_among'"):
        explain.mean_among  # noqa: B018
