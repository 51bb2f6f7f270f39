"""Packages on the engines that people already run: Spark (worker processes of its own) and Ray give what a transform job writes.

Each runs in an environment of its own beside this one (made once, by uv); Spark needs a Java. FOGBANK_ENGINES names those that are run:
all by `make engines`, Spark by CI.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from fogbank.direct.files import score
from fogbank.direct.scorer import Packed
from fogbank.ground.cache import cache_dir
from fogbank.ground.locks import locked
from fogbank.monitor.dataset import Dataset
from fogbank.monitor.profile import statistics
from tests.contracts.direct.test_files import work
from tests.direct_work import packed_sums, request_of, rows
from tests.engines import needs

pytestmark = pytest.mark.frameworks
FLOWS = Path(__file__).parent / "flows"
LIMIT_S = 900
ENGINES = {"spark": "pyspark==4.3.0", "ray": "ray[data]==2.60.0"}


def engine_python(engine: str) -> Path:
    """The Python of an environment with the engine in it."""
    from uv import find_uv_bin

    home = cache_dir(os.environ) / "engines" / ENGINES[engine]
    home.parent.mkdir(parents=True, exist_ok=True)
    with locked(home.with_name(home.name + ".lock")):
        if not (home / "ready").exists():
            uv, python = find_uv_bin(), str(home / "bin" / "python")
            subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)], check=True)
            subprocess.run([uv, "pip", "install", "--quiet", "--python", python, ENGINES[engine]], check=True)
            (home / "ready").touch()
    return home / "bin" / "python"


def run(engine: str, folder: Path, told: dict[str, Any]) -> dict[str, Any]:
    """A flow in the engine's environment, with this one's libraries; what it answers."""
    python = engine_python(engine)
    source = Path(__file__).parents[3] / "src"
    environment = {
        **os.environ, "HOME": str(folder), "PYTHONPATH": os.pathsep.join([str(source), sysconfig.get_path("purelib")]),
        "PYSPARK_PYTHON": str(python), "RAY_raylet_start_wait_time_s": "300", "RAY_agent_register_timeout_ms": "300000", "RAY_USAGE_STATS_ENABLED": "0",
    }  # fmt: skip
    done = subprocess.run(
        [str(python), str(FLOWS / f"{engine}_flow.py")], input=json.dumps(told), env=environment, cwd=folder,
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    answered: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answered


@pytest.mark.parametrize("engine", list(ENGINES))
def test_an_engine_gives_the_bytes_of_the_job_and_rows_their_predictions(tmp_path: Path, engine: str) -> None:
    if engine not in os.environ.get("FOGBANK_ENGINES", "").split():
        pytest.skip("FOGBANK_ENGINES does not name it")
    if engine == "spark":
        needs("java")
    job = work(tmp_path, request_of("$[1:]", "$[0,-1]", join=True), rows(120_000))
    manifest = packed_sums(tmp_path)
    job = replace(job, package=Packed.of(manifest))
    score(job, tmp_path / "here", 1)
    answered = run(
        engine, tmp_path,
        {"work": asdict(job), "package": asdict(job.package), "manifest": json.loads(manifest.encode()), "target": str(tmp_path / "there")},
    )  # fmt: skip

    assert (tmp_path / "there").read_bytes() == (tmp_path / "here").read_bytes()
    assert answered["processes"] > 1 or engine == "ray"
    assert answered["rows"] == [[number, 10.0 * (3 * number + 201)] for number in range(100)]
    assert answered["columns"] == ["a", "b", "id", "total"]
    assert "not this one" in answered["failure"]
    if engine == "spark":
        _a_baseline_of_partitions_is_that_of_all(answered)


def _a_baseline_of_partitions_is_that_of_all(answered: dict[str, Any]) -> None:
    rows: dict[str, list[str | None]] = {
        "a": [str(100.0 + n) for n in range(100)],
        "id": [str(n) for n in range(100)],
        "s": [*["x"] * 90, *[None] * 10],
    }
    whole = statistics(Dataset(rows))
    kept = ("name", "inferred_type", "string_statistics")
    for one, two in zip(answered["statistics"]["features"], whole["features"], strict=True):
        assert [one.get(name) for name in kept] == [two.get(name) for name in kept]
    assert answered["statistics"]["dataset"] == {"item_count": 100}
    assert answered["statistics"]["features"][1]["numerical_statistics"]["sum"] == 4950.0
    assert [item["completeness"] for item in answered["constraints"]["features"]] == [1.0, 1.0, 0.9]
    assert answered["empty"] == "Job inputs had no data"
