"""Access, put together: URLs and HTTP APIs, their ports, and what they let in.

In: what every room stands on, the functions, the gate's and the guard's word on who has signed and may; out: two doors.
"""

from __future__ import annotations

from pathlib import Path

from fogbank.cloud.access.api_calls import ApiCalls
from fogbank.cloud.access.apis import HttpApis
from fogbank.cloud.access.callers import May, Signer
from fogbank.cloud.access.issuers import Issuers
from fogbank.cloud.access.ports import Ports
from fogbank.cloud.access.url_calls import UrlCalls
from fogbank.cloud.access.urls import FunctionUrls
from fogbank.cloud.api.resource import Ground
from fogbank.cloud.functions.invocations import Invocations


class AccessRoom:
    """The room; long bodies lie in the folder `incoming`."""

    def __init__(self, ground: Ground, incoming: Path, invocations: Invocations, signer: Signer, may: May) -> None:
        self._ports, issuers = Ports(ground.runner, incoming), Issuers()
        calls = ApiCalls(invocations, issuers, signer, may)
        urls = UrlCalls(invocations, signer, may)
        self.urls = FunctionUrls(ground.store, ground.clock, self._ports, urls.answer)
        self.apis = HttpApis(ground.store, ground.clock, self._ports, issuers, calls.answer, calls.buckets.forget)

    def start(self) -> None:
        """Listen for all that is declared."""
        self.urls.start()
        self.apis.start()

    def close(self) -> None:
        """Listen no more; what is declared stays."""
        self._ports.close_all()
