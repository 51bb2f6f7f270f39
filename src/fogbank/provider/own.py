"""What a type of fogbank's own provider is: verbs over inputs that say themselves in which account and region they are.

Every type has the same verbs in the same order; `check` and `diff` are pure, but where a type says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from fogbank.provider.declarable import Allowed
from fogbank.provider.resource import AutoName, Difference, Failure, Properties

WHERE = frozenset({"region", "profile", "endpointUrl"})
"""Where a resource is, and who asks: no part of what it is."""
AccountClients = Callable[[str, Properties], Any]
"""A boto3 client of a service, for a resource's region, profile and endpoint URL."""


class OwnType(Protocol):
    """A type: the inputs that it takes, those of its outputs that are no inputs, and how it is named where the program does not."""

    @property
    def inputs(self) -> Allowed:
        """What it takes."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """What it tells besides."""

    @property
    def auto_name(self) -> AutoName | None:
        """How it is named."""

    def check(self, inputs: Properties) -> tuple[Properties, list[Failure]]:
        """Completed inputs, and what is refused."""

    def diff(self, old: Properties, new: Properties) -> Difference:
        """What an update would do."""

    def preview(self, inputs: Properties) -> Properties:
        """The state to be, with what is unknown yet."""

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Id and state. Raises ProvisionError."""

    def read(self, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """Inputs and state as they are; None where it is gone. Raises ProvisionError."""

    def update(self, new: Properties) -> Properties:
        """The new state. Raises ProvisionError."""

    def delete(self, id_: str, state: Properties) -> None:
        """Delete. Raises ProvisionError."""


def replaced(old: Properties, new: Properties, ignored: Iterable[str]) -> Difference:
    """The difference of a type that never changes: whatever differs, but `ignored`, is another one."""
    apart = frozenset(ignored)
    keys = sorted(key for key in {*old, *new} - apart if not key.startswith("__") and old.get(key) != new.get(key))
    return Difference(tuple(keys), tuple(keys))
