"""A model that is dumped beside Pulumi loads where no dill is."""

from __future__ import annotations

import subprocess
import sys

import pytest

DUMPED = """
import {imported}
import io, joblib
out = io.BytesIO()
joblib.dump([slice(0, 1), int], out)
print(b"dill" in out.getvalue())
"""


@pytest.mark.parametrize(
    ("imported", "dill"),
    [
        ("pulumi", True),
        ("fogbank.components", False),
        ("fogbank.engine.command", False),
        ("fogbank.testing.deployment", False),
    ],
)
def test_what_is_dumped_beside_pulumi(imported: str, dill: bool) -> None:
    script = DUMPED.format(imported=imported)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(dill), "Pulumi alone is what this is about"
