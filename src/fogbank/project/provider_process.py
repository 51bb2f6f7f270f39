"""`pulumi-resource-fogbank`: fogbank's own provider as the process that Pulumi's engine starts.

In: the engine's address; out: the provider's port on the first line of stdout, then answers over gRPC until the engine is gone.
"""

from __future__ import annotations

import os
import sys
import time

from fogbank.project.installation import fogbank_version
from fogbank.project.package_images import PackageImages

POLL_S = 0.5


def main() -> None:
    """Serve until the engine is gone."""
    from fogbank.provider.fogbank import FogbankProvider
    from fogbank.provider.server import ProviderServer

    server = ProviderServer(FogbankProvider(images=PackageImages(), version=fogbank_version()))
    server.start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    engine = os.getppid()
    while os.getppid() == engine:
        time.sleep(POLL_S)
    server.stop()
