"""The local cloud of a project: started, asked, moved through time, stopped.

In: a project; out: a cloud on loopback that unmodified boto3 and the Pulumi engine reach.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from fogbank.cloud.client import Address, CloudClient, read_address
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import CloudError, DataError, ProjectError
from fogbank.ground.aws import LocalClients
from fogbank.project.events import Steps
from fogbank.project.launch import LOG, comes_up, launch_cloud, stop_cloud

POLL_S = 0.05
ADVANCE_LIMIT_S = 3600
REGION = "us-east-1"
SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|w)")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class ProjectCloud:
    """A project's cloud. Its state lies in `.fogbank/cloud/` and outlives its process."""

    def __init__(self, config: ProjectConfig, steps: Steps) -> None:
        self._config = config
        self._steps = steps
        self._clients: LocalClients | None = None

    @cached_property
    def _calls(self) -> CloudClient:
        return CloudClient(self._config.cloud)

    def address(self) -> Address:
        """Where it listens. Raises CloudError (`cloud-not-running`)."""
        return self._calls.address()

    def running(self) -> bool:
        """Whether it answers."""
        return read_address(self._config.cloud) is not None and self._calls.running()

    def client(self, service: str, region: str = REGION) -> Any:
        """Unmodified boto3 on it, for example `client("sagemaker")`. Raises CloudError."""
        url = self.address().url
        if self._clients is None or self._clients.url != url:
            self._clients = LocalClients(url)
        return self._clients(service, region)

    def start(self, port: int | None = None, *, ready: bool = False) -> str:
        """Start it where it is not running; its URL. `ready` waits until every endpoint is up. Raises CloudError.

        It listens on `port`, else on $FOGBANK_PORT, else on the project's; 0 takes any.
        """
        with self._steps("local cloud") as step:
            if not self._calls.running():
                self._launch(int(os.environ.get("FOGBANK_PORT") or self._config.port) if port is None else port)
            status = self._same_runtime()
            while ready and (names := _coming(status)):
                step.progress(f"bringing up {', '.join(names)}")
                time.sleep(POLL_S)
                status = self.status()
            url = self.address().url
            step.done(url)
        return url

    def stop(self) -> bool:
        """Stop it; False where it was not running. Its state is there at the next start. Raises CloudError."""
        with self._steps("local cloud") as step:
            was_running = stop_cloud(self._config.cloud)
            step.done("stopped" if was_running else "was not running")
        return was_running

    def status(self) -> dict[str, Any]:
        """What runs in it. Raises CloudError."""
        status: dict[str, Any] = self._calls.call("status")
        return status

    def reset(self) -> None:
        """Forget every resource and object in it. Raises CloudError."""
        self._calls.call("reset")

    def advance(self, span: str) -> list[dict[str, str]]:
        """Move its clock by a span (90s, 5m, 1h, 7d, 2w), firing every schedule in between, in order; what was fired.

        Raises CloudError, ProjectError (`span-invalid`).
        """
        seconds = seconds_in(span)
        with self._steps(f"advance {span}") as step:
            firings = self.move_clock(seconds)
            step.done(f"{len(firings)} fired")
        return firings

    def move_clock(self, seconds: float) -> list[dict[str, str]]:
        """As `advance`, within somebody else's step."""
        firings: list[dict[str, str]] = self._calls.call("advance", timeout_s=ADVANCE_LIMIT_S, seconds=seconds)
        return firings

    def run_monitor(self, schedule: str) -> None:
        """An execution of a monitoring schedule now; returns when it has ended. Raises AwsError, CloudError."""
        self._calls.call("run-monitor", name=schedule)

    def logs(self, name: str = "cloud", lines: int = 40) -> dict[str, str]:
        """The last lines of logs, by their place: the cloud's own, or those whose path contains `name`. Raises DataError."""
        folder = self._config.cloud
        below = {str(path.relative_to(folder / "logs")): path for path in sorted((folder / "logs").rglob("*.log"))}
        logs = [folder / LOG] if name == "cloud" else [path for place, path in below.items() if name in place]
        logs = [path for path in logs if path.is_file()]
        if not logs:
            places = ", ".join(str(Path(place).with_suffix("")) for place in below) or "none"
            raise DataError("log-not-found", f"no log of {name!r}", f"logs there are: {places}")
        return {str(path.relative_to(folder)): _end(path, lines) for path in logs}

    def _launch(self, port: int) -> None:
        try:
            launch_cloud(self._config.cloud, port, self._config.runtime)
        except CloudError as error:
            if error.code != "cloud-running" or not comes_up(self._calls):
                raise

    def _same_runtime(self) -> dict[str, Any]:
        """Its status, if its instances are what the project says. Raises CloudError (`cloud-runtime-differs`)."""
        status = self.status()
        if status["runtime"] != self._config.runtime:
            raise CloudError(
                "cloud-runtime-differs",
                f"the cloud that runs has instances of the kind {status['runtime']}, "
                f"and [tool.fogbank] says {self._config.runtime}",
                "`fogbank cloud stop`, then again: its state stays",
            )
        return status


def seconds_in(span: str) -> float:
    """The seconds of a span such as 90s, 5m, 1h, 7d, 2w. Raises ProjectError (`span-invalid`).

    >>> seconds_in("1.5h")
    5400.0
    """
    match = SPAN.fullmatch(span)
    if not match:
        raise ProjectError(
            "span-invalid", f"{span!r} is not a span such as 90s, 5m, 1h, 7d, 2w", "give a number and its unit"
        )
    return float(match[1]) * SECONDS[match[2]]


def _coming(status: Mapping[str, Any]) -> list[str]:
    """The endpoints that are not up yet."""
    return [name for name, state in status["endpoints"].items() if state in {"Creating", "Updating"}]


def _end(path: Path, lines: int) -> str:
    return "\n".join(path.read_text(errors="replace").rstrip("\n").split("\n")[-lines:])
