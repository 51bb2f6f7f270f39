"""What a resource type of the stand-in is: a few verbs, in this order. `check` and `diff` are pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
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
    """What changed between old and new inputs, and which of it forces a replacement.

    `delete_first` says that the old one has to go before the new one can be: both would have the same name.
    """

    changed: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    delete_first: bool = False


class ProvisionError(Exception):
    """The cloud refused or failed; the text is what the user reads."""


class UnknownTypeError(ProvisionError):
    """A resource type or function that a provider does not have."""


class Provider(Protocol):
    """What answers the engine: the verbs over all types of a provider, in plain dictionaries."""

    @property
    def version(self) -> str:
        """Its version, as the engine is told."""

    def refuses(self, config: Properties) -> list[Failure]:
        """What of a stack's configuration of this provider is refused, and why."""

    def configured(self, config: Properties, program: Path | None) -> Provider:
        """The provider under a configuration, for a program in that folder; None where it is not known."""

    def cancel(self) -> None:
        """The engine is to end: what is waited for is given up."""

    def schema(self) -> Properties:
        """Pulumi's package schema of what it provides."""

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


AUTONAMED = "__autonamed"
"""Among a resource's inputs: the one that it was given by the provider, and not by the program."""


@dataclass(frozen=True, kw_only=True)
class AutoName:
    """pulumi-aws's auto-naming: `<logical name>-<7 hex digits>` into `key`, where neither it nor its prefix is given.

    `lower` is for names that may have no capitals (buckets); without `digits` it is the logical name itself (objects' keys). `start` is
    how all such names begin (aliases of keys); `fifo_key` the input by which a queue or topic is a FIFO, whose name ends in `.fifo`.
    """

    key: str = "name"
    prefix_key: str | None = "namePrefix"
    longest: int = 63
    lower: bool = False
    digits: int = 7
    start: str = ""
    fifo_key: str | None = None

    def apply(self, inputs: Properties, old: Properties, logical: str, seed: bytes) -> Properties:
        """Inputs with a name: the given one, the one that it had, or a new one from the engine's seed."""
        if inputs.get(self.key):
            return inputs
        prefix = inputs.get(self.prefix_key) if self.prefix_key else None
        before = old.get(self.key)
        if before and (not prefix or str(before).startswith(prefix)) and old.get(self.prefix_key or "") == prefix:
            return {**inputs, self.key: before, AUTONAMED: self.key}
        if not self.digits:
            return {**inputs, self.key: logical, AUTONAMED: self.key}
        digits = f"{Random(seed).getrandbits(28):07x}"
        end = ".fifo" if self.fifo_key and inputs.get(self.fifo_key) is True else ""
        stem = str(prefix or self.start + logical + "-")[: self.longest - 7 - len(end)]
        return {**inputs, self.key: f"{stem.lower() if self.lower else stem}{digits}{end}", AUTONAMED: self.key}

    def is_given(self, old: Properties, new: Properties) -> bool:
        """Whether the program itself gives the name, and gives the one that is there already."""
        return AUTONAMED not in new and bool(new.get(self.key)) and new.get(self.key) == old.get(self.key)
