"""One row over HTTP of models that are not arrays alone: XGBoost, LightGBM, words and gaps of a DataFrame, and texts.

`python benchmarks/bench_models.py [SECONDS]`: fogbank's server beside FastAPI by hand and, for XGBoost, what SageMaker's XGBoost image
runs, each with one worker, in one run. It needs wrk (Debian: wrk). A peer that does not start or answers late is told, and left out.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from importlib import metadata
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from side_by_side import (
    FAST,
    SAGEMAKER_PACKAGES,
    SKLEARN,
    Asked,
    PeerError,
    Server,
    fogbank_server,
    load,
    packaged,
    running,
    sagemaker_stack,
    uvicorn,
)  # fmt: skip

from fogbank.contracts.manifest import Column, Compilation, ModelKind, Schema
from fogbank.pack.proof import Wish, prove
from fogbank.pack.words import worded

LIBRARIES = {name: f"{name}=={metadata.version(name)}" for name in ("xgboost-cpu", "lightgbm", "pandas")}
CONNECTIONS = (1, 8)
G = np.random.default_rng(0)
TABLE = np.round(G.normal(size=(5000, 12)), 3)
LABELS = (TABLE[:, :4].sum(axis=1) + G.normal(0, 1, 5000) > 0).astype(int)
WORDS = ("cheap", "good", "late", "broken", "fast", "kind", "lost", "warm", "cold", "new")


@dataclass(frozen=True)
class Case(Asked):
    """A model with what is asked of it, and what its peer imports."""

    package: Path
    peer: str
    packages: tuple[str, ...]


def boosters(folder: Path) -> list[Case]:
    """XGBoost and LightGBM of 100 trees, in their own files."""
    import lightgbm
    import xgboost

    boosted = xgboost.XGBClassifier(n_estimators=100, max_depth=6, n_jobs=1).fit(TABLE, LABELS)
    boosted.save_model(folder / "model.ubj")
    light = lightgbm.LGBMClassifier(n_estimators=100, n_jobs=1, verbose=-1).fit(TABLE, LABELS)
    light.booster_.save_model(folder / "model.txt")
    schema = Schema(columns=tuple(Column(name=f"f{place}") for place in range(TABLE.shape[1])))
    right = [float(np.asarray(model.predict_proba(TABLE[:1]))[0, 1]) for model in (boosted, light)]
    body = json.dumps(TABLE[:1].tolist())
    cases = []
    kinds: tuple[tuple[str, str, ModelKind, float, str], ...] = (
        ("xgboost", "model.ubj", "xgboost", right[0], "xgboost-cpu"),
        ("lightgbm", "model.txt", "lightgbm", right[1], "lightgbm"),
    )
    for name, file, kind, answer, library in kinds:
        base = packaged(
            folder / name, folder / file, kind, schema, "predict", Compilation(compiled=False, batch_exact=True)
        )
        cases.append(Case(name, folder / file, body, answer, base, name, (LIBRARIES[library], *SKLEARN, "scipy")))
    return cases


def table(folder: Path) -> Case:
    """A pipeline on a DataFrame with words and gaps, before a logistic regression."""
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pd.DataFrame({f"n{place}": TABLE[:, place] for place in range(6)})
    frame["word"], frame["other"] = G.choice(WORDS, 5000), G.choice(WORDS[:3], 5000)
    frame.loc[::7, "n0"] = np.nan
    numbers, words = list(frame)[:6], list(frame)[6:]
    prepared = ColumnTransformer(
        [
            ("n", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("w", OneHotEncoder(handle_unknown="ignore"), words),
        ]
    )
    model = make_pipeline(prepared, LogisticRegression()).fit(frame, LABELS)
    joblib.dump(model, folder / "table.joblib")
    own = worded(model, [6, 7], {6: "nan", 7: "nan"})
    codes = [
        [own.words[place].index(cell) for cell in frame[name].head(1000)] for place, name in ((6, "word"), (7, "other"))
    ]
    rows = np.column_stack([frame[numbers].head(1000), *codes]).astype(float)
    nullable = [True] + [False] * 7
    outcome = prove(
        model, rows, Wish(tolerance=1e-6, nullable=nullable, method="predict_proba", names=list(frame), worded=own)
    )
    if outcome.onnx is None:
        raise SystemExit(f"the table does not compile: {outcome.compilation.reason}")
    (folder / "table.onnx").write_bytes(outcome.onnx)
    columns = [Column(name=name, nullable=place == 0) for place, name in enumerate(numbers)]
    columns += [Column(name=name, dtype="string") for name in words]
    base = packaged(
        folder / "table",
        folder / "table.onnx",
        "onnx",
        Schema(columns=tuple(columns)),
        "predict_proba",
        outcome.compilation,
    )
    body = json.dumps(frame.iloc[1:2].to_dict("records"))
    answer = float(model.predict_proba(frame.iloc[1:2])[0, 1])
    return Case(
        "table with words", folder / "table.joblib", body, answer, base, "frame", (LIBRARIES["pandas"], *SKLEARN)
    )


def texts(folder: Path) -> Case:
    """TF-IDF before a logistic regression, on sentences of a few words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    said = [" ".join(G.choice(WORDS, 8)) for _ in range(2000)]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(said, ["good" in text for text in said])
    joblib.dump(model, folder / "text.joblib")
    schema = Schema(columns=(Column(name="text", dtype="string"),), rows="texts")
    base = packaged(
        folder / "text",
        folder / "text.joblib",
        "joblib",
        schema,
        "predict_proba",
        Compilation(compiled=False),
        "model.joblib",
    )
    answer = float(model.predict_proba(said[:1])[0, 1])
    return Case("texts", folder / "text.joblib", json.dumps(said[:1]), answer, base, "text", tuple(SKLEARN))


def servers(case: Case) -> list[Server]:
    """fogbank, and the peers of a case."""
    peer: Callable[[Any, int], Mapping[str, str]] = lambda model, _: {  # noqa: E731 - one line, twice
        "MODEL": str(model.joblib), "FORM": case.peer, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
    }  # fmt: skip
    packages = [*case.packages, "fastapi", "uvicorn", *FAST]
    found = [
        fogbank_server("fogbank", lambda model: model.package),
        Server("FastAPI by hand", (), uvicorn(f"models-{case.peer}", packages, "models_app"), peer),
    ]
    if case.peer == "xgboost":
        stack = sagemaker_stack("models-sagemaker", [*case.packages, *SAGEMAKER_PACKAGES], "sagemaker_models_app")
        found.append(Server("SageMaker XGBoost image's stack", (), stack, peer))
    return found


def main() -> None:
    """Measure and print."""
    if shutil.which("wrk") is None:
        print("models are not measured: wrk is not installed (Debian: wrk)")
        return
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for case in (*boosters(folder), table(folder), texts(folder)):
            rates: dict[str, float] = {}
            for server in servers(case):
                try:
                    with running(server, case, 1) as up:
                        for connections in CONNECTIONS:
                            found = load(up.port, case.json_body, "application/json", connections, seconds, folder)
                            rates[server.name] = found.rate
                            print(
                                f"{server.name:<32} {case.name:<17} {connections} connections {found.rate:>8.0f}/s  "
                                f"p50 {found.p50:7.3f} ms  p99 {found.p99:7.3f} ms",
                                flush=True,
                            )
                except (PeerError, OSError, HTTPException) as error:
                    if server.name == "fogbank":
                        raise
                    print(f"{server.name:<32} {case.name:<17} no figure: {error}", flush=True)
            for name, rate in rates.items():
                if name != "fogbank":
                    print(
                        f"{case.name}: fogbank to {name}, at {CONNECTIONS[-1]} connections: {rates['fogbank'] / rate:.1f} x"
                    )


if __name__ == "__main__":
    main()
