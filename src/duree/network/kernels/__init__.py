"""The compiled kernels: the recurrence, and other parts of a training step faster than in torch.

The C++ in this folder works on NumPy arrays and does not depend on PyTorch. If it was not built or
cannot be loaded, ``compiled`` is None, ``missing`` is the reason, and ``torch.nn`` is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import Tensor

compiled: Any = None
missing = ""
try:  # after torch, to share its OpenMP threads
    compiled = import_module("duree.network.kernels.compiled")
except ImportError as error:
    missing = str(error)


def serves(*tensors: Tensor) -> bool:
    """Whether the compiled code supports these tensors: float32 in CPU memory."""
    if compiled is None:
        return False
    return all(tensor.dtype == torch.float32 and tensor.is_cpu for tensor in tensors)


def array(tensor: Tensor) -> Any:
    """The tensor's memory as a NumPy array."""
    return tensor.detach().numpy()
