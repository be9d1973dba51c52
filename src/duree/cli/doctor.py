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
    """An extra of pyproject.toml: its name, its purpose (a template) and its packages."""

    name: str
    purpose: str
    packages: tuple[str, ...]


# Not available for Windows; uvicorn does without.
FASTER_SERVER = () if sys.platform == "win32" else ("httptools", "uvloop")
SERVICE = ("fastapi", "prometheus-client", "uvicorn", *FASTER_SERVER)
ONNX = ("onnx", "onnxruntime")
FOR_USERS = (
    Extra("formats", "Excel, Stata and SPSS files", ("fastexcel", "pyreadstat", "xlsxwriter")),
    Extra("chinese", "Chinese word segmentation", ("jieba",)),
    Extra("estimate", "estimating regressions with duree estimate", ("formulaic",)),
    Extra(
        "forecast",
        "the baselines ARIMA, ETS and Theta, and tests of stationarity",
        ("statsforecast", "statsmodels"),
    ),
    Extra("label", "the baseline CRF for tagged words", ("python-crfsuite",)),
    Extra("onnx", "exporting networks with duree export", ONNX),
    Extra("serve", "the service, duree serve", SERVICE),
    Extra("states", "the baseline hidden Markov model", ("hmmlearn",)),
    Extra("studio", "the studio, duree studio", (*SERVICE, "python-multipart")),
    Extra("translate", "comparing BLEU and chrF with sacreBLEU’s", ("sacrebleu",)),
    Extra("tune", "the search for a recipe", ("optuna",)),
)
EVERYTHING = tuple(sorted({package for extra in FOR_USERS for package in extra.packages}))
FOR_DEVELOPERS = (
    Extra("bench", "benchmarks", ("jax", "keras", *ONNX, "tensorflow-cpu")),
    Extra(
        "dev",
        "developing and testing Durée",
        (
            *("axe-playwright-python", "clang-format", "httpx", "hypothesis", "mypy", "openpyxl"),
            *("pandas", "playwright", "pyarrow", "pytest", "pytest-xdist", "ruff"),
        ),
    ),
)
EXTRAS = (*FOR_USERS, Extra("all", "all of the above", EVERYTHING), *FOR_DEVELOPERS)


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
    yield from map(_examine_extra, EXTRAS)


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


def _examine_extra(extra: Extra) -> str:
    """One line: whether an extra is installed, what it is for, and how to install it."""
    missing = [package for package in extra.packages if _version(package) is None]
    facts = {"extra": extra.name, "purpose": translate(extra.purpose)}
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
