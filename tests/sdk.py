"""The environment of AWS's SageMaker SDK, with MLflow in it: some 130 wheels, of which fogbank needs none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).parents[1]


def sdk_python() -> Path:
    """The Python of an environment with the `sagemaker` extra, as uv.lock has it; kept between runs."""
    environment = ROOT / ".fogbank" / "sagemaker-sdk"
    env = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(environment), "UV_COMPILE_BYTECODE": "0"}
    subprocess.run(
        [find_uv_bin(), "sync", "--frozen", "--quiet", "--no-dev", "--no-install-project", "--extra", "sagemaker"],
        cwd=ROOT,
        env=env,
        check=True,
    )
    return environment / "bin" / "python"
