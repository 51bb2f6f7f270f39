"""A report of any kind of model, from what is there: its kind, its figures, its verdict, and a page that fits a phone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline

from fogbank.cli.report import page
from fogbank.project.packaging import packing
from fogbank.project.project import Project
from fogbank.project.report import model_report
from fogbank.project.scaffolding.adoption import adopt
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.events import Steps, ignore

G = np.random.default_rng(0)
X = G.normal(size=(60, 3)).round(3)
SUM = X.sum(axis=1)
WORDS = [" ".join(G.choice(["good", "fine", "bad", "awful"], 4)) for _ in range(60)]
KINDS: dict[str, Any] = {
    "classification": lambda: LogisticRegression().fit(X, np.where(SUM > 0, "up", "down")),
    "multiclass": lambda: LogisticRegression().fit(X, np.select([SUM > 1, SUM < -1], ["high", "low"], "mid")),
    "regression": lambda: LinearRegression().fit(X, SUM),
    "anomaly": lambda: IsolationForest(n_estimators=5, random_state=0).fit(X),
    "clusters": lambda: KMeans(4, random_state=0, n_init=1).fit(X),
    "text": lambda: make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(
        WORDS, ["good" in words for words in WORDS]
    ),
}


def reported(kind: str, folder: Path) -> tuple[Project, dict[str, Any]]:
    """A project around a model of a kind, packed, and what is told of it."""
    joblib.dump(KINDS[kind](), folder / "m.joblib")
    frame = pd.DataFrame({"words": WORDS}) if kind == "text" else pd.DataFrame(X, columns=["a", "b", "c"])
    frame.to_csv(folder / "rows.csv", index=False)
    adopt("model", folder / "m.joblib", folder / "rows.csv", folder / "model", Steps(ignore), lambda _: True)
    packing.pack(load_config(folder / "model"), Steps(ignore))
    project = Project(folder / "model")
    return project, model_report(project)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_has_a_report(kind: str, tmp_path: Path) -> None:
    project, document = reported(kind, tmp_path)

    assert (document["kind"], document["rows"]) == (kind, 60)
    assert document["verdict"]["level"] == "good"
    assert [line["level"] for line in document["verdict"]["lines"]] == ["open"] * 3, "what is not there is no fault"
    assert bool(document["predictions"]) == (kind != "regression")
    assert sum(document["predictions"].values()) in {0, 60}
    assert [item["name"] for item in document["inputs"]] == list(project.manifest.package.input.names)
    made = page(json.loads(json.dumps(document)))
    assert kind in made
    assert all(f">{item['name']}<" in made for item in document["inputs"])


def test_what_is_wrong_is_on_top(tmp_path: Path) -> None:
    project, _ = reported("regression", tmp_path)
    scores = {"metrics": {"r2": 0.4, "mae": 2}, "gates": {"r2": 0.9}}
    (project.config.trained / "metrics.json").write_text(json.dumps(scores))
    rows = {
        "labels": ["no", "no", "yes"],
        "predictions": ["no", "yes", "yes"],
        "scores": [0.1, 0.6, 0.9],
        "positive": "yes",
    }
    (project.config.trained / "evaluation.json").write_text(json.dumps({"held_out": rows}))

    document = model_report(project)
    made = page(document)

    assert document["verdict"]["level"] == "bad"
    assert document["verdict"]["lines"][0]["text"] == "r2 is 0.4, below its gate of 0.9"
    assert made.index("Something is wrong") < made.index("Columns</h2>")
    [scores] = document["quality"]
    assert scores["confusion"] == {"labels": ["no", "yes"], "matrix": [[1, 1], [0, 1]]}
    assert scores["roc"]["area"]["value"] == 1.0
    assert "Calibration" in made
