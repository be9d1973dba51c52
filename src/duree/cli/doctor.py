"""What ``duree doctor`` prints: versions, cores, the recurrent kernel, and missing extras."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from duree.errors import translate
from duree.pipeline.save import CORE, EXTRAS
from duree.version import __version__


def examine() -> Iterator[str]:
    """The lines to print."""
    import torch

    template = translate("duree {version} on Python {python}, {platform}")
    python = platform.python_version()
    yield template.format(version=__version__, python=python, platform=platform.platform())
    template = translate("cores: {cores}; threads used: {threads}")
    yield template.format(cores=os.cpu_count(), threads=torch.get_num_threads())
    yield _examine_kernel()
    for package in CORE:
        yield f"{package} {version(package)}"
    for extra, packages in EXTRAS.items():
        for package, purpose in packages.items():
            yield _examine_extra(extra, package, purpose)


def _examine_kernel() -> str:
    from duree.network import kernels

    if kernels.compiled is None:
        template = translate(
            "recurrent kernel: torch.nn, which is slower ({reason}); install duree again with a "
            "C++ compiler"
        )
        return template.format(reason=kernels.missing)
    template = translate("recurrent kernel: compiled, for {instructions}")
    return template.format(instructions=kernels.compiled.instruction_set())


def _examine_extra(extra: str, package: str, purpose: str) -> str:
    purpose = translate(purpose)
    try:
        if find_spec(package) is not None:
            template = translate("{package} {version}, for {purpose}")
            return template.format(package=package, version=version(package), purpose=purpose)
    except PackageNotFoundError:
        pass
    template = translate(
        "{package} is missing, for {purpose}; install it with: pip install 'duree[{extra}]'"
    )
    return template.format(package=package, purpose=purpose, extra=extra)
