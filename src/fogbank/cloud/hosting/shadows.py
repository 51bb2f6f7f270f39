"""Shadow variants: a share of what a production variant is asked is asked of its shadow too, whose answers go to nobody.

In: an invocation that is answered; out: another one, of the shadow, which is counted and captured as any, and dropped. Source: AWS Developer
Guide, "Shadow variants": the share is the shadow's weight over the production variant's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.hosting.invocation import Invocation, Plane
from fogbank.cloud.hosting.router import Draw
from fogbank.cloud.hosting.sessions import SESSION
from fogbank.cloud.hosting.variant import Shadow, Variant


@dataclass(frozen=True)
class Mirror:
    """The plane of a shadow's invocations: they are looked after as others are, and go to no other variant."""

    plane: Plane

    def reflect(self, request: Request, headers: Mapping[str, str], shadow: Shadow, draw: Draw) -> None:
        """Ask the shadow, if the sample says so."""
        if draw() < shadow.share:
            sent = {name: value for name, value in headers.items() if name != SESSION}  # a session is its instance's
            invocation = Invocation(request, sent, self, drop)
            invocation.variant = shadow.variant
            invocation.begin()

    def ended(self, invocation: Invocation) -> None:
        """It has an outcome or an error."""
        self.plane.ended(invocation)

    def wait(self, invocation: Invocation) -> None:
        """It cannot be asked yet."""
        self.plane.wait(invocation)

    def choose(self, invocation: Invocation) -> Variant:
        """The shadow's fleet has gone: what was for it is for nobody."""
        raise ApiError("ValidationError", f"the shadow variant that was asked for {invocation.request.path} has gone")


def drop(answer: Answer) -> None:
    """Nobody waits for it."""
    answer.payload.close()
