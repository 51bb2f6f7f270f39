"""`pulumi-resource-fogbank`: fogbank's own provider as the process that Pulumi's engine starts, or attaches to.

In: the engine's address, or `attached`, the file in which stderr goes, and a pipe as standard input; out: the provider's port on the first
line of stdout, then answers over gRPC until the engine is gone, or nobody has the other end of the pipe.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from fogbank.engine.attached import ATTACHED
from fogbank.ground.aws import account_client
from fogbank.ground.collector import collect_seldom
from fogbank.ground.ports import is_loopback
from fogbank.ground.protocol import protocol_alone

if TYPE_CHECKING:
    from fogbank.provider.resource import Properties

POLL_S = 0.5
USUAL = "sagemaker", {"region": "us-east-1"}
"""The client that a program of ours asks for first, on a local cloud."""


class Clients:
    """Clients as resources say them, each made once: to read what a service is is most of the work."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._made: dict[tuple[str, ...], Any] = {}

    def __call__(self, service: str, where: Properties) -> Any:
        """A client. Raises ProvisionError."""
        region, profile, url = (str(where.get(key) or "") for key in ("region", "profile", "endpointUrl"))
        if is_loopback(url) and os.environ.get("AWS_ENDPOINT_URL"):
            url = ""  # a local cloud listens where it says, which need not be where the stack's file says
        with self._making:
            key = (service, region, profile, url)
            if key not in self._made:
                self._made[key] = _client(*key)
            return self._made[key]


def _client(service: str, region: str, profile: str, url: str) -> Any:
    """Raises ProvisionError."""
    from botocore.exceptions import BotoCoreError

    from fogbank.provider.resource import ProvisionError

    try:
        return account_client(service, region, profile, url)
    except BotoCoreError as error:
        raise ProvisionError(f"{service} cannot be asked: {error}") from error


def main() -> None:
    """Serve until the engine is gone."""
    collect_seldom()
    from fogbank.project.packaging.package_images import PackageImages
    from fogbank.project.workplace.installation import fogbank_version
    from fogbank.provider.fogbank import FogbankProvider

    with protocol_alone():
        from fogbank.provider.server import ProviderServer

    clients = Clients()
    attached = sys.argv[1:2] == [ATTACHED]
    log = "".join(sys.argv[2:3]) if attached else ""
    server = ProviderServer(
        FogbankProvider(images=PackageImages(), version=fogbank_version(), clients=clients), log=log
    )
    server.start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    if attached:
        say_all_on_stderr()
        threading.Thread(target=clients, args=USUAL, daemon=True).start()
        _wait_for_the_lifeline()
    else:
        _wait_for_the_engine()
    server.stop()


def say_all_on_stderr() -> None:
    """Nobody reads stdout after the port, and a pipe that is full blocks who writes there."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def _wait_for_the_engine() -> None:
    engine = os.getppid()
    while os.getppid() == engine:
        time.sleep(POLL_S)


def _wait_for_the_lifeline() -> None:
    """Until nobody has its other end. What is started here has another standard input."""
    lifeline = os.dup(sys.stdin.fileno())
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, sys.stdin.fileno())
    os.close(null)
    while os.read(lifeline, 1):
        pass
