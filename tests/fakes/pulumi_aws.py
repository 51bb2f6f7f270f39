"""The real pulumi-aws as a plugin process, in what of it matters: without credentials it refuses; with them it makes what it is told,
in an account that is a local cloud (FAKE_ACCOUNT is its URL); and a rolled-back update of an endpoint is a success to it.

Sources: pulumi-aws validates credentials when it is configured; Terraform's aws_sagemaker_endpoint waits for InService and looks at
nothing else (hashicorp/terraform-provider-aws#48997, #46663). `python -m tests.fakes.pulumi_aws` serves it as the engine starts it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fogbank.contracts import tokens
from fogbank.ground.aws import LocalClients
from fogbank.provider.calls import require
from fogbank.provider.resource import Failure, Properties, ProvisionError
from fogbank.provider.row import Row
from fogbank.provider.server import ProviderServer
from fogbank.provider.services.sagemaker import settled
from fogbank.provider.settings import settings
from fogbank.provider.standin import TABLE, StandIn

NO_CREDENTIALS = "Invalid credentials configured: No valid credential sources found; see `pulumi config set aws:profile` or AWS_PROFILE"
ACCOUNT = "FAKE_ACCOUNT"


def _in_service(client: Any, inputs: Properties) -> None:
    """Wait for InService, under whichever configuration."""
    endpoint = settled(client, inputs["name"])
    if endpoint["EndpointStatus"] != "InService":
        raise ProvisionError(f"unexpected state '{endpoint['EndpointStatus']}', wanted target 'InService'")


REAL: Mapping[str, Row] = {**TABLE, tokens.ENDPOINT: replace(TABLE[tokens.ENDPOINT], after_update=_in_service)}


@dataclass(frozen=True)
class RealProvider(StandIn):
    """pulumi-aws, over the account that its clients reach."""

    credentials: bool = True

    def refuses(self, config: Properties) -> list[Failure]:
        """A configuration without credentials."""
        return [] if self.credentials else [Failure("", NO_CREDENTIALS)]

    def configured(self, config: Properties, program: Path | None) -> RealProvider:
        """The same under a configuration; it knows its account by the credentials."""
        account = require(self.clients("sts", "us-east-1"), "GetCallerIdentity")["Account"]
        return replace(self, settings=settings(config, program), account=account)


def provider(url: str) -> RealProvider:
    """The provider over the account at a URL; without one it has no credentials."""
    return RealProvider(clients=LocalClients(url), table=REAL, credentials=bool(url))


def main() -> None:
    """Serve until the engine is gone."""
    server = ProviderServer(provider(os.environ.get(ACCOUNT, "")))
    server.start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    engine = os.getppid()
    while os.getppid() == engine:
        time.sleep(0.2)
    server.stop()


if __name__ == "__main__":
    main()
