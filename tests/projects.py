"""A small project on disk, trained: what the tests of packing and of images start from."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import Manifest
from fogbank.ground.digest import canonical_json, sha256_bytes
from fogbank.image import Layout
from fogbank.image.layout import CONFIG, LAYER, MANIFEST, compact_json
from fogbank.pack import Baseline, build, read_trained
from fogbank.project.workplace.config import load_config
from tests.fakes.probe import Probe

BASELINE = Baseline(statistics=b"{}", constraints=b"{}")
ROOT = Path(__file__).parents[1]
HANDLER = """
import numpy as np

def predict_fn(data, model):
    return model.predict_proba(data)[:, 1:]
"""


def small_project(
    root: Path, handler: str = HANDLER, *, locked: bool = True, settings: str = "", needs: tuple[str, ...] = ()
) -> ProjectConfig:
    """A project called churn with a logistic regression of two columns; its lock is this repository's own."""
    dependencies = json.dumps(["scikit-learn", "joblib", "numpy", *needs])
    (root / "handlers").mkdir(parents=True)
    (root / "handlers" / "inference.py").write_text(handler)
    (root / "pyproject.toml").write_text(
        f'[tool.fogbank]\nname = "churn"\nport = 0\ndependencies = {dependencies}\n{settings}'
    )
    if locked:
        (root / "uv.lock").write_bytes((ROOT / "uv.lock").read_bytes())
    config = load_config(root)
    config.trained.mkdir(parents=True)
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(40, 2))
    labels = (rows.sum(axis=1) > 0).astype(int)
    joblib.dump(LogisticRegression().fit(rows, labels), config.trained / "model.joblib")
    schema = {"columns": [{"name": "a"}, {"name": "b"}]}
    (config.trained / "schema.json").write_text(json.dumps({"input": schema, "output": {"columns": [{"name": "p"}]}}))
    (config.trained / "metrics.json").write_text(json.dumps({"metrics": {"f1": 0.9}, "gates": {"f1": 0.8}}))
    lines = ["p,a,b", *(f"{label},{a!r},{b!r}" for label, (a, b) in zip(labels, rows.tolist(), strict=True))]
    (config.trained / "baseline.csv").write_text("\n".join(lines) + "\n")
    (config.trained / "sample.csv").write_text("0.5,-0.25\n")
    return config


def uncompiled_project(root: Path) -> ProjectConfig:
    """A project with code of its own beside the handler, and a model of one column that no baseline proves: served as it is."""
    for name, text in (
        ("model/__init__.py", ""),
        ("model/features.py", "X = 1\n"),
        ("handlers/inference.py", "from model.features import X\n"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    config = ProjectConfig(root=root, name="churn", handler=root / "handlers" / "inference.py")
    config.trained.mkdir(parents=True)
    joblib.dump(LogisticRegression().fit(np.array([[0.0], [1.0]]), [0, 1]), config.trained / "model.joblib")
    schema = {"columns": [{"name": "a", "dtype": "float"}]}
    (config.trained / "schema.json").write_text(json.dumps({"input": schema, "output": schema}))
    (config.trained / "metrics.json").write_text(json.dumps({"metrics": {"f1": 0.9}, "gates": {"f1": 0.8}}))
    return config


def packed(root: Path, handler: str = HANDLER) -> tuple[ProjectConfig, Manifest]:
    """A small project, and its package."""
    config = small_project(root, handler)
    return config, build(config, read_trained(config.trained), BASELINE, Probe())


def with_image(manifest: Manifest, platform: str = "linux/amd64") -> None:
    """Put an image into a package's folder as packing records it: of one small layer, so that no base is needed."""
    system, _, architecture = platform.partition("/")
    layout = Layout(manifest.folder / "image")
    layer = layout.put(gzip.compress(b"\0" * 1024, mtime=0), LAYER)
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{sha256_bytes(bytes(1024))}"]}
    config = layout.put(compact_json({"os": system, "architecture": architecture, "rootfs": rootfs}), CONFIG)
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.document(),
        "layers": [layer.document()],
    }
    image = layout.put(compact_json(document), MANIFEST)
    layout.write_index({platform: image}, manifest.name)
    packed_image = {"platform": platform, "digest": image.digest, "base": "none", "wheels": 0, "above_base": layer.size}
    (manifest.folder / "image.json").write_bytes(canonical_json({"key": "1" * 64, "images": [packed_image]}))
