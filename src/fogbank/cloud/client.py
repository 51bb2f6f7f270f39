"""Talk to a running local cloud from another process: where it listens, what it says, its own calls.

In: the cloud's folder; out: answers, or CloudError with the next step.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import urllib3

from fogbank.contracts.errors import AwsError, CloudError
from fogbank.ground.locks import is_locked

ADDRESS, LOCK = "cloud.json", "cloud.lock"


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a cloud listens. `provider_port` is the stand-in's, for the Pulumi engine."""

    port: int
    provider_port: int
    pid: int

    @property
    def url(self) -> str:
        """The AWS endpoint."""
        return f"http://127.0.0.1:{self.port}"


def write_address(folder: Path, address: Address) -> None:
    """Say where the cloud listens, in one step."""
    fresh = folder / (ADDRESS + ".new")
    fresh.write_text(json.dumps(asdict(address)))
    fresh.replace(folder / ADDRESS)


def read_address(folder: Path) -> Address | None:
    """Where the cloud of this folder listens, if its process is there."""
    try:
        address = Address(**json.loads((folder / ADDRESS).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return address if is_locked(folder / LOCK) else None


class CloudClient:
    """The own calls of the cloud that lives in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._http = urllib3.PoolManager(retries=False)

    def address(self) -> Address:
        """Where it listens. Raises CloudError (`cloud-not-running`)."""
        address = read_address(self._folder)
        if address is None:
            raise CloudError(
                "cloud-not-running", "the local cloud of this project is not running", "run `fogbank cloud start`"
            )
        return address

    def running(self) -> bool:
        """Whether it answers."""
        try:
            self.call("status")
        except CloudError:
            return False
        return True

    def call(self, call: str, /, timeout_s: float = 600.0, **arguments: object) -> Any:
        """One of its own calls. Raises CloudError, AwsError."""
        url = f"{self.address().url}/_fogbank/{call}"
        try:
            reply = self._http.request("POST", url, body=json.dumps(arguments).encode(), timeout=timeout_s)
        except urllib3.exceptions.HTTPError as error:
            raise CloudError(
                "cloud-not-running", f"the local cloud does not answer at {url}: {error}", "run `fogbank cloud start`"
            ) from error
        document = reply.json()
        if reply.status != 200:
            raise AwsError(document.get("__type", "Unknown"), document.get("message", ""), "see `fogbank cloud logs`")
        return document
