"""What loads the model and runs on a request: a pipeline, offline, with the tokenizer that lies beside the model.

A request is `{"inputs": "a text"}`, `{"inputs": ["two", "texts"]}`, a list of texts, or CSV with a text a line.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")


class Classifier:
    """The pipeline, of which a text with more tokens than its network takes is refused: without that it is an error of PyTorch's."""

    def __init__(self, folder: str) -> None:
        from transformers import pipeline

        self._pipeline = pipeline("text-classification", model=folder, tokenizer=folder, device=-1)

    def __call__(self, texts: list[str]) -> list[dict[str, Any]]:
        """For every text a label and its score. Raises ValueError for a text that is too long."""
        try:
            return list(self._pipeline(texts))
        except (IndexError, RuntimeError) as error:
            tokens, most = max(map(len, self._pipeline.tokenizer(texts)["input_ids"])), self._most()
            if tokens <= most:
                raise
            raise ValueError(f"{tokens} tokens, and {most} are the most") from error

    def _most(self) -> int:
        """Tokens that the network takes."""
        own, model = self._pipeline.tokenizer.model_max_length, self._pipeline.model
        layers = [layer for name, layer in model.named_modules() if name.endswith("position_embeddings")]
        pads = [layer.padding_idx for layer in layers if getattr(layer, "padding_idx", None) is not None]
        first = pads[0] + 1 if pads else 0  # RoBERTa counts its positions from behind the padding's
        return min(own, getattr(model.config, "max_position_embeddings", own + first) - first)


def model_fn(model_dir: str) -> Classifier:
    """The pipeline, from the folder alone."""
    return Classifier(model_dir)


def predict_fn(data: Any, model: Classifier) -> list[dict[str, Any]]:
    """For every text the pipeline's own answer: a label and its score."""
    return model([str(row if isinstance(row, str) else row[0]) for row in data])
