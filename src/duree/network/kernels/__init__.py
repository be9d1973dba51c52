"""The compiled recurrence, and what else of a training step the compiler does better than torch.

The C++ beside this file is bound to NumPy arrays and knows nothing of PyTorch. Where it was not
built or cannot be loaded, ``compiled`` is None, ``missing`` says why, and ``torch.nn`` serves.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import Tensor

compiled: Any = None
missing = ""
try:  # after torch, whose OpenMP threads it then shares
    compiled = import_module("duree.network.kernels.compiled")
except ImportError as error:
    missing = str(error)


def serves(*tensors: Tensor) -> bool:
    """Whether the compiled code can take these: float32 in the processor's own memory."""
    if compiled is None:
        return False
    return all(tensor.dtype == torch.float32 and tensor.is_cpu for tensor in tensors)


def array(tensor: Tensor) -> Any:
    """The tensor's memory as a NumPy array."""
    return tensor.detach().numpy()
