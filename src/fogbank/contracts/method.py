"""What of a model answers where there is no handler: a word of the config table, and of the manifest."""

from __future__ import annotations

from typing import Literal

Method = Literal["predict", "predict_proba", "decision_function"]
