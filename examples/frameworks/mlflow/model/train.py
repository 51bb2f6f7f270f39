"""`python -m model.train`: a pipeline on a table with words and gaps, saved as MLflow saves it; no handler is written for it by hand."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from model.leave import folder, leave


def main() -> None:
    """Train and leave the folder."""
    drawn = np.random.default_rng(0)
    table = pd.DataFrame(
        {"age": drawn.uniform(18, 90, 80).round(1), "city": drawn.choice(["Rome", "Oslo", "Lima"], 80)}
    )
    table.loc[::9, "age"] = np.nan
    bought = np.where((table.age.fillna(50) > 50) ^ (table.city == "Oslo"), "yes", "no")
    prepared = ColumnTransformer([("age", SimpleImputer(), ["age"]), ("city", OneHotEncoder(), ["city"])])
    model = make_pipeline(prepared, LogisticRegression()).fit(table, bought)
    answers = model.predict(table)
    with tempfile.TemporaryDirectory() as made:
        # skops, which runs no code when it loads; it asks which types beyond scikit-learn's own it may load
        types, signature = ["numpy.dtype"], infer_signature(table, answers)
        mlflow.sklearn.save_model(model, f"{made}/model", signature=signature, skops_trusted_types=types)
        shutil.copytree(Path(made) / "model", folder(), dirs_exist_ok=True)
    ages = [None if np.isnan(age) else age for age in table.age]
    leave({"age": ages, "city": table.city.tolist()}, {"bought": answers.tolist()}, rows="frame")


if __name__ == "__main__":
    main()
