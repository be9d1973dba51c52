"""The output layer with softmax and cross-entropy beside torch's: time, rate and memory.

    python benchmarks/output_layer.py [--rounds 3] [--threads 2]

Forward and backward pass of 16,000 targets, with AVX-512 and with AVX2. For AVX2, torch is held to
it as well (ATEN_CPU_CAPABILITY, ONEDNN_MAX_CPU_ISA, MKL_ENABLE_INSTRUCTIONS). Durée, torch (linear,
then cross_entropy) and a product of two 2048 x 2048 matrices (SGEMM) take turns in one process, so
that disturbances affect all of them; figures are medians over rounds. Rates count three products,
since Durée computes none of them twice. Torch has the C library set to keep freed memory, as
in Durée's training. Memory is what one forward and backward pass adds to the peak of a process of
its own, x, weights and gradients included. About 8 minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

TARGETS = 16_000
SIZES = [(128, 10_000), (128, 30_000), (256, 10_000), (256, 30_000)]  # of x, and outputs
HELD = {
    "avx512": {},
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    },
}


def layer(size: int, outputs: int) -> list[Any]:
    """x, weight and bias, which have gradients, and targets."""
    import torch

    torch.manual_seed(0)
    shapes = ((TARGETS, size), (outputs, size), (outputs,))
    x, weight, bias = (torch.randn(shape) / shape[-1] ** 0.5 for shape in shapes)
    return [
        *(tensor.requires_grad_() for tensor in (x, weight, bias)),
        torch.randint(0, outputs, (TARGETS,)),
    ]


def ours(x: Any, weight: Any, bias: Any, targets: Any) -> None:
    from duree.network.output_layer import cross_entropy

    cross_entropy(x, weight, bias, targets).mean().backward()


def torchs(x: Any, weight: Any, bias: Any, targets: Any) -> None:
    from torch.nn.functional import cross_entropy, linear

    cross_entropy(linear(x, weight, bias), targets).backward()


def seconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def times(instruction_set: str, size: int, outputs: int, rounds: int) -> dict[str, float]:
    """Medians, in seconds, of Durée, torch and SGEMM."""
    import torch

    from duree.network import kernels
    from duree.network.allocator import keep_freed_memory

    keep_freed_memory()
    kernels.compiled.use_instruction_set(instruction_set)
    given, square = layer(size, outputs), torch.randn(2048, 2048)
    calls: dict[str, Callable[[], Any]] = {
        "ours": lambda: ours(*given),
        "torch": lambda: torchs(*given),
        "sgemm": lambda: [square @ square for _ in range(8)],
    }
    found: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(rounds + 1):
        for name, call in calls.items():
            for tensor in given[:3]:
                tensor.grad = None
            took = seconds(call)
            if round_ > 0:
                found[name].append(took)
    return {name: statistics.median(took) for name, took in found.items()}


def memory(whose: str, size: int, outputs: int) -> dict[str, float]:
    """MiB that a pass adds to the peak."""
    import torch

    (torch.randn(512, 512) @ torch.randn(512, 512)).sum()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    {"ours": ours, "torch": torchs}[whose](*layer(size, outputs))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"MiB": (peak - before) / 1024}


def run(arguments: list[str], threads: int, environment: dict[str, str]) -> dict[str, float]:
    """The figures of one process."""
    done = subprocess.run(
        [sys.executable, __file__, "--only", *arguments],
        env=os.environ | {"OMP_NUM_THREADS": str(threads)} | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs=4, help="the figures of one process as JSON")
    options = parser.parse_args()
    if options.only:
        what, size, outputs, rounds = (options.only[0], *map(int, options.only[1:]))
        if what in HELD:
            print(json.dumps(times(what, size, outputs, rounds)))
        else:
            print(json.dumps(memory(what, size, outputs)))
        return
    from duree.network import kernels

    available = kernels.compiled.instruction_sets()
    print(f"{TARGETS} targets, forward and backward, {options.threads} threads")
    for size, outputs in SIZES:
        shape = [str(size), str(outputs)]
        for instruction_set in (name for name in HELD if name in available):
            took = run(
                [instruction_set, *shape, str(options.rounds)],
                options.threads,
                HELD[instruction_set],
            )
            sgemm = 8 * 2 * 2048**3 / took["sgemm"] / 1e9
            rate = 3 * 2 * TARGETS * size * outputs / took["ours"] / 1e9
            print(
                f"{size:4} to {outputs:6} {instruction_set:7} {took['ours']:7.3f} s"
                f"   {rate / sgemm:4.0%} of SGEMM's {sgemm:.0f} GFLOP/s"
                f"   torch {took['torch']:7.3f} s, {took['torch'] / took['ours']:.2f} x",
                flush=True,
            )
        mine, theirs = (
            run([whose, *shape, "0"], options.threads, {})["MiB"] for whose in ("ours", "torch")
        )
        print(f"{'':22}{mine:7.0f} MiB   torch {theirs:.0f} MiB, {theirs / mine:.1f} x", flush=True)


if __name__ == "__main__":
    main()
