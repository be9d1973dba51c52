"""Chrono initialisation: gate biases that give units long memory before training."""

from __future__ import annotations

import torch

from duree.network.recurrent import Recurrent

# Among r, z, n and i, f, g, o: the gates that admit the past (1) and the present (-1).
KEEPING = {"gru": {1: 1}, "lstm": {0: -1, 1: 1}}


@torch.no_grad()
def remember(layer: Recurrent, span: int) -> None:
    """Set the gate biases of a layer so that its states initially last from 1 to ``span`` steps.

    Each unit gets a time constant drawn from this range: without input, its state decays by a
    factor e within it. Source: Tallec & Ollivier 2018, Can recurrent neural networks warp
    time?, section 2 (chrono initialisation).

    Raises
    ------
    ValueError
        The cell has no gates, or the span is below 2.
    """
    if layer.kind not in KEEPING:
        raise ValueError("a cell without gates cannot be set to remember")
    if span < 2:
        raise ValueError(f"a span of {span} steps is none: give at least 2")
    for name, bias in layer.named_parameters():
        if name.startswith("bias_ih"):
            gates = bias.chunk(layer.gates)
            logits = torch.empty(layer.hidden_size).uniform_(1, span - 1).log()
            for gate, sign in KEEPING[layer.kind].items():
                gates[gate].copy_(sign * logits)
