"""A local cloud of a test's own: a real process on a free port, its state in a folder that the test gives."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from fogbank.cloud.client import LOCK, Address, CloudClient, read_address, read_key
from fogbank.contracts.config import Runtime
from fogbank.ground.aws import LocalClients
from fogbank.ground.locks import is_locked
from fogbank.project.local.launch import launch_cloud, stop_cloud


class CloudProcess:
    """The cloud process of a folder; `runtime` is what its instances are. With `open_` it lets everybody in who is on this machine;
    with `enforce_iam` roles may do what IAM lets them."""

    def __init__(
        self, folder: Path, runtime: Runtime = "process", *, open_: bool = False, enforce_iam: bool = False
    ) -> None:
        self.folder, self._runtime, self._open, self._enforce_iam = folder, runtime, open_, enforce_iam
        self.admin = CloudClient(folder)

    def start(self, port: int = 0) -> None:
        """Start it and wait until it answers. Raises CloudError."""
        launch_cloud(self.folder, port, self._runtime, open_=self._open, enforce_iam=self._enforce_iam)

    def stop(self) -> None:
        """Stop it in an orderly way."""
        stop_cloud(self.folder)

    def kill(self) -> None:
        """`kill -9`, and wait until the process and all its threads are gone."""
        os.kill(self.address.pid, signal.SIGKILL)
        while is_locked(self.folder / LOCK):
            time.sleep(0.005)

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return read_address(self.folder) is not None

    @property
    def address(self) -> Address:
        """Where it listens. Raises CloudError."""
        return self.admin.address()

    @property
    def url(self) -> str:
        """What to give boto3 as `endpoint_url`."""
        return self.address.url

    @property
    def secret(self) -> str:
        """The secret key that goes with the access key `fogbank-local`."""
        return read_key(self.folder)

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """Unmodified boto3 on it, without retries."""
        return LocalClients(self.url, self.secret)(service, region)

    def advance(self, seconds: float) -> list[dict[str, str]]:
        """Move its clock, firing every schedule in between; returns what was fired."""
        fired: list[dict[str, str]] = self.admin.call("advance", seconds=seconds)
        return fired
