"""The recurrent engine compared with others: layers, training steps, predictions, on two cores.

    python benchmarks/recurrent.py [--rounds 3]

Each contender runs in a separate process, one after the other, round after round; a figure is the
median over rounds of each process's median. Libraries that are not installed are skipped:
pip install 'duree[bench]'. "torch, memory kept" is torch with the C library set to keep freed
memory, as in Durée's training; otherwise torch pays for new pages at every step.
About 12 minutes with all libraries.
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
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

# (batch, steps, input, hidden), and whether lengths range from 20 to all steps.
SHAPES = [
    (32, 80, 128, 64, False),
    (32, 400, 128, 128, False),
    (32, 400, 128, 128, True),
    (64, 400, 300, 256, False),
    (128, 100, 64, 64, False),
    (1, 1000, 128, 128, False),
]
# The tutorials' model on IMDB: words, embedding, units, batch, steps, recurrent dropout.
WORDS, EMBEDDING, UNITS, BATCH, STEPS, DROPOUT = 20_000, 128, 64, 32, 80, 0.2
CELLS = ("lstm", "gru")
GATES = {"lstm": 4, "gru": 3}
Figures = Iterator[tuple[str, float]]


def milliseconds(call: Callable[[], Any], least: float = 0.5) -> float:
    """Median over as many calls as `least` seconds hold, after a warm-up."""
    return alternating([call], least)[0]


def alternating(calls: list[Callable[[], Any]], least: float = 0.5) -> list[float]:
    """The same for several calls in turn, so that disturbances affect all of them."""
    for call in 3 * calls:
        call()
    times: list[list[float]] = [[] for _ in calls]
    while sum(times[0]) < least or len(times[0]) < 5:
        for call, taken in zip(calls, times, strict=True):
            began = time.perf_counter()
            call()
            taken.append(time.perf_counter() - began)
    return [1000 * statistics.median(taken) for taken in times]


def tokens(rows: int, steps: int) -> Any:
    """Words with frequencies by Zipf's law, int64 [rows, steps]."""
    import numpy as np

    frequency = 1 / np.arange(2, WORDS)
    rng = np.random.default_rng(0)
    return 2 + rng.choice(WORDS - 2, (rows, steps), p=frequency / frequency.sum())


def layers(read: Callable[..., Callable[[], Any]]) -> Figures:
    """Forward and backward pass of one layer; `read` makes the call that is timed."""
    for rows, steps, channels, hidden, unequal in SHAPES:
        for cell in CELLS:
            call = read(cell, rows, steps, channels, hidden, unequal)
            yield name_of(cell, rows, steps, channels, hidden, unequal), milliseconds(call)


def name_of(cell: str, rows: int, steps: int, channels: int, hidden: int, unequal: bool) -> str:
    return f"{cell} {rows},{steps},{channels},{hidden}{' unequal' * unequal}"


def lengths_of(rows: int, steps: int, unequal: bool) -> Any:
    import torch

    if not unequal:
        return torch.full((rows,), steps)
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(0))
    return torch.linspace(20, steps, rows).long()[order]


def torch_layer(
    cell: str, rows: int, steps: int, channels: int, hidden: int, unequal: bool
) -> Callable[[], None]:
    """Forward and backward pass of torch's layer."""
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    layer = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](channels, hidden, batch_first=True)
    x = torch.randn(rows, steps, channels, requires_grad=True)
    lengths, ones = lengths_of(rows, steps, unequal), torch.ones(rows, steps, hidden)

    def call() -> None:
        given = x
        if unequal:
            given = pack_padded_sequence(x, lengths, True, enforce_sorted=False)
        output = layer(given)[0]
        if unequal:
            output = pad_packed_sequence(output, True)[0]
        output.backward(ones)

    return call


def duree_layer(
    cell: str, rows: int, steps: int, channels: int, hidden: int, unequal: bool
) -> Callable[[], None]:
    """Forward and backward pass of Durée's layer."""
    import torch

    from duree.network.recurrent import GRU, LSTM

    layer = {"lstm": LSTM, "gru": GRU}[cell](channels, hidden)
    x = torch.randn(rows, steps, channels, requires_grad=True)
    lengths, ones = lengths_of(rows, steps, unequal), torch.ones(rows, steps, hidden)
    return lambda: layer.hidden_states(x, lengths).backward(ones)


def avx2_contender(threads: int) -> Figures:
    """Both held to AVX2, as most laptops are, in turn in one process."""
    import torch

    from duree.network import kernels
    from duree.network.allocator import keep_freed_memory

    keep_freed_memory()
    torch.set_num_threads(threads)
    kernels.compiled.use_instruction_set("avx2")
    for shape in SHAPES:
        for cell in CELLS:
            calls = [duree_layer(cell, *shape), torch_layer(cell, *shape)]
            for whose, took in zip(("duree", "torch"), alternating(calls), strict=True):
                yield f"{name_of(cell, *shape)} {whose}", took


def torch_contender(threads: int) -> Figures:
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    square = torch.randn(2048, 2048)
    yield "SGEMM 2048", milliseconds(lambda: square @ square)

    yield from layers(torch_layer)

    values = torch.from_numpy(tokens(BATCH, STEPS))
    targets = torch.ones(BATCH, 1)

    class Tutorial(nn.Module):
        def __init__(self, cell: str, by_step: bool) -> None:
            super().__init__()
            self.embedding, self.head = nn.Embedding(WORDS, EMBEDDING), nn.Linear(UNITS, 1)
            classes = (nn.LSTMCell, nn.GRUCell) if by_step else (nn.LSTM, nn.GRU)
            self.by_step = by_step
            self.cell = classes[CELLS.index(cell)](EMBEDDING, UNITS)

        def forward(self, values: Any) -> Any:
            x = self.embedding(values).transpose(0, 1)
            if not self.by_step:
                return self.head(self.cell(x)[0][-1])
            mask = (torch.rand(x.shape[1], UNITS) >= DROPOUT) / (1 - DROPOUT)
            state = x.new_zeros(x.shape[1], UNITS)
            pair = (state, state)
            for step in x:
                if isinstance(self.cell, nn.LSTMCell):
                    pair = self.cell(step, (pair[0] * mask, pair[1]))
                    state = pair[0]
                else:
                    state = self.cell(step, state * mask)
            return self.head(state)

    for cell in CELLS:
        for by_step in (False, True):
            model = Tutorial(cell, by_step)
            optimiser = torch.optim.Adam(model.parameters(), fused=True)

            def step(model: Any = model, optimiser: Any = optimiser) -> None:
                optimiser.zero_grad()
                loss = nn.functional.binary_cross_entropy_with_logits(model(values), targets)
                loss.backward()
                optimiser.step()

            name = "loop, recurrent dropout" if by_step else "no recurrent dropout"
            yield f"{cell} training step ({name})", milliseconds(step)


def torch_kept_contender(threads: int) -> Figures:
    from duree.network.allocator import keep_freed_memory

    keep_freed_memory()
    yield from torch_contender(threads)


def duree_contender(threads: int) -> Figures:
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    from duree.network.allocator import keep_freed_memory
    from duree.network.model import SequenceModel, tabulated
    from duree.network.recurrent import GRU, LSTM
    from duree.recipe.settings import ModelSettings, TrainingSettings
    from duree.training.optimiser import make_optimiser, update

    keep_freed_memory()
    torch.set_num_threads(threads)
    cells = {"lstm": LSTM, "gru": GRU}
    yield from layers(duree_layer)

    for cell in CELLS:
        for hidden in (128, 256):
            layer = cells[cell](1, hidden)
            lengths = torch.full((32,), 400)
            words = torch.zeros(32, 400, dtype=torch.int64)
            projected = [torch.zeros(1, GATES[cell] * hidden)]
            with torch.no_grad():
                took = milliseconds(
                    lambda layer=layer, words=words, projected=projected, lengths=lengths: (
                        layer.hidden_states_of_words(words, projected, lengths)
                    )
                )
            yield f"{cell} recurrence alone, hidden {hidden}", took
        x, ones = torch.randn(32, 80, 128, requires_grad=True), torch.ones(32, 80, 64)
        lengths, shares = torch.full((32,), 80), (0.0, DROPOUT)
        pair = [cells[cell](128, 64, recurrent_dropout=share).train() for share in shares]
        took_by = alternating(
            [
                lambda layer=layer, x=x, ones=ones, lengths=lengths: layer.hidden_states(
                    x, lengths
                ).backward(ones)
                for layer in pair
            ],
            2.0,
        )
        for share, took in zip(shares, took_by, strict=True):
            yield f"{cell} layer, recurrent dropout {share}", took

    for cell in CELLS:
        settings = ModelSettings(
            cell=cell,
            embedding_size=EMBEDDING,
            hidden_size=UNITS,
            bidirectional=False,
            pooling="last",
            word_dropout=0.0,
            input_dropout=0.0,
            recurrent_dropout=DROPOUT,
            output_dropout=0.0,
            wide=False,
        )
        model = SequenceModel(settings, vocabulary_size=WORDS, outputs=1).train()
        training = TrainingSettings(learning_rate=0.001, clip_norm=0.0)
        optimiser = make_optimiser(model, training)
        batch = (
            torch.from_numpy(tokens(BATCH, STEPS)),
            torch.full((BATCH,), STEPS),
            torch.ones(BATCH, 1),
        )
        took = milliseconds(
            lambda model=model, optimiser=optimiser, batch=batch: update(
                model, optimiser, binary_cross_entropy_with_logits, batch, 0.0
            )
        )
        yield f"{cell} training step", took
        model.eval()
        with torch.inference_mode(), tabulated(model, WORDS):
            for rows in (64, 1):
                values, lengths = torch.from_numpy(tokens(rows, STEPS)), torch.full((rows,), STEPS)
                took = milliseconds(
                    lambda model=model, values=values, lengths=lengths: model(
                        values, lengths
                    ).sigmoid()
                )
                yield f"{cell} prediction, batch {rows}", took


def keras_contender(threads: int) -> Figures:
    """Keras on the backend in KERAS_BACKEND."""
    import numpy as np

    if os.environ["KERAS_BACKEND"] == "tensorflow":
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    values, targets = tokens(BATCH, STEPS), np.ones((BATCH, 1), dtype=np.float32)
    for cell in CELLS:
        layer = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell]
        model = keras.Sequential(
            [
                keras.layers.Embedding(WORDS, EMBEDDING),
                layer(UNITS, recurrent_dropout=DROPOUT),
                keras.layers.Dense(1, activation="sigmoid"),
            ]
        )
        model.compile("adam", "binary_crossentropy")
        took = milliseconds(lambda model=model: model.train_on_batch(values, targets), 2.0)
        yield f"{cell} training step", took


def onnxruntime_contender(threads: int) -> Figures:
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)

    def constant(name: str, *shape: int) -> Any:
        return numpy_helper.from_array(rng.normal(0, 0.1, shape).astype(np.float32), name)

    for cell in CELLS:
        lines = GATES[cell] * UNITS
        more = {"linear_before_reset": 1} if cell == "gru" else {}
        nodes = [
            helper.make_node("Gather", ["table", "values"], ["x"]),
            helper.make_node(
                cell.upper(), ["x", "w", "r", "b"], ["", "h"], hidden_size=UNITS, **more
            ),
            helper.make_node("Squeeze", ["h", "first"], ["last"]),
            helper.make_node("Gemm", ["last", "head", "bias"], ["score"]),
            helper.make_node("Sigmoid", ["score"], ["probability"]),
        ]
        constants = [
            constant("table", WORDS, EMBEDDING),
            constant("w", 1, lines, EMBEDDING),
            constant("r", 1, lines, UNITS),
            constant("b", 1, 2 * lines),
            constant("head", UNITS, 1),
            constant("bias", 1),
            numpy_helper.from_array(np.array([0]), "first"),
        ]
        graph = helper.make_graph(
            nodes,
            cell,
            [helper.make_tensor_value_info("values", TensorProto.INT64, [STEPS, "batch"])],
            [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["batch", 1])],
            constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        for rows in (64, 1):
            values = np.ascontiguousarray(tokens(rows, STEPS).T)
            took = milliseconds(
                lambda session=session, values=values: session.run(None, {"values": values})
            )
            yield f"{cell} prediction, batch {rows}", took


def memory_contender(threads: int, cell: str, ours: bool) -> Figures:
    """Peak MiB that training steps of the widest layer add to the process."""
    import torch
    from torch import nn

    from duree.network.allocator import keep_freed_memory
    from duree.network.recurrent import GRU, LSTM

    torch.set_num_threads(threads)
    if ours:
        keep_freed_memory()
        layer = {"lstm": LSTM, "gru": GRU}[cell](300, 256)
    else:
        torchs = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](300, 256, batch_first=True)
    x = torch.randn(64, 400, 300, requires_grad=True)
    lengths = torch.full((64,), 400)
    (torch.randn(512, 512) @ torch.randn(512, 512)).sum()  # allocates the libraries' own buffers
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        output = layer.hidden_states(x, lengths) if ours else torchs(x)[0]
        output.sum().backward()
        x.grad = None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield f"{cell} memory", (peak - before) / 1024


CONTENDERS: dict[str, tuple[Callable[..., Figures], dict[str, str]]] = {
    "duree": (duree_contender, {}),
    "torch": (torch_contender, {}),
    "torch, memory kept": (torch_kept_contender, {}),
    "keras on tensorflow": (keras_contender, {"KERAS_BACKEND": "tensorflow"}),
    "keras on torch": (keras_contender, {"KERAS_BACKEND": "torch"}),
    "keras on jax": (keras_contender, {"KERAS_BACKEND": "jax"}),
    "onnxruntime": (onnxruntime_contender, {}),
}
AVX2: dict[str, tuple[Callable[..., Figures], dict[str, str]]] = {
    "AVX2": (avx2_contender, {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"})
}
MEMORY: dict[str, tuple[Callable[..., Figures], dict[str, str]]] = {
    f"{whose}, memory of {cell}": (partial(memory_contender, cell=cell, ours=whose == "duree"), {})
    for whose in ("duree", "torch")
    for cell in CELLS
}


def run(name: str, threads: int) -> dict[str, float]:
    """One contender's figures from a new process; none if it cannot run."""
    _, environment = (CONTENDERS | AVX2 | MEMORY)[name]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, __file__, "--only", name, "--threads", str(threads)],
        env=os.environ | quiet | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"{name}: skipped ({done.stderr.strip().splitlines()[-1]})", file=sys.stderr)
        return {}
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def report(found: dict[str, dict[str, float]], one: dict[str, float]) -> None:
    ours, others = found["duree"], {n: f for n, f in found.items() if n != "duree" and f}

    def line(what: str, mine: float, theirs: dict[str, float], note: str = "") -> None:
        print(f"{what:34} {mine:9.3f} {note}")
        for other, took in theirs.items():
            print(f"{'':36}{took:9.3f}  {took / mine:5.2f} x  {other}")

    sgemm = 2 * 2048**3 / others["torch"]["SGEMM 2048"] / 1e6
    print(
        f"SGEMM 2048: {sgemm:.0f} GFLOP/s on two threads. In milliseconds; x: speed-up of Durée.\n"
    )
    print("Forward and backward of a layer")
    for rows, steps, channels, hidden, unequal in SHAPES:
        for cell in CELLS:
            name = name_of(cell, rows, steps, channels, hidden, unequal)
            work = int(lengths_of(rows, steps, unequal).sum()) * GATES[cell] * hidden
            speed = 6 * work * (channels + hidden) / ours[name] / 1e6
            theirs = {n: f[name] for n, f in others.items() if name in f}
            line(name, ours[name], theirs, f"{speed / sgemm:.0%} of SGEMM")
    print("\nTraining step of the tutorials' model")
    for cell in CELLS:
        theirs = {
            f"{other}{name.removeprefix(f'{cell} training step')}": value
            for other, figures in others.items()
            for name, value in figures.items()
            if name.startswith(f"{cell} training step")
        }
        line(f"{cell} training step", ours[f"{cell} training step"], theirs)
    print("\nPrediction of the tutorials' model, words to probability")
    for cell in CELLS:
        for rows in (64, 1):
            name = f"{cell} prediction, batch {rows}"
            line(name, ours[name], {n: f[name] for n, f in others.items() if name in f})
    print("\nThe recurrence alone, 32 rows of 400 steps, forward")
    for cell in CELLS:
        for hidden in (128, 256):
            name = f"{cell} recurrence alone, hidden {hidden}"
            speed = 2 * 32 * 400 * GATES[cell] * hidden**2 / ours[name] / 1e6
            print(f"{name:34} {ours[name]:9.2f}   {speed / sgemm:.0%} of SGEMM")
    print("\nRecurrent dropout, 32,80,128,64")
    for cell in CELLS:
        without, withit = (ours[f"{cell} layer, recurrent dropout {s}"] for s in (0.0, DROPOUT))
        print(f"{cell:34} {withit:9.2f}   {withit / without - 1:+.1%}")
    print("\nFrom one thread to two")
    for name in (f"{cell} 32,{shape}" for cell in CELLS for shape in ("80,128,64", "400,128,128")):
        print(f"{name:34} {ours[name]:9.2f}   {one[name] / ours[name]:.2f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--only", choices=CONTENDERS | AVX2 | MEMORY, help="one contender's figures as JSON"
    )
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.only:
        contender, _ = (CONTENDERS | AVX2 | MEMORY)[options.only]
        print(json.dumps(dict(contender(options.threads))))
        return
    rounds = [{name: run(name, 2) for name in CONTENDERS} for _ in range(options.rounds)]
    alone = [run("duree", 1) for _ in range(options.rounds)]
    found = {
        name: {
            figure: statistics.median(r[name][figure] for r in rounds) for figure in rounds[0][name]
        }
        for name in CONTENDERS
    }
    report(found, {name: statistics.median(r[name] for r in alone) for name in alone[0]})
    print("\nForward and backward of a layer, both held to AVX2 and with memory kept")
    held = [run("AVX2", 2) for _ in range(options.rounds)]
    for shape in SHAPES if held[0] else ():
        for cell in CELLS:
            name = name_of(cell, *shape)
            ours, torchs = (
                statistics.median(r[f"{name} {whose}"] for r in held)
                for whose in ("duree", "torch")
            )
            print(f"{name:34} {ours:9.3f}   torch: {torchs:.3f}, {torchs / ours:.2f} x")
    print("\nPeak memory of training steps, 64,400,300,256, MiB")
    for cell in CELLS:
        ours, torchs = (
            run(f"{whose}, memory of {cell}", 2)[f"{cell} memory"] for whose in ("duree", "torch")
        )
        print(f"{cell:34} {ours:9.0f}   torch: {torchs:.0f}")


if __name__ == "__main__":
    main()
