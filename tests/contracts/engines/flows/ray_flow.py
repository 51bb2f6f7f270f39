"""Run by tests/contracts/engines: Ray with two workers on this machine."""

import json
import sys
from pathlib import Path

import pandas as pd
import ray
import ray.data

from fogbank.contracts.manifest import Manifest, decode_package
from fogbank.direct.files import Work
from fogbank.direct.scorer import Packed
from fogbank.ray import score_file, transform

told = json.load(sys.stdin)
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
work = Work(**{**told["work"], "package": Packed(**told["package"])})
score_file(work, Path(told["target"]))

folder = Path(told["package"]["artifact"]).parent
inner = next((folder / "made" / "model").glob("*.json")).read_bytes()
given = {key: value for key, value in told["manifest"].items() if key not in {"package", "folder"}}
manifest = Manifest(**given, package=decode_package(inner), folder=folder)
frame = pd.DataFrame({"a": [100.0 + n for n in range(100)], "b": [101.0 + 2 * n for n in range(100)], "id": range(100)})
made = transform(ray.data.from_pandas(frame), manifest)
found = made.to_pandas().sort_values("id")
failure = ""
try:
    transform(ray.data.from_pandas(frame[["a", "b"]].assign(a=13.0)), manifest).materialize()
except Exception as error:  # noqa: BLE001 - whatever the engine makes of it
    failure = str(error)
ray.shutdown()
rows = [[int(n), float(total)] for n, total in zip(found["id"], found["total"], strict=True)]
print(json.dumps({"processes": 1, "rows": rows, "columns": list(found.columns), "failure": failure}))
