"""The local cloud of a project: started, asked, moved through time, stopped.

In: a project; out: a cloud on loopback that unmodified boto3 and the Pulumi engine reach.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from fogbank.cloud.client import Address, CloudClient, read_address, read_key
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import CloudError, DataError, ProjectError
from fogbank.ground.aws import LocalClients
from fogbank.ground.folders import private_folder
from fogbank.project.local.launch import LOG, comes_up, launch_cloud, require_port, stop_cloud
from fogbank.project.workplace.events import Steps

POLL_S = 0.05
ADVANCE_LIMIT_S = 3600
REGION = "us-east-1"
CHOSEN = "port.chosen"
"""The project's port when another was given in its place: as long as the project says that one, the cloud keeps its own."""
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

    def secret(self) -> str:
        """The secret key that goes with the access key `fogbank-local`. Raises CloudError."""
        return read_key(self._config.cloud)

    def running(self) -> bool:
        """Whether it answers."""
        return read_address(self._config.cloud) is not None and self._calls.running()

    def client(self, service: str, region: str = REGION) -> Any:
        """Unmodified boto3 on it, for example `client("sagemaker")`. Raises CloudError."""
        url = self.address().url
        if self._clients is None or self._clients.url != url:
            self._clients = LocalClients(url, self.secret())
        return self._clients(service, region)

    def start(
        self, port: int | None = None, *, ready: bool = False, open_: bool = False, enforce_iam: bool = False
    ) -> str:
        """Start it where it is not running; its URL. `ready` waits until every endpoint is up. Raises CloudError.

        It listens on `port`, else on $FOGBANK_PORT, else on the project's; 0 takes any, or the one that it had. A `port` that is given
        stays until another is, or the project's is changed. With `open_` it answers everybody on this machine; with `enforce_iam`, or
        where the project says so, roles may do what IAM lets them.
        """
        enforced = enforce_iam or self._config.enforce_iam
        with self._steps("local cloud") as step:
            if not self._calls.running():
                self._launch(self._port() if port is None else port, open_=open_, enforce_iam=enforced)
                if port is not None:
                    (self._config.cloud / CHOSEN).write_text(str(self._config.port))
            status = self._as_asked(open_=open_, enforce_iam=enforced)
            while ready and (names := _coming(status)):
                step.progress(f"bringing up {', '.join(names)}")
                time.sleep(POLL_S)
                status = self.status()
            url = self.address().url
            step.done(url)
        return url

    def require_port(self) -> None:
        """Whether it could start, before anything else is done. Raises CloudError (`port-in-use`)."""
        require_port(self._config.cloud, self._port())

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

    def set_clock(self, moment: datetime | None = None, speed: float | None = None) -> list[dict[str, str]]:
        """Move its clock forward to a moment, firing every schedule in between, and let it go on at a speed: 0 is a standstill, 1 the
        machine's. What was fired. Raises AwsError, CloudError."""
        at = None if moment is None else moment.isoformat()
        with self._steps("set the clock") as step:
            firings: list[dict[str, str]] = self._calls.call("clock", timeout_s=ADVANCE_LIMIT_S, moment=at, speed=speed)
            step.done(f"{len(firings)} fired")
        return firings

    def move_clock(self, seconds: float) -> list[dict[str, str]]:
        """As `advance`, within somebody else's step."""
        firings: list[dict[str, str]] = self._calls.call("advance", timeout_s=ADVANCE_LIMIT_S, seconds=seconds)
        return firings

    def next_second(self) -> datetime:
        """Its time when the next whole second has begun, with all that was captured before it in S3. Raises CloudError."""
        now = datetime.fromisoformat(self.status()["time"])
        end = now.replace(microsecond=0) + timedelta(seconds=1)
        self.move_clock((end - now).total_seconds())
        self._calls.call("flush")
        return end

    def run_monitor(self, schedule: str) -> None:
        """An execution of a schedule of Model Monitor's now; returns when it has ended. Raises AwsError, CloudError."""
        self._calls.call("run-monitor", name=schedule)

    def logs(self, name: str = "cloud", lines: int = 40) -> dict[str, str]:
        """The last lines of logs, by their place: the cloud's own, those of the endpoint `name`, or those whose path contains it.

        Raises DataError.
        """
        folder = self._config.cloud
        below = {str(path.relative_to(folder / "logs")): path for path in sorted((folder / "logs").rglob("*.log"))}
        endpoint = [
            path
            for place, path in below.items()
            if Path(place).parts[0] == "endpoints" and Path(place).parts[2] == name
        ]
        found = endpoint or [path for place, path in below.items() if name in place]
        logs = [folder / LOG] if name == "cloud" else found
        logs = [path for path in logs if path.is_file()]
        if not logs:
            places = ", ".join(dict.fromkeys(_called(Path(place)) for place in below)) or "none"
            raise DataError("log-not-found", f"no log of {name!r}", f"logs there are: {places}")
        return {str(path.relative_to(folder)): _end(path, lines) for path in logs}

    def _port(self) -> int:
        """Where it listens when nobody says; 0 for the port that it had."""
        if given := os.environ.get("FOGBANK_PORT"):
            return int(given)
        try:
            chosen = (self._config.cloud / CHOSEN).read_text()
        except OSError:
            return self._config.port
        return 0 if chosen == str(self._config.port) else self._config.port

    def _launch(self, port: int, *, open_: bool, enforce_iam: bool) -> None:
        private_folder(self._config.state)
        try:
            launch_cloud(self._config.cloud, port, self._config.runtime, open_=open_, enforce_iam=enforce_iam)
        except CloudError as error:
            if error.code != "cloud-running" or not comes_up(self._calls):
                raise

    def _as_asked(self, *, open_: bool, enforce_iam: bool) -> dict[str, Any]:
        """Its status, if it is what the project says. Raises CloudError (`cloud-runtime-differs`, `cloud-closed`, `cloud-iam-differs`)."""
        status = self.status()
        if open_ and not status["open"]:
            raise CloudError(
                "cloud-closed",
                "the cloud that runs answers its user alone",
                "`fogbank cloud stop`, then start it with --open",
            )
        if enforce_iam and not status.get("enforce_iam"):
            raise CloudError(
                "cloud-iam-differs",
                "the cloud that runs does not enforce IAM's policies",
                "`fogbank cloud stop`, then start it with --enforce-iam",
            )
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


def _called(place: Path) -> str:
    """An endpoint's or a job's name in the place of its log, `endpoints/<region>/<name>/...`."""
    return place.parts[2] if len(place.parts) > 3 else str(place.with_suffix(""))


def _coming(status: Mapping[str, Any]) -> list[str]:
    """The endpoints that are not up yet."""
    return [name for name, state in status["endpoints"].items() if state in {"Creating", "Updating"}]


def _end(path: Path, lines: int) -> str:
    return "\n".join(path.read_text(errors="replace").rstrip("\n").split("\n")[-lines:])
