"""`pulumi-resource-fogbank`: fogbank's own provider as the process that Pulumi's engine starts.

In: the engine's address; out: the provider's port on the first line of stdout, then answers over gRPC until the engine is gone.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError

from fogbank.ground.aws import account_client
from fogbank.ground.ports import is_loopback
from fogbank.ground.protocol import protocol_alone
from fogbank.project.packaging.package_images import PackageImages
from fogbank.project.workplace.installation import fogbank_version

if TYPE_CHECKING:
    from fogbank.provider.resource import Properties

POLL_S = 0.5


def _client(service: str, where: Properties) -> Any:
    """A client as a resource says it. Raises ProvisionError."""
    from fogbank.provider.resource import ProvisionError

    region, profile, url = (str(where.get(key) or "") for key in ("region", "profile", "endpointUrl"))
    if is_loopback(url) and os.environ.get("AWS_ENDPOINT_URL"):
        url = ""  # a local cloud listens where it says, which need not be where the stack's file says
    try:
        return account_client(service, region, profile, url)
    except BotoCoreError as error:
        raise ProvisionError(f"{service} cannot be asked: {error}") from error


def main() -> None:
    """Serve until the engine is gone."""
    from fogbank.provider.fogbank import FogbankProvider

    with protocol_alone():
        from fogbank.provider.server import ProviderServer

    server = ProviderServer(FogbankProvider(images=PackageImages(), version=fogbank_version(), clients=_client))
    server.start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    engine = os.getppid()
    while os.getppid() == engine:
        time.sleep(POLL_S)
    server.stop()
