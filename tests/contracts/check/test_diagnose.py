"""A package's own server says why it does not load; here it does so in real processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from fogbank.check import diagnose

GOOD = "def model_fn(d): return 2.0\ndef predict_fn(data, model): return data * model\n"
ENVIRONMENT = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path)}


def staged(folder: Path, code: str) -> Path:
    (folder / "model" / "code").mkdir(parents=True)
    (folder / "model" / "code" / "inference.py").write_text(code)
    return folder


def test_a_package_that_answers_is_healthy(tmp_path: Path) -> None:
    diagnosis = diagnose(sys.executable, staged(tmp_path, GOOD), ENVIRONMENT, "1,2\n")

    assert diagnosis.healthy
    assert (diagnosis.code, diagnosis.cause) == ("", "")


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("import no_such_module\n" + GOOD, "dependency-missing", "no_such_module"),
        (GOOD.replace("data * model", "data.nothing"), "sample-failed", "has no attribute 'nothing'"),
        (GOOD.replace("return 2.0", "raise ValueError('x' * 200_000)"), "model-fn-error", "xxx"),
    ],
)
def test_a_cause_has_its_own_code(tmp_path: Path, code: str, kind: str, words: str) -> None:
    """Also one that is longer than a pipe is deep."""
    diagnosis = diagnose(sys.executable, staged(tmp_path, code), ENVIRONMENT, "1,2\n", 60)

    assert not diagnosis.healthy
    assert diagnosis.code == kind
    assert words in diagnosis.cause


def test_a_server_that_dies_without_a_word_leaves_its_log(tmp_path: Path) -> None:
    dies = "import os, sys\ndef model_fn(d):\n    sys.stderr.write('libhalf.so: bad\\n')\n    sys.stderr.flush()\n    os._exit(7)\n"
    diagnosis = diagnose(sys.executable, staged(tmp_path, dies), ENVIRONMENT, "")

    assert (diagnosis.status, diagnosis.code) == (7, "")
    assert "libhalf.so: bad" in diagnosis.log


def test_a_package_that_does_not_come_to_an_end_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match=r"within 0\.2 s"):
        diagnose(sys.executable, staged(tmp_path, "while True: pass\n"), ENVIRONMENT, "", 0.2)
