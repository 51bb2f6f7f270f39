"""A container's command as a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fogbank.cloud.jobs.commands import command, here, libraries, mounts


def test_words_that_name_a_place_of_the_container() -> None:
    home = Path("/jobs/1")

    assert here("/opt/ml/processing/in", home) == "/jobs/1/processing/in"
    assert here("--data=/opt/ml/processing/in,/opt/ml", home) == "--data=/jobs/1/processing/in,/jobs/1"
    assert [here(word, home) for word in ("/opt/mlx", "s3://opt/ml/x", "x/opt/ml")] == [
        "/opt/mlx",
        "s3://opt/ml/x",
        "x/opt/ml",
    ]


def test_python_is_that_of_the_images_libraries(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"

    assert command(["python3", "/opt/ml/x.py"], tmp_path, python, mounted=False) == [str(python), f"{tmp_path}/x.py"]
    assert command(["/bin/sh", "-c", "x"], tmp_path, python, mounted=False) == ["/bin/sh", "-c", "x"]
    assert command(["python3", "/opt/ml/x.py"], tmp_path, python, mounted=True)[-2:] == [str(python), "/opt/ml/x.py"]
    with pytest.raises(FileNotFoundError):
        command(["no-such-program"], tmp_path, python, mounted=True)


def test_libraries_go_by_the_images_name() -> None:
    account = "683313688378.dkr.ecr.us-east-1.amazonaws.com"

    assert "scikit-learn" in libraries(f"{account}/sagemaker-scikit-learn:1.2-1-cpu-py3")
    assert "xgboost-cpu" in libraries(f"{account}/sagemaker-xgboost@sha256:1")
    assert libraries("mine/sagemaker-scikit-learn-of-mine:1") == libraries("python:3") == ()


@pytest.mark.skipif(not mounts(), reason="no mounts of its own for a process here")
def test_the_jobs_folder_is_opt_ml(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("found")
    code = "import os; print(open('/opt/ml/in').read(), os.getcwd()); open('/opt/ml/out', 'w').write('1')"
    made = command(["python3", "-c", code], tmp_path, Path(sys.executable), mounted=True)

    assert subprocess.run(made, capture_output=True, text=True, check=True).stdout == "found /opt/ml\n"
    assert (tmp_path / "out").read_text() == "1"
