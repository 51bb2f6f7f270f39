"""The composition root: how the rooms are put together for a project. Verbs call these; the rooms know nothing of them."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fogbank.cli.terminal import Step, Terminal
from fogbank.contracts.config import ProjectConfig, Runtime, load_config
from fogbank.contracts.errors import CloudError, PackageError
from fogbank.ground.aws import LocalClients

if TYPE_CHECKING:
    from fogbank.cloud.client import Address, CloudClient
    from fogbank.contracts.manifest import Manifest
    from fogbank.engine.locate import Engine
    from fogbank.engine.stack import StackDriver

LOCAL = "local"
START_LIMIT_S = 30


def here() -> ProjectConfig:
    """The project that the current folder lies in. Raises ProjectError, ConfigError."""
    return load_config(Path.cwd())


def assets() -> Path:
    """What travels with fogbank but is not code: in the wheel `_project/`, in a checkout its root."""
    inside = Path(__file__).parent.parent / "_project"
    return inside if inside.is_dir() else Path(__file__).parents[3]


def server_pins() -> tuple[str, ...]:
    """The server's own dependencies, in the versions that fogbank is installed with, for processes on this machine."""
    from packaging.markers import default_environment

    from fogbank.contracts.container import SERVER_DISTRIBUTIONS
    from fogbank.pack import Installed, resolve

    here_now = {name: str(value) for name, value in default_environment().items()}
    return tuple(str(pin) for pin in resolve(SERVER_DISTRIBUTIONS, Installed(), here_now))


def find_engine(step: Step, *, fetch: bool = True) -> Engine:
    """The Pulumi engine. Raises EngineError."""
    from fogbank.engine.locate import find

    return find(os.environ, assets() / "tools" / "pulumi", step.tell, fetch=fetch)


def is_local(config: ProjectConfig, stack: str) -> bool:
    """Whether a stack is the local cloud's: its file has aws:endpoints on this machine."""
    file = config.root / f"Pulumi.{stack}.yaml"
    return stack == LOCAL or (file.is_file() and "aws:endpoints" in file.read_text())


def driver(config: ProjectConfig, engine: Engine, stack: str) -> StackDriver:
    """The engine over a stack of the project; a local stack needs the cloud. Raises CloudError."""
    from fogbank.engine.stack import StackDriver, stack_environment

    address = cloud_address(config) if is_local(config, stack) else None
    environment = stack_environment(
        config.pulumi, engine, address.url if address else None, address.provider_port if address else None
    )
    return StackDriver(config.root, engine, environment, stack)


def cloud_address(config: ProjectConfig) -> Address:
    """Where the project's cloud listens. Raises CloudError."""
    from fogbank.cloud.client import CloudClient

    return CloudClient(config.cloud).address()


def aws_client(config: ProjectConfig, service: str, region: str = "us-east-1") -> Any:
    """Unmodified boto3 against the project's local cloud."""
    return LocalClients(cloud_address(config).url)(service, region)


@lru_cache(maxsize=1)
def fogbank_version() -> str:
    """The installed version."""
    return importlib.metadata.version("fogbank")


def run_training(config: ProjectConfig) -> str:
    """Run the project's training module; returns its last line. Raises PackageError (`training-failed`)."""
    from fogbank.pack import record_environment

    config.state.mkdir(exist_ok=True)
    log = config.state / "train.log"
    with log.open("w") as stderr:
        done = subprocess.run(
            [sys.executable, "-m", "fogbank.cli.run_module", config.train],
            cwd=config.root,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            check=False,
        )
    lines = done.stdout.strip().splitlines() or [""]
    if done.returncode != 0:
        cause = lines[-1] or f"it ended with status {done.returncode}"
        raise PackageError(
            "training-failed",
            f"`python -m {config.train}` failed: {cause}",
            f"mend that line and run `fogbank train` again; all of it is in {log}",
        )
    record_environment(config.trained)
    return lines[-1]


def run_pack(config: ProjectConfig) -> Manifest:
    """Baseline, then package. Raises DataError, GateError, PackageError."""
    from fogbank.monitor import suggest
    from fogbank.pack import Baseline, build, read_trained

    trained = read_trained(config.trained)
    statistics, constraints = suggest(config.trained / "baseline.csv", (*trained.output.names, *trained.input.names))
    return build(config, trained, Baseline(statistics=statistics, constraints=constraints), probe)


def told_model(manifest: Manifest) -> str:
    """How the model is served, in a few words."""
    how = manifest.package.compilation
    if how.compiled:
        return f"the model as ONNX ({how.rows} rows agree within {how.max_difference:.0e})"
    return f"the model as {manifest.package.kind} ({how.reason})"


def probe(base_dir: Path, sample: Path) -> None:
    """Load a staged package in a process of its own, as the server would, and have it answer the sample.

    Raises PackageError (`package-unloadable`).
    """
    env = {**os.environ, "SAGEMAKER_BASE_DIR": str(base_dir), "PYTHONDONTWRITEBYTECODE": "1"}
    env |= {"FOGBANK_LOG_FORMAT": "text", **_handler_environment(base_dir)}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "fogbank.serve", "check"],
        env=env,
        cwd=base_dir,
        input=sample.read_text() if sample.is_file() else "",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = [line for line in done.stderr.strip().splitlines() if line] or ["(no output)"]
        cause = next(
            (line.partition("fogbank.serve ")[2] for line in reversed(lines) if " ERROR fogbank.serve " in line),
            "\n".join(lines[-5:]),
        )
        raise PackageError(
            "package-unloadable", cause, "mend the handler or the model; the package that was there is unchanged"
        )


def _handler_environment(base_dir: Path) -> dict[str, str]:
    from fogbank.contracts.manifest import INNER_NAME, decode_package

    handler = decode_package((base_dir / "model" / INNER_NAME).read_bytes()).handler
    return {"SAGEMAKER_PROGRAM": handler} if handler else {}


def ensure_trained(config: ProjectConfig, terminal: Terminal) -> None:
    """Train where there is no model yet, or the training code is newer than it."""
    from fogbank.pack import model_in

    model = model_in(config.trained)
    folder = config.root.joinpath(*config.train.split(".")[:-1])
    sources = [path.stat().st_mtime for path in folder.glob("*.py")] if folder != config.root else []
    if model is not None and model.stat().st_mtime >= max(sources, default=0):
        return
    with terminal.step("train") as step:
        step.done(run_training(config))


def start_cloud(config: ProjectConfig, port: int | None = None) -> Address:
    """The project's cloud, started if it is not running: on `port`, else $FOGBANK_PORT, else the project's. Raises CloudError."""
    from fogbank.cloud.client import CloudClient

    client = CloudClient(config.cloud)
    if not client.running():
        try:
            wanted = int(os.environ.get("FOGBANK_PORT") or config.port) if port is None else port
            launch_cloud(config.cloud, wanted, config.runtime)
        except CloudError as error:
            if error.code != "cloud-running" or not _answers(client):
                raise
    running = client.call("status")["runtime"]
    if running != config.runtime:
        raise CloudError(
            "cloud-runtime-differs",
            f"the cloud that runs has instances of the kind {running}, and [tool.fogbank] says {config.runtime}",
            "`fogbank cloud stop`, then again: its state stays",
        )
    return client.address()


def _answers(client: CloudClient) -> bool:
    """Whether the cloud that somebody else is starting right now comes up."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if client.running():
            return True
        time.sleep(0.05)
    return False


def launch_cloud(folder: Path, port: int, runtime: Runtime = "process") -> None:
    """Start a cloud process for a folder and return when it answers. Raises CloudError with what it said."""
    import json

    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "fogbank", "cloud", "run", "--folder", str(folder), "--port", str(port)]
    command += ["--runtime", runtime]
    with (folder / "cloud.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True, cwd=folder
        )
    with process.stdout or open(os.devnull, "rb") as stdout:  # noqa: PTH123 - stdout is a pipe here; the type does not say so
        said = stdout.readline()
    if not said:
        process.wait()
        lines = (folder / "cloud.log").read_text(errors="replace").strip().splitlines()[-6:]
        raise CloudError(
            "cloud-not-started",
            "the local cloud ended while it started:\n" + "\n".join(lines),
            f"see {folder / 'cloud.log'}",
        )
    document = json.loads(said)
    if "error" in document:
        process.wait()
        raise CloudError(document["error"]["code"], document["error"]["cause"], document["error"]["hint"])
    process.returncode = 0  # it lives on without us; nobody is to wait for it
