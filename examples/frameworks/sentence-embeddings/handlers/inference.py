"""What loads the model and runs on a request: sentences to vectors, offline."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def model_fn(model_dir: str) -> Any:
    """The model, from the folder alone."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(model_dir, device="cpu", local_files_only=True)


def predict_fn(data: Any, model: Any) -> Any:
    """A vector for every text."""
    texts = [str(row if isinstance(row, str) else row[0]) for row in data]
    return model.encode(texts, convert_to_numpy=True, show_progress_bar=False)
