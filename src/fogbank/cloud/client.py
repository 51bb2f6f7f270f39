"""Talk to a running local cloud from another process: where it listens, its key, its own calls.

In: the cloud's folder; out: answers, or CloudError with the next step. Calls are signed with the cloud's key, which lies in that folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import urllib3

from fogbank.contracts.errors import AwsError, CloudError
from fogbank.ground.aws import LOCAL_ACCESS_KEY
from fogbank.ground.locks import is_locked
from fogbank.ground.signature import Sent, sign

ADDRESS, LOCK, KEY = "cloud.json", "cloud.lock", "cloud.key"
REGION = "us-east-1"


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


def make_key(folder: Path) -> str:
    """The cloud's secret key: the one that its folder has, else a random one that it has from now on, for its user's eyes alone."""
    with contextlib.suppress(FileExistsError):
        fresh = folder / f"{KEY}.{os.getpid()}"
        with open(fresh, "w", opener=partial(os.open, mode=0o600)) as file:
            file.write(secrets.token_urlsafe(30))
        try:
            os.link(fresh, folder / KEY)  # whole, and only where there was none
        finally:
            fresh.unlink()
    (folder / KEY).chmod(0o600)
    return read_key(folder)


def read_key(folder: Path) -> str:
    """The secret key of a folder's cloud. Raises CloudError where it cannot be read."""
    try:
        return (folder / KEY).read_text().strip()
    except OSError as error:
        raise CloudError(
            "cloud-key-unreadable",
            f"the local cloud's key cannot be read: {error}",
            "use the cloud as the user whose it is",
        ) from error


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
        address, path, body = self.address(), f"/_fogbank/{call}", json.dumps(arguments).encode()
        url = f"{address.url}{path}"
        sent = Sent(method="POST", path=path, query="", headers={"host": f"127.0.0.1:{address.port}"})
        headers = sign(sent, (LOCAL_ACCESS_KEY, read_key(self._folder)), body, REGION, "fogbank", time.time())
        try:
            reply = self._http.request("POST", url, body=body, headers=headers, timeout=timeout_s)
        except urllib3.exceptions.HTTPError as error:
            raise CloudError(
                "cloud-not-running", f"the local cloud does not answer at {url}: {error}", "run `fogbank cloud start`"
            ) from error
        document = reply.json()
        if reply.status != 200:
            raise AwsError(document.get("__type", "Unknown"), document.get("message", ""), "see `fogbank cloud logs`")
        return document
