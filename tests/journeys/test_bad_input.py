"""Each bad input ends in one readable error: a code, the cause, the next step, a documented exit code, no traceback."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig

Fogbank = Callable[..., subprocess.CompletedProcess[str]]


def expect(done: subprocess.CompletedProcess[str], exit_code: int, code: str, *said: str) -> None:
    """The error's form."""
    assert done.returncode == exit_code, done.stderr
    assert f"error {code}: " in done.stderr
    assert "\nnext: " in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    for text in said:
        assert text in done.stderr


@pytest.fixture
def trained(project: Path, fogbank_project: ProjectConfig) -> Path:
    """A project with the reference model already trained."""
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    return project


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_no_project_here(tmp_path: Path, fogbank: Fogbank) -> None:
    expect(fogbank(tmp_path, "up"), 2, "project-not-found", "fogbank new NAME")


def test_a_mistyped_key_is_guessed(project: Path, fogbank: Fogbank) -> None:
    edit(project / "pyproject.toml", "handler =", "handlr =")
    expect(fogbank(project, "pack"), 2, "config-invalid", "unknown key 'handlr'; did you mean 'handler'?")


def test_a_name_that_is_none_and_a_folder_that_is_taken(tmp_path: Path, fogbank: Fogbank) -> None:
    expect(fogbank(tmp_path, "new", "Churn_1"), 2, "name-invalid", "lower-case letters")
    (tmp_path / "churn").mkdir()
    (tmp_path / "churn" / "mine.txt").write_text("mine")
    expect(fogbank(tmp_path, "new", "churn"), 2, "folder-taken")
    assert [path.name for path in (tmp_path / "churn").iterdir()] == ["mine.txt"]


def test_a_corrupt_model_keeps_the_old_package(trained: Path, fogbank: Fogbank) -> None:
    assert fogbank(trained, "pack").returncode == 0
    before = (trained / ".fogbank" / "package" / "manifest.json").read_bytes()
    (trained / ".fogbank" / "trained" / "model.joblib").write_bytes(b"\x80\x04 half a pickle")

    expect(fogbank(trained, "pack"), 3, "model-unreadable", "the model does not load: ")
    assert (trained / ".fogbank" / "package" / "manifest.json").read_bytes() == before


def test_a_handler_that_fails_on_the_sample_has_its_own_code(trained: Path, fogbank: Fogbank) -> None:
    edit(trained / "handlers" / "inference.py", "    return [[", "    raise KeyError('nobody')\n    return [[")

    expect(fogbank(trained, "pack"), 3, "sample-failed", "inference.py line", "KeyError: 'nobody'", "mend the handler")


def test_training_that_fails(project: Path, fogbank: Fogbank) -> None:
    edit(project / "model" / "train.py", "parts = split(load())", "parts = split(lod())")
    expect(
        fogbank(project, "up"),
        3,
        "training-failed",
        "model/train.py line",
        "parts = split(lod()): NameError: name 'lod'",
    )


def test_a_handler_that_does_not_import(trained: Path, fogbank: Fogbank) -> None:
    edit(trained / "handlers" / "inference.py", "from typing import Any", "import joblibb")
    expect(fogbank(trained, "pack"), 3, "import-missing", "inference.py line", "imports joblibb")
    assert not (trained / ".fogbank" / "package").exists()


def test_a_handler_with_a_broken_line(trained: Path, fogbank: Fogbank) -> None:
    edit(trained / "handlers" / "inference.py", "def predict_fn(", "def predict_fn((")
    expect(fogbank(trained, "pack"), 3, "handler-syntax", "inference.py line", "def predict_fn((")


def test_a_model_below_its_gate(trained: Path, fogbank: Fogbank) -> None:
    edit(trained / ".fogbank" / "trained" / "metrics.json", '"recall": 0.9', '"recall": 0.99')
    edit(trained / ".fogbank" / "trained" / "metrics.json", '"roc_auc": 0.97', '"roc_auc": 0.9999')
    expect(fogbank(trained, "pack"), 3, "gate-missed", "roc_auc is 0.99")


def test_a_baseline_whose_columns_do_not_match(trained: Path, fogbank: Fogbank) -> None:
    edit(trained / ".fogbank" / "trained" / "baseline.csv", "mean_texture", "texture_mean")
    expect(fogbank(trained, "pack"), 6, "baseline-columns", "texture_mean", "mean_texture")


def test_a_wrong_digest_is_not_deployed(trained: Path, fogbank: Fogbank) -> None:
    assert fogbank(trained, "pack").returncode == 0
    with (trained / ".fogbank" / "package" / "model.tar.gz").open("ab") as artifact:
        artifact.write(b"x")
    expect(fogbank(trained, "up", "--packed"), 3, "digest-mismatch", "model.tar.gz is not the file that was packed")


def test_a_port_in_use(project: Path, fogbank: Fogbank) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        expect(
            fogbank(project, "cloud", "start", "--port", port), 5, "port-in-use", f"port {port} is in use", "--port 0"
        )
    assert fogbank(project, "cloud", "status").returncode == 5


@pytest.mark.parametrize(
    "command",
    [
        ("invoke", "live", "pyproject.toml", "--content-type", "text/csv"),
        ("cloud", "status"),
        ("monitor", "run", "quality"),
        ("env",),
    ],
)
def test_the_cloud_is_not_running(project: Path, fogbank: Fogbank, command: tuple[str, ...]) -> None:
    expect(fogbank(project, *command), 5, "cloud-not-running", "fogbank cloud start")


def test_questions_to_a_running_cloud(project: Path, fogbank: Fogbank, tmp_path: Path) -> None:
    assert fogbank(project, "cloud", "start").returncode == 0
    empty, rows = tmp_path / "empty.csv", tmp_path / "rows.csv"
    empty.touch()
    rows.write_text("1,2\n")

    expect(
        fogbank(project, "invoke", "nope", str(rows)),
        7,
        "ValidationError",
        "Endpoint churn-nope of account 123456789012 not found.",
    )
    expect(fogbank(project, "invoke", "live", str(tmp_path / "none.csv")), 6, "input-missing")
    expect(fogbank(project, "invoke", "live", "README.md"), 6, "content-type-unknown", "--content-type")
    expect(fogbank(project, "transform", "nightly", str(empty)), 6, "transform-no-data", "is empty")
    expect(fogbank(project, "transform", "nightly", str(rows)), 7, "ResourceNotFoundException")
    expect(fogbank(project, "transform", "nightly", str(rows), "--engine", "local"), 7, "ResourceNotFoundException")
    expect(fogbank(project, "monitor", "show", "quality"), 7, "ResourceNotFound", "there is no monitoring schedule yet")
    expect(fogbank(project, "monitor", "run", "quality"), 7, "ResourceNotFound", "does not exist")
    expect(fogbank(project, "cloud", "logs", "nope"), 6, "log-not-found")
    done = fogbank(project, "cloud", "advance", "soon")
    assert (done.returncode, "not a span such as 90s" in done.stderr) == (2, True)


def test_a_bad_row_and_a_bucket_that_is_gone(trained: Path, fogbank: Fogbank, tmp_path: Path) -> None:
    done = fogbank(trained, "up", "--json")
    assert done.returncode == 0, done.stderr
    rows = tmp_path / "rows.csv"
    good = (trained / ".fogbank" / "trained" / "sample.csv").read_text()
    rows.write_text(good.replace(",", ",wide,", 1).replace(good.splitlines()[0].split(",")[-1], "", 1))

    expect(fogbank(trained, "invoke", "live", str(rows)), 7, "ModelError", "row 1")
    expect(fogbank(trained, "transform", "nightly", str(rows)), 6, "transform-failed", "400", "has 30: mean_radius")
    sample = ".fogbank/trained/sample.csv"
    assert fogbank(trained, "monitor", "run", "quality").returncode == 6  # no data
    assert fogbank(trained, "invoke", "live", sample).returncode == 0
    assert fogbank(trained, "destroy").returncode == 0
    expect(fogbank(trained, "transform", "nightly", sample), 7, "ResourceNotFoundException")


def test_no_engine_to_be_had(project: Path, fogbank: Fogbank, fogbank_project: ProjectConfig, tmp_path: Path) -> None:
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    nowhere = {
        "https_proxy": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "GOPROXY": "off",
        "GOFLAGS": "-mod=mod",
    }
    done = fogbank(
        project,
        "up",
        FOGBANK_CACHE=str(tmp_path / "cache"),
        PATH="/usr/bin:/bin",
        GOMODCACHE=str(tmp_path / "mod"),
        UV_OFFLINE="1",
        **nowhere,
    )

    expect(
        done,
        4,
        "engine-missing",
        "FOGBANK_PULUMI: not set",
        "PATH: no `pulumi`",
        "official installer:",
        "build from Go modules:",
    )
