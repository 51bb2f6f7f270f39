"""Every example of a framework, trained, packed and served in an environment of its own: what comes over HTTP is what the model
answered in memory. What training left is brought once more (`new --from`), as somebody who has the file alone would.

The environments are large (PyTorch's is several gigabytes): FOGBANK_FRAMEWORKS has the names of those that run. CI's are in .ci/run,
and `make frameworks` runs all.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.container import ServeSettings
from fogbank.contracts.manifest import Manifest
from fogbank.ground.archive import unpack_archive
from fogbank.project.packaging.packing import pack
from fogbank.project.scaffolding.adoption import adopt
from fogbank.project.scaffolding.examples import examples, write_example
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.environments import python_for
from fogbank.project.workplace.events import Steps, ignore
from fogbank.project.workplace.installation import assets
from tests.contracts.container.served import Subprocess, invoke
from tests.packages import settings_at
from tests.waiting import until

pytestmark = pytest.mark.frameworks
BROUGHT = {
    "catboost": "model.cbm", "hugging-face": ".", "keras": "model.keras", "mlflow": ".", "onnx": "model.onnx", "saved-model": ".",
    "sentence-embeddings": ".", "torch-export": "model.pt2", "torch-script": "model.pt", "torch-weights": "model.safetensors",
}  # fmt: skip
"""What of the trained folder is brought; the others are code of the user's, and not a file alone."""
BESIDE = {"torch-weights": "model/network.py"}
"""Code of the user's that lies beside what is brought."""
REFUSED = {
    "hugging-face": (["good " * 40], "row 9, column 'text': the model does not take it: 40 tokens, and 32 are the most")
}
"""A row that the model does not take, and what is told."""
LEFT = ("schema.json", "baseline.csv", "sample.csv", "environment.json", "metrics.json")
READY_S = 300
NUMBERS = {"float", "integer"}


class Served(Subprocess):
    """The server of a package by the Python of its own environment."""

    def __init__(self, settings: ServeSettings, python: Path) -> None:
        self._python = python
        super().__init__(settings, wait=False)

    def _spawn(
        self, settings: ServeSettings, env: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes] | int
    ) -> subprocess.Popen[bytes]:
        own = {"SAGEMAKER_BASE_DIR": str(settings.base_dir), "FOGBANK_PARENT_FD": str(self._pipe)}
        command = [str(self._python), "-P", "-m", "fogbank.serve", "serve"]
        return subprocess.Popen(
            command, env={**os.environ, **env, **own}, pass_fds=(self._pipe,), stdout=stdout, stderr=stderr
        )

    def wait_ready(self) -> None:
        until(lambda: self.answered("/ping") == 200 or self.process.poll() is not None, READY_S)
        assert self.process.poll() is None, self.log.read_text()[-2000:]


@contextmanager
def served(manifest: Manifest, base: Path) -> Iterator[Served]:
    """The package's server, in an environment of what the package asks for."""
    unpack_archive(manifest.artifact_path, base / "model")
    lines = (base / "model" / "code" / "requirements.txt").read_text().splitlines()
    settings = replace(settings_at(base), package_sha256=manifest.package_sha256)
    server = Served(settings, python_for(lines))
    try:
        server.wait_ready()
        yield server
    finally:
        server.close()


def wanted() -> list[Any]:
    asked = os.environ.get("FOGBANK_FRAMEWORKS", "").split()
    skipped = pytest.mark.skip(reason="FOGBANK_FRAMEWORKS does not name it")
    frameworks = {folder.name for folder in (assets() / "examples" / "frameworks").iterdir()}
    known = [name for name in examples() if name in frameworks]
    return [pytest.param(name, marks=() if name in asked else (skipped,)) for name in known]


def baseline(config: ProjectConfig) -> tuple[list[list[str]], list[list[str]]]:
    """What the model answered in memory, and of which rows."""
    outputs = len(json.loads((config.trained / "schema.json").read_text())["output"]["columns"])
    with (config.trained / "baseline.csv").open(newline="") as stream:
        lines = list(csv.reader(stream))[1:]
    return [line[:outputs] for line in lines], [line[outputs:] for line in lines]


def text(rows: Sequence[Sequence[str]]) -> str:
    return "".join(",".join(f'"{cell}"' if " " in cell else cell for cell in row) + "\n" for row in rows)


def compared(got: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> None:
    """Words are the same; numbers are within what single precision adds up differently in another number of rows."""
    assert len(got) == len(right)
    for own, model in zip(got, right, strict=True):
        assert len(own) == len(model)
        for cell, answer in zip(own, model, strict=True):
            try:
                assert float(cell) == pytest.approx(float(answer), rel=1e-5, abs=1e-6)
            except ValueError:
                assert cell == answer


def checked(example: str, manifest: Manifest, base: Path, right: Sequence[Sequence[str]], rows: Any) -> None:
    """All rows as CSV, and the first alone as JSON, give what the model gave; a row that it does not take is a 400."""
    with served(manifest, base) as server:
        answer = invoke(server, text(rows).encode())
        assert answer.status == 200, (answer.body, server.log.read_text()[-3000:])
        compared(list(csv.reader(answer.body.decode().splitlines())), right)
        columns = manifest.package.input.columns
        cells = [
            None if not cell else float(cell) if column.dtype in NUMBERS else cell
            for cell, column in zip(rows[0], columns, strict=True)
        ]
        first = invoke(server, json.dumps({"inputs": [cells]}).encode(), "application/json", "application/json")
        assert first.status == 200, first.body
        (said,) = json.loads(first.body)
        said = list(said.values()) if isinstance(said, dict) else said if isinstance(said, list) else [said]
        compared([list(map(str, said))], right[:1])
        if example in REFUSED:
            row, told = REFUSED[example]
            refused = invoke(server, text([*rows, row]).encode())
            assert (refused.status, told in refused.body.decode()) == (400, True), refused.body


@pytest.mark.parametrize("example", wanted())
def test_an_example_answers_what_its_model_answered_in_memory(example: str, tmp_path: Path) -> None:
    write_example(example, "ours", tmp_path / "ours")
    config = load_config(tmp_path / "ours")
    manifest = pack(config, Steps(ignore))
    right, rows = baseline(config)

    checked(example, manifest, tmp_path / "served", right, rows)

    if example in BROUGHT:
        source = tmp_path / "brought"
        shutil.copytree(config.trained, source, ignore=shutil.ignore_patterns(*LEFT))
        if example in BESIDE:
            shutil.copy(tmp_path / "ours" / BESIDE[example], source)
        (tmp_path / "rows.csv").write_text(text([manifest.package.input.names, *rows]))
        model = source / BROUGHT[example]
        adopt("theirs", model, tmp_path / "rows.csv", tmp_path / "theirs", Steps(ignore), lambda _: True)
        brought = load_config(tmp_path / "theirs")

        checked(example, pack(brought, Steps(ignore)), tmp_path / "again", right, rows)
