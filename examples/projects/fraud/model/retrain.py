"""The training job's script: labelled rows from S3 (the label first, no header) to a model that the endpoint's image serves as it is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np

from model.fit import fitted


def main() -> None:
    """Leave the model, and beside it the code that the live one has."""
    files = sorted(Path(os.environ["SM_CHANNEL_TRAIN"]).rglob("*.csv"))
    rows = np.concatenate([np.loadtxt(file, delimiter=",", ndmin=2) for file in files])
    target = Path(os.environ["SM_MODEL_DIR"])
    (target / "model.onnx").write_bytes(fitted(rows[:, 1:], rows[:, 0].astype(np.int64)))
    shutil.copytree(Path(__file__).parent / "serving", target / "code")
    print(f"{len(rows)} rows")


if __name__ == "__main__":
    main()
