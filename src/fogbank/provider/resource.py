"""What a resource type of the stand-in is: a few verbs, in this order. `check` and `diff` are pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

Properties = dict[str, Any]
Clients = Callable[[str], Any]
"""A boto3 client by service name, for the stack's region."""


@dataclass(frozen=True)
class Failure:
    """An input that is refused: which, and why."""

    property: str
    reason: str


@dataclass(frozen=True)
class Difference:
    """What changed between old and new inputs, and which of it forces a replacement."""

    changed: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()


class ProvisionError(Exception):
    """The cloud refused or failed; the text is what the user reads."""


class UnknownTypeError(ProvisionError):
    """A resource type or function that a provider does not have."""


class Provider(Protocol):
    """What answers the engine: the verbs over all types of a provider, in plain dictionaries."""

    @property
    def version(self) -> str:
        """Its version, as the engine is told."""

    def refuses(self, config: Properties) -> str | None:
        """Why a stack's configuration of this provider is refused; None where it is not."""

    def in_region(self, region: str) -> Provider:
        """The provider for the region that the stack's configuration names."""

    def check(
        self, token: str, inputs: Properties, old: Properties, logical: str, seed: bytes
    ) -> tuple[Properties, list[Failure]]:
        """Completed inputs, and what is refused."""

    def diff(self, token: str, old: Properties, new: Properties) -> Difference:
        """What an update would do."""

    def preview(self, token: str, inputs: Properties) -> Properties:
        """The state of a resource that is to be created, with what is unknown yet."""

    def create(self, token: str, inputs: Properties) -> tuple[str, Properties]:
        """Id and state."""

    def read(self, token: str, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """Inputs and state as they are; None where the resource is gone."""

    def update(self, token: str, id_: str, old: Properties, new: Properties) -> Properties:
        """The new state."""

    def delete(self, token: str, id_: str, state: Properties) -> None:
        """Delete."""

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """A function's answer."""


class ResourceType(Protocol):
    """One `aws:*` resource type."""

    @property
    def token(self) -> str:
        """Its Pulumi token."""

    def check(self, inputs: Properties) -> list[Failure]:
        """Inputs that are refused."""

    def diff(self, old: Properties, new: Properties) -> Difference:
        """What an update would do."""

    def create(self, clients: Clients, inputs: Properties) -> tuple[str, Properties]:
        """Id and state."""

    def read(self, clients: Clients, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """Inputs and state as they are in the cloud; None where the resource is gone. Without inputs: an import."""

    def update(self, clients: Clients, id_: str, old: Properties, new: Properties) -> Properties:
        """The new state."""

    def delete(self, clients: Clients, id_: str, state: Properties) -> None:
        """Delete; a resource that is gone already is no error."""


@dataclass(frozen=True, kw_only=True)
class AutoName:
    """pulumi-aws's auto-naming: `<logical name>-<7 hex digits>` into `key`, where neither it nor its prefix is given."""

    key: str = "name"
    prefix_key: str | None = "namePrefix"
    longest: int = 63

    def apply(self, inputs: Properties, old: Properties, logical: str, seed: bytes) -> Properties:
        """Inputs with a name: the given one, the one that it had, or a new one from the engine's seed."""
        if inputs.get(self.key):
            return inputs
        prefix = inputs.get(self.prefix_key) if self.prefix_key else None
        before = old.get(self.key)
        if before and (not prefix or str(before).startswith(prefix)) and old.get(self.prefix_key or "") == prefix:
            return {**inputs, self.key: before}
        digits = f"{Random(seed).getrandbits(28):07x}"
        return {**inputs, self.key: f"{(prefix or logical + '-')[: self.longest - 7]}{digits}"}


def difference(old: Mapping[str, Any], new: Mapping[str, Any], in_place: frozenset[str]) -> Difference:
    """Top-level keys that differ; those that are not updated in place force a replacement."""
    changed = tuple(
        sorted(
            key
            for key in {*old, *new}
            if comparable(old.get(key)) != comparable(new.get(key)) and not key.startswith("__")
        )
    )
    return Difference(changed, tuple(key for key in changed if key not in in_place))


ASSET_SIGNATURE = "4dabf18193072939515e22adb298388d"


def comparable(value: Any) -> Any:
    """A value for comparison: an asset is its content's hash, an integral float its integer, an empty list or map is nothing."""
    if isinstance(value, dict):
        if ASSET_SIGNATURE in value:
            return value.get("hash")
        return {key: comparable(item) for key, item in value.items() if item is not None} or None
    if isinstance(value, list):
        return [comparable(item) for item in value] or None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """The inputs that a hand-written type takes, and those that it must have."""

    keys: frozenset[str]
    required: frozenset[str] = field(default_factory=frozenset)

    def failures(self, inputs: Properties) -> list[Failure]:
        """Refuse by name what is not implemented, and what is missing."""
        refused = [
            Failure(key, "is not implemented by the local cloud's stand-in for pulumi-aws; it is refused, not ignored")
            for key, value in inputs.items()
            if key not in self.keys and value is not None and not key.startswith("__")
        ]
        return refused + [Failure(key, "is required") for key in sorted(self.required) if inputs.get(key) is None]
