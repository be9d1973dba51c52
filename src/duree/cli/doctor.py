"""What ``duree doctor`` prints: versions, cores, the recurrent kernel, and the optional extras."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from duree.errors import translate
from duree.pipeline.save import CORE
from duree.version import __version__


class Extra(NamedTuple):
    """An extra of pyproject.toml: its purpose, an English template, and its packages."""

    purpose: str
    packages: tuple[str, ...]


# Not available for Windows; uvicorn does without.
FASTER_SERVER = () if sys.platform == "win32" else ("httptools", "uvloop")
SERVICE = ("fastapi", "prometheus-client", "uvicorn", *FASTER_SERVER)
ONNX = ("onnx", "onnxruntime")
# Extras that users install, then those of developers.
EXTRAS = {
    "formats": Extra("Excel, Stata and SPSS files", ("fastexcel", "pyreadstat", "xlsxwriter")),
    "chinese": Extra("Chinese word segmentation", ("jieba",)),
    "forecast": Extra(
        "the baselines ARIMA, ETS and Theta, and tests of stationarity",
        ("statsforecast", "statsmodels"),
    ),
    "label": Extra("the baseline CRF for tagged words", ("python-crfsuite",)),
    "onnx": Extra("exporting networks with duree export", ONNX),
    "serve": Extra("the service, duree serve", SERVICE),
    "states": Extra("the baseline hidden Markov model", ("hmmlearn",)),
    "studio": Extra("the studio, duree studio", (*SERVICE, "python-multipart")),
}
EXTRAS["all"] = Extra(
    "all of the above",
    tuple(sorted({package for extra in EXTRAS.values() for package in extra.packages})),
)
EXTRAS["bench"] = Extra("benchmarks", ("jax", "keras", *ONNX, "tensorflow-cpu"))
EXTRAS["dev"] = Extra(
    "developing and testing Durée",
    (
        *("axe-playwright-python", "clang-format", "httpx", "hypothesis", "mypy", "openpyxl"),
        *("pandas", "playwright", "pyarrow", "pytest", "pytest-xdist", "ruff"),
    ),
)


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
    for name, extra in EXTRAS.items():
        yield _examine_extra(name, extra)


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


def _examine_extra(name: str, extra: Extra) -> str:
    """One line: whether an extra is installed, what it is for, and how to install it."""
    missing = [package for package in extra.packages if _version(package) is None]
    facts = {"extra": name, "purpose": translate(extra.purpose)}
    if missing:
        template = translate(
            "[{extra}] {purpose}: not installed ({missing} missing); "
            "install it with: pip install 'duree[{extra}]'"
        )
        return template.format(missing=", ".join(missing), **facts)
    template = translate("[{extra}] {purpose}: installed ({versions})")
    versions = ", ".join(f"{package} {_version(package)}" for package in extra.packages)
    return template.format(versions=versions, **facts)


def _version(package: str) -> str | None:
    """The version of a package that is installed, otherwise None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
