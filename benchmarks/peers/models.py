"""What peers do with a request by the form of a model: each as its users write it by hand."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

FORM, MODEL = os.environ["FORM"], os.environ["MODEL"]

if FORM == "xgboost":
    import xgboost

    booster = xgboost.Booster(model_file=MODEL)

    def answer(rows: Any) -> Any:
        """As SageMaker's XGBoost image does it: a DMatrix of the request."""
        return booster.predict(xgboost.DMatrix(np.array(rows, dtype=np.float32)), validate_features=False).tolist()

elif FORM == "lightgbm":
    import lightgbm

    light = lightgbm.Booster(model_file=MODEL)

    def answer(rows: Any) -> Any:
        """The booster's own prediction."""
        return light.predict(np.array(rows), num_threads=1).tolist()

else:
    import joblib

    model = joblib.load(MODEL)

    def answer(rows: Any) -> Any:
        """A DataFrame of the records, or the texts as they are."""
        if FORM == "frame":
            import pandas as pd

            rows = pd.DataFrame(rows)
        return model.predict_proba(rows).tolist()
