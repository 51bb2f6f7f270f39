"""The container wire: what SageMaker gives a container and expects back.

Sources: AWS Developer Guide ("Use your own inference code with hosting services", "... with batch transform", "Build your
own container for multi-model endpoints", "Build your own processing container"); the environment variables of
aws/sagemaker-inference-toolkit and aws/sagemaker-containers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fogbank.ground.machine import memory_limit, usable_cores

DEFAULT_PORT = 8080
PING_TIMEOUT_S = 2.0
STARTUP_LIMIT_S = 240.0
"""A container must answer /ping with 200 within 4 minutes of its start."""
INVOCATION_LIMIT_S = 60.0
BATCH_INVOCATION_LIMIT_S = 3600.0
STREAM_LIMIT_S = 480.0
"""A streamed reply may take 8 minutes in all."""
MODEL_LOAD_LIMIT_S = 360.0
"""What a multi-model container may take to load one of its models."""
STOP_GRACE_S = 30.0
"""SIGTERM, then SIGKILL after 30 s."""
BIND_LABEL = "com.amazonaws.sagemaker.capabilities.accept-bind-to-port"
MULTI_MODEL_LABEL = "com.amazonaws.sagemaker.capabilities.multi-models"
"""What an image says of itself, each `true`: that it listens where SAGEMAKER_BIND_TO_PORT says, and has the /models API."""
LAYOUT_SCHEME = "oci:"
"""Before the folder of an OCI layout, in the URI of an image that is in no registry: `oci:<folder>@sha256:<hex>`."""

MEBIBYTE = 1 << 20
HOSTING_PAYLOAD_LIMIT = 25 * MEBIBYTE
BATCH_PAYLOAD_LIMIT = 100 * MEBIBYTE

# Distributions that the server itself needs; they belong to the image, not to the model's lock.
SHIPPED_ROOMS = ("contracts", "ground", "monitor", "scoring", "serve")
"""fogbank's own rooms that travel with a model into a container's image."""
LOCAL_ROOMS = (*SHIPPED_ROOMS, "direct", "transform")
"""Those in the environment of a local instance: a transform job's records may be scored there without HTTP."""
SERVER_DISTRIBUTIONS = ("httptools", "uvloop", "orjson", "numpy", "pysimdjson")

# Set by whoever starts the server as a child process: the read end of a pipe that closes when the parent is gone.
ENV_PARENT_FD = "FOGBANK_PARENT_FD"

# Set by a multi-model server for the server of one of its models: where it listens, and where it tells why it cannot load.
ENV_MODEL_PYTHONS = "FOGBANK_MODEL_PYTHONS"
"""Whether who loads a model may say which Python runs it: on one machine with its platform, models have environments of their own."""
ENV_USER = "FOGBANK_USER"
"""The uid whose connections alone are taken, where a parent on the same machine says one."""
ENV_UNIX_SOCKET = "FOGBANK_UNIX_SOCKET"
ENV_REPORT_FD = "FOGBANK_REPORT_FD"
ENV_BATCH_HTTP = "FOGBANK_BATCH_HTTP"
"""`true` in the environment of a model or a transform job: all its records are scored over HTTP."""
ENV_BATCH_FDS = "FOGBANK_BATCH_FDS"
ENV_BATCH_REQUEST = "FOGBANK_BATCH_REQUEST"
ENV_BATCH_MEMORY = "FOGBANK_BATCH_MEMORY"
"""Where mini-batches of a transform job come without HTTP, a socket for each process that scores them; the job's request, as JSON;
and how many bytes the processes may hold together."""


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """The environment of a serving container, parsed once at start. Times are seconds, sizes bytes unless said.

    `program` is the script to import where it is not the package's own (or inference.py); `workers` is the number of server
    processes; `timeout_s` cuts off a handler that runs longer; `queue_size` is how many requests a worker holds before it
    answers 503; `batch_size` above 1 lets requests share one call of the model, gathered for at most `batch_wait_us`
    microseconds, 1 does not, and 0 does where pack has proven that no answer changes by it; `model_memory` is what the models
    of a multi-model container may hold together, `model_pythons` whether who loads one says the Python that runs it; `default_accept` is
    what callers get who have no wish, without one it is the request's own type where it can be written; `unix_socket` is where the server
    of one of those listens, in place of a port; `user` is the only one whose connections
    are taken.
    """

    port: int = DEFAULT_PORT
    base_dir: Path = Path("/opt/ml")
    model_dir: Path = Path("/opt/ml/model")
    code_dir: Path = Path("/opt/ml/model/code")
    program: str | None = None
    default_accept: str = ""
    payload_limit: int = BATCH_PAYLOAD_LIMIT
    workers: int = 1
    timeout_s: float = INVOCATION_LIMIT_S
    startup_timeout_s: float = 600.0
    queue_size: int = 100
    batch_size: int = 0
    batch_wait_us: int = 0
    multi_model: bool = False
    model_memory: int = 0
    model_pythons: bool = False
    log_level: str = "INFO"
    log_format: str = "json"
    package_sha256: str | None = None
    unix_socket: Path | None = None
    user: int | None = None


LOG_LEVELS = {"10": "DEBUG", "20": "INFO", "30": "WARNING", "40": "ERROR", "50": "CRITICAL"}


def serve_settings(env: Mapping[str, str], cores: int | None = None) -> ServeSettings:
    """Settings from the container's environment. Raises ValueError with the variable's name.

    >>> serve_settings({"SAGEMAKER_BIND_TO_PORT": "9000", "SAGEMAKER_MODEL_SERVER_WORKERS": "2"}).workers
    2
    """
    level = env.get("SAGEMAKER_CONTAINER_LOG_LEVEL", "20")
    base = Path(env.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    model_dir = _below(base, env.get("SM_MODEL_DIR") or "/opt/ml/model")
    batch = _flag(env, "SAGEMAKER_BATCH")
    multi_model = _flag(env, "SAGEMAKER_MULTI_MODEL")
    timeout = _number(
        env, "SAGEMAKER_MODEL_SERVER_TIMEOUT", BATCH_INVOCATION_LIMIT_S if batch else INVOCATION_LIMIT_S, 0.01
    )
    workers = _whole(env, "SAGEMAKER_MODEL_SERVER_WORKERS", cores or usable_cores(), 1)
    return ServeSettings(
        port=_port(env),
        base_dir=base,
        model_dir=model_dir,
        code_dir=_code_dir(env, base, model_dir),
        program=env.get("SAGEMAKER_PROGRAM") or None,
        default_accept=env.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", ""),
        payload_limit=_payload_limit(env),
        workers=_whole(env, "SAGEMAKER_NUM_MODEL_WORKERS", 1, 1) if multi_model else workers,
        timeout_s=_number(env, "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS", timeout, 0.01),
        startup_timeout_s=_number(env, "SAGEMAKER_STARTUP_TIMEOUT", 600, 1),
        queue_size=_whole(env, "SAGEMAKER_MODEL_JOB_QUEUE_SIZE", 100, 1),
        batch_size=_whole(env, "FOGBANK_BATCH_SIZE", 0, 0),
        batch_wait_us=_whole(env, "FOGBANK_BATCH_WAIT_US", 0, 0),
        multi_model=multi_model,
        model_memory=_whole(env, "FOGBANK_MODEL_MEMORY_MB", 0, 0) * MEBIBYTE or memory_limit() * 4 // 5,
        model_pythons=_flag(env, ENV_MODEL_PYTHONS),
        log_level=LOG_LEVELS.get(level, level.upper()),
        log_format=env.get("FOGBANK_LOG_FORMAT") or "json",
        package_sha256=env.get("FOGBANK_MANIFEST_SHA256"),
        unix_socket=Path(env[ENV_UNIX_SOCKET]) if ENV_UNIX_SOCKET in env else None,
        user=_whole(env, ENV_USER, 0, 0) if ENV_USER in env else None,
    )


def _port(env: Mapping[str, str]) -> int:
    """The port to listen on. The safe range is for ports that a container opens besides: this one opens none."""
    ports = env.get("SAGEMAKER_SAFE_PORT_RANGE", "")
    low, dash, high = ports.partition("-")
    if ports and not (dash and low.isdecimal() and high.isdecimal() and int(low) <= int(high)):
        raise ValueError(f"SAGEMAKER_SAFE_PORT_RANGE must be like 9000-9999, not {ports!r}")
    port = _whole(env, "SAGEMAKER_BIND_TO_PORT", DEFAULT_PORT, 1)
    if port > 65535:
        raise ValueError(f"SAGEMAKER_BIND_TO_PORT must be a port, not {port}")
    return port


def _below(base: Path, folder: str) -> Path:
    """A folder of the container, where `base` stands for /opt/ml."""
    path = Path(folder)
    return base / path.relative_to("/opt/ml") if path.is_relative_to("/opt/ml") else path


def _code_dir(env: Mapping[str, str], base: Path, model_dir: Path) -> Path:
    folder = env.get("SAGEMAKER_SUBMIT_DIRECTORY") or str(model_dir / "code")
    if "://" in folder:
        raise ValueError(
            f"SAGEMAKER_SUBMIT_DIRECTORY is {folder!r}; this server fetches no code: put it in model.tar.gz below code/"
        )
    return _below(base, folder)


def _payload_limit(env: Mapping[str, str]) -> int:
    megabytes = _number(env, "SAGEMAKER_MAX_PAYLOAD_IN_MB", 0, 0)  # 0 is SageMaker's word for no limit
    return int(megabytes * MEBIBYTE) or _whole(env, "MAX_CONTENT_LENGTH", BATCH_PAYLOAD_LIMIT, 1)


def _flag(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "").lower() in {"true", "1"}


def _number(env: Mapping[str, str], name: str, default: float, least: float) -> float:
    text = env.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError as error:
        raise ValueError(f"{name} must be a number, not {text!r}") from error
    if not value >= least:
        raise ValueError(f"{name} must be at least {least:g}, not {text}")
    return value


def _whole(env: Mapping[str, str], name: str, default: int, least: int) -> int:
    value = _number(env, name, default, least)
    if value != int(value):
        raise ValueError(f"{name} must be a whole number, not {env[name]!r}")
    return int(value)
