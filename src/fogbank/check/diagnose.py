"""Why a package does not load, or does not answer its sample: its own server loads it once, and says.

In: a folder that stands for /opt/ml, and the Python that has the package's dependencies; out: the server's diagnosis.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fogbank.contracts.container import ENV_REPORT_FD

LOG_LINES = 5


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """`code` and `cause` are the server's; where it ended without a word they are empty, and `log` has its last lines."""

    status: int
    code: str = ""
    cause: str = ""
    log: str = ""

    @property
    def healthy(self) -> bool:
        """Whether the package loads, and answers its sample."""
        return self.status == 0


def diagnose(
    python: str, base_dir: Path, environment: Mapping[str, str], sample: str, limit_s: float | None = None
) -> Diagnosis:
    """Load the package in a process of its own, and have it answer the sample. Raises TimeoutError."""
    with tempfile.TemporaryFile() as report:
        try:
            process = subprocess.run(
                [python, "-P", "-m", "fogbank.serve", "check"],
                env={**environment, "SAGEMAKER_BASE_DIR": str(base_dir), ENV_REPORT_FD: str(report.fileno())},
                pass_fds=(report.fileno(),),
                cwd=base_dir,
                input=sample.encode(),
                capture_output=True,
                check=False,
                timeout=limit_s,
            )
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"the package did not load within {limit_s:g} s") from error
        report.seek(0)
        words = json.loads(report.read() or b"{}")
    lines = [line for line in process.stderr.decode(errors="replace").split("\n") if line.strip()]
    log = "\n".join(lines[-LOG_LINES:]) or "(no output)"
    return Diagnosis(status=process.returncode, log=log, **words)
