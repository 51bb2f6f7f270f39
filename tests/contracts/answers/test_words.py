"""Pipelines on DataFrames with words become graphs of codes, and say of words what the pipelines say: known, unseen, missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.schema import Column, Schema, document_of
from fogbank.project.packaging.packing import pack
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.events import Steps, ignore
from fogbank.serve.handler import Call, load_handler
from tests.packages import settings_at

G = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "age": G.uniform(18, 90, 120).round(1),
        "city": G.choice(["Rome", "Oslo", "Lima"], 120),
        "tier": G.choice(["a", "b"], 120),
    }
)
FRAME.loc[::7, "age"] = np.nan
HOLES = FRAME.assign(tier=FRAME.tier.where(G.random(120) > 0.2, None))
LABELS = np.where((FRAME.age.fillna(40) > 50) ^ (FRAME.city == "Oslo"), "yes", "no")
NUMBERS = ("n", make_pipeline(SimpleImputer(), StandardScaler()), ["age"])
ENCODED = OneHotEncoder(handle_unknown="ignore")
FILLED = make_pipeline(
    SimpleImputer(strategy="most_frequent", missing_values=np.nan), OneHotEncoder(handle_unknown="ignore")
)
PIPELINES: dict[str, tuple[Any, Any]] = {
    "ignored": (ColumnTransformer([NUMBERS, ("c", ENCODED, ["city", "tier"])]), LogisticRegression()),
    "refused": (ColumnTransformer([NUMBERS, ("c", OneHotEncoder(), ["city", "tier"])]), RandomForestClassifier(9, random_state=0)),
    "ordinal": (
        ColumnTransformer(
            [NUMBERS, ("c", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["city", "tier"])]
        ),
        RandomForestClassifier(9, random_state=0),
    ),
    "filled": (ColumnTransformer([NUMBERS, ("c", ENCODED, ["city"]), ("t", FILLED, ["tier"])]), LogisticRegression()),
    "missing is a category": (ColumnTransformer([NUMBERS, ("c", ENCODED, ["city", "tier"])]), LogisticRegression()),
}  # fmt: skip


def project(root: Path, model: Any, frame: pd.DataFrame, columns: list[Column]) -> ProjectConfig:
    """A brought model with its baseline."""
    import joblib

    (root / "model").mkdir(parents=True)
    (root / "pyproject.toml").write_text(
        '[tool.fogbank]\nname = "words"\nmodel = "model"\ndependencies = ["scikit-learn", "joblib", "numpy", "pandas"]\n'
    )
    joblib.dump(model, root / "model" / "model.joblib")
    schema = {
        "input": document_of(Schema(columns=tuple(columns))),
        "output": {"columns": [{"name": "y", "dtype": "string"}]},
    }
    (root / "model" / "schema.json").write_text(json.dumps(schema))
    frame.assign(y=model.predict(frame))[["y", *frame]].to_csv(root / "model" / "baseline.csv", index=False)
    return load_config(root)


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_with_words_is_compiled_and_answers_as_itself(name: str, tmp_path: Path) -> None:
    prepared, last = PIPELINES[name]
    holes = name in {"filled", "missing is a category"}
    frame = HOLES if holes else FRAME
    model = make_pipeline(prepared, last).fit(frame, LABELS)
    columns = [
        Column(name="age", nullable=True),
        Column(name="city", dtype="category", categories=("Lima", "Oslo", "Rome")),
        Column(name="tier", dtype="string", nullable=holes),
    ]
    if name != "refused":
        columns[1] = Column(name="city", dtype="string")
    config = project(tmp_path / "p", model, frame, columns)

    manifest = pack(config, Steps(ignore))

    assert manifest.package.compilation.compiled, manifest.package.compilation.reason
    assert manifest.package.requirements[0].startswith("flatbuffers") or "pandas" not in str(
        manifest.package.requirements
    )
    asked = frame.head(40).copy()
    asked.loc[3, "tier"] = "never seen"
    got = answers(manifest, tmp_path / "served", asked)
    for place in range(len(asked)):
        row = asked.iloc[place : place + 1]
        try:
            right: Any = model.predict(row)[0]
        except ValueError:
            right = 400
        assert got[place] == right


def answers(manifest: Any, base: Path, frame: pd.DataFrame) -> list[Any]:
    """What the package answers of each row alone: a label, or the status of a refusal."""
    from fogbank.ground.archive import unpack_archive
    from fogbank.serve.service import failure

    unpack_archive(manifest.artifact_path, base / "model")
    handler = load_handler(settings_at(base))
    found: list[Any] = []
    for row in frame.astype(object).where(frame.notna(), None).to_dict("records"):
        body = json.dumps([row]).encode()
        try:
            reply = handler(Call(body, "application/json", "application/json"))
        except Exception as error:  # noqa: BLE001 - as the service does
            found.append(failure(error).status)
            continue
        assert isinstance(reply.body, bytes)
        found.append(json.loads(reply.body)[0])
    return found
