"""What duree doctor tells: versions, cores, the kernel in use, and extras that are missing."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from duree.pipeline.save import CORE, EXTRAS
from duree.version import __version__


def examine() -> Iterator[str]:
    """One finished line after the other."""
    import torch

    yield f"duree {__version__} on Python {platform.python_version()}, {platform.platform()}"
    yield f"cores: {os.cpu_count()}, threads used: {torch.get_num_threads()}"
    yield f"recurrent kernel: {_examine_kernel()}"
    for package in CORE:
        yield f"{package} {version(package)}"
    for extra, packages in EXTRAS.items():
        for package, purpose in packages.items():
            yield _examine_extra(extra, package, purpose)


def _examine_kernel() -> str:
    from duree.network import kernels

    if kernels.compiled is None:
        return f"torch.nn, which is slower ({kernels.missing}); install again with a C++ compiler"
    return f"compiled, for {kernels.compiled.instruction_set()}"


def _examine_extra(extra: str, package: str, purpose: str) -> str:
    try:
        if find_spec(package) is not None:
            return f"{package} {version(package)} ({purpose})"
    except PackageNotFoundError:
        pass
    return f"{package} is missing ({purpose}): pip install 'duree[{extra}]'"
