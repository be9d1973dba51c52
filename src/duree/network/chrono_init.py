"""Memory: gates that remember before they have learned to."""

from __future__ import annotations

import torch

from duree.network.recurrent import Recurrent

# Among r, z, n and i, f, g, o: which let the past through (1), and which the present in (-1).
KEEPING = {"gru": {1: 1}, "lstm": {0: -1, 1: 1}}


@torch.no_grad()
def remember(layer: Recurrent, span: int) -> None:
    """Set the biases of a layer's gates so that its states last from 1 to ``span`` steps at first.

    Each unit gets a time of its own, drawn from that range: where nothing is read, its state fades
    by a factor e within it. Source: Tallec & Ollivier 2018, Can recurrent neural networks warp
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
