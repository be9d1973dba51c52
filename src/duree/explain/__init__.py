"""What a trained network learned: attributions, gates, words, arcs, memory, contrast.

Everything here asks a ``Model`` (see ``duree.explain.model``), which ``duree.load(...).model_`` is,
and encoded rows, which ``model.encode(texts)`` gives.
"""
