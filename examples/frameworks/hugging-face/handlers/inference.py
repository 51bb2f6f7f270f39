"""What loads the model and runs on a request: a pipeline, offline, with the tokenizer that lies beside the model.

A request is `{"inputs": "a text"}`, `{"inputs": ["two", "texts"]}`, a list of texts, or CSV with a text a line.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def model_fn(model_dir: str) -> Any:
    """The pipeline, from the folder alone."""
    from transformers import pipeline

    return pipeline("text-classification", model=model_dir, tokenizer=model_dir, device=-1)


def predict_fn(data: Any, model: Any) -> list[dict[str, Any]]:
    """For every text the pipeline's own answer: a label and its score."""
    return list(model([str(row if isinstance(row, str) else row[0]) for row in data]))
