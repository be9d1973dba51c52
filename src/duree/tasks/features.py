"""Inputs of baselines, by the type of the network's encoder."""

from __future__ import annotations

from collections.abc import Callable

from duree.baselines.step_attributes import Encoding
from duree.sequences.encoder import Encoder
from duree.sequences.series_encoder import SeriesEncoder
from duree.sequences.state_encoder import StateEncoder
from duree.sequences.text_encoder import TextEncoder


def encoding_of(encoder: Encoder) -> Encoding | None:
    """The encoding of step features; None if there are none."""
    if isinstance(encoder, StateEncoder) and encoder.step_features:
        return Encoding(encoder.encode, list(encoder.step_classes.values()))
    return None


def units_of(encoder: Encoder) -> Callable[[str], list[str]] | None:
    """The function that splits a text into the network's units; None if inputs are numbers."""
    if isinstance(encoder, SeriesEncoder):
        return None
    texts = encoder.states if isinstance(encoder, StateEncoder) else encoder
    if not isinstance(texts, TextEncoder):
        raise TypeError(f"{type(encoder).__name__} reads no texts")
    return texts.units


def has_state_units(encoder: Encoder) -> bool:
    """Whether the units are states or events, not words."""
    texts = encoder.states if isinstance(encoder, StateEncoder) else encoder
    return isinstance(texts, TextEncoder) and texts.settings.segmenter == "states"
