"""What a trained network learned: attributions, words, states and the use of context.

The functions take a trained model, ``duree.load(...).model_``, and encoded rows, as
``model.encode(texts)`` returns them. ``docs/how-to/explain.md`` has an example of each; traces
of gates, arcs of long texts and the faithfulness of attributions are in the modules of this
package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duree.explain.attribution import gradient_times_input, integrated_gradients, occlusion
    from duree.explain.context_length import memory_curve
    from duree.explain.contrast import flip, separations
    from duree.explain.states import nearest_rows, pooled_states, state_map
    from duree.explain.words import analogy, compare_words, neighbours, word_map

__all__ = [
    "analogy",
    "compare_words",
    "flip",
    "gradient_times_input",
    "integrated_gradients",
    "memory_curve",
    "nearest_rows",
    "neighbours",
    "occlusion",
    "pooled_states",
    "separations",
    "state_map",
    "word_map",
]

_MODULES = {
    "attribution": ("gradient_times_input", "integrated_gradients", "occlusion"),
    "context_length": ("memory_curve",),
    "contrast": ("flip", "separations"),
    "states": ("nearest_rows", "pooled_states", "state_map"),
    "words": ("analogy", "compare_words", "neighbours", "word_map"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    # Torch takes more than a second to import: it is imported with the first function.
    if name in _MODULE_OF:
        return getattr(import_module(f"duree.explain.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module 'duree.explain' has no attribute {name!r}")
