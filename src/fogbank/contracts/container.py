"""The container wire: what SageMaker gives a container and expects back.

Sources: AWS Developer Guide ("Use your own inference code with hosting services", "... with batch transform", "Build your
own processing container"); the environment variables of aws/sagemaker-inference-toolkit and aws/sagemaker-containers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 8080
PING_TIMEOUT_S = 2.0
STARTUP_LIMIT_S = 240.0
"""A container must answer /ping with 200 within 4 minutes of its start."""
INVOCATION_LIMIT_S = 60.0
STOP_GRACE_S = 30.0
"""SIGTERM, then SIGKILL after 30 s."""
MEBIBYTE = 1 << 20
HOSTING_PAYLOAD_LIMIT = 25 * MEBIBYTE
BATCH_PAYLOAD_LIMIT = 100 * MEBIBYTE

# Distributions that the server itself needs; they belong to the image, not to the model's lock.
SERVER_DISTRIBUTIONS = ("uvicorn", "httptools", "uvloop", "orjson", "numpy")

# Set by whoever starts the server as a child process: the read end of a pipe that closes when the parent is gone.
ENV_PARENT_FD = "FOGBANK_PARENT_FD"


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """The environment of a serving container, parsed once at start."""

    port: int = DEFAULT_PORT
    base_dir: Path = Path("/opt/ml")
    program: str = "inference.py"
    default_accept: str = "application/json"
    payload_limit: int = BATCH_PAYLOAD_LIMIT
    log_level: str = "INFO"
    package_sha256: str | None = None

    @property
    def model_dir(self) -> Path:
        """Where the unpacked model.tar.gz lies."""
        return self.base_dir / "model"

    @property
    def code_dir(self) -> Path:
        """Script-mode code inside the archive."""
        return self.model_dir / "code"


LOG_LEVELS = {"10": "DEBUG", "20": "INFO", "30": "WARNING", "40": "ERROR", "50": "CRITICAL"}


def serve_settings(env: Mapping[str, str]) -> ServeSettings:
    """Settings from the container's environment. Raises ValueError with the variable's name."""

    def number(name: str, default: float) -> float:
        text = env.get(name, "")
        try:
            return float(text) if text else default
        except ValueError as error:
            raise ValueError(f"{name} must be a number, not {text!r}") from error

    level = env.get("SAGEMAKER_CONTAINER_LOG_LEVEL", "20")
    payload_mb = number("SAGEMAKER_MAX_PAYLOAD_IN_MB", 0)
    return ServeSettings(
        port=int(number("SAGEMAKER_BIND_TO_PORT", DEFAULT_PORT)),
        base_dir=Path(env.get("SAGEMAKER_BASE_DIR", "/opt/ml")),
        program=env.get("SAGEMAKER_PROGRAM", "inference.py"),
        default_accept=env.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "application/json"),
        payload_limit=int(payload_mb * MEBIBYTE) or BATCH_PAYLOAD_LIMIT,
        log_level=LOG_LEVELS.get(level, level.upper()),
        package_sha256=env.get("FOGBANK_MANIFEST_SHA256"),
    )
