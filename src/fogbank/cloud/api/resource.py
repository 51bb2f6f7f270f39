"""What all kinds of SageMaker resources do alike: describe, list, get, delete, tags and moves, from one row of description.

In: a `Kind`, and documents; out: the operations `Describe...`, `List...`, `Delete...`. A class of a kind adds its `create`, and
what is odd about it. Every change of a status is an event.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, Self, TypeVar

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import ApiError, validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.store import Document, Store
from fogbank.contracts.status import Transitions, step

STATE = "_state"
"""The key of a stored document under which the cloud keeps what no call answers."""


class State(Protocol):
    """What the cloud knows of a record besides what Describe answers: a frozen dataclass that can be written as JSON."""

    def encode(self) -> Document:
        """As JSON values."""

    @classmethod
    def decode(cls, document: Document) -> Self:
        """From what `encode` gave, now or in an earlier version."""


@dataclass(frozen=True)
class NoState:
    """Describe answers all that is known."""

    def encode(self) -> Document:
        """Nothing."""
        return {}

    @classmethod
    def decode(cls, document: Document) -> Self:  # noqa: ARG003 - the Protocol's signature
        """From nothing."""
        return cls()


S = TypeVar("S", bound=State)


@dataclass(frozen=True, kw_only=True)
class Record(Generic[S]):
    """One resource: `public` in the shape that its Describe call answers, `state` what only the cloud knows."""

    region: str
    name: str
    public: Document
    state: S


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One row of description. `path` names it in ARNs and in the store; `stem` in operations (`Describe<stem>`).

    `missing` and `taken` make the error of a name that is not there, or is there already, from the resource's ARN.
    """

    path: str
    stem: str
    key: str
    arn: str
    missing: Callable[[str], ApiError]
    taken: Callable[[str], ApiError]
    listing: Listing
    status: str | None = None
    transitions: Transitions = field(default_factory=dict)
    summary: Mapping[str, str] = field(default_factory=dict)
    """Members of a summary that the record has under another name, such as {"MonitoringJobDefinitionArn": "JobDefinitionArn"}."""
    deletable: bool = True

    def operation_names(self) -> tuple[str, ...]:
        """The calls that a row gives."""
        described = (f"Describe{self.stem}", self.listing.operation)
        return (*described, f"Delete{self.stem}") if self.deletable else described


@dataclass(frozen=True)
class Ground:
    """What every resource stands on."""

    store: Store
    clock: Clock
    events: Events
    runner: Runner


class Resource(Generic[S]):
    """The resources of one kind, in every region; safe from many threads."""

    def __init__(self, kind: Kind, state: type[S], ground: Ground) -> None:
        self.kind = kind
        self._state = state
        self.store = ground.store
        self.clock = ground.clock
        self.events = ground.events
        self.runner = ground.runner
        self.lock = threading.RLock()

    def operations(self) -> Mapping[str, Operation]:
        """The calls that are answered here; a class with more adds them."""
        given: dict[str, Operation] = {
            f"Describe{self.kind.stem}": self.describe,
            self.kind.listing.operation: self.summaries,
        }
        if self.kind.deletable:
            given[f"Delete{self.kind.stem}"] = self.delete
        return given

    def describe(self, scope: Scope, params: Params) -> Params:
        """The resource."""
        return self.described(self.get(scope.region, params[self.kind.key]))

    def described(self, record: Record[S]) -> Params:
        """What Describe answers of a record."""
        return record.public

    def summaries(self, scope: Scope, params: Params) -> Params:
        """One page of summaries."""
        return self.kind.listing.page((self.summary(record) for record in self.all(scope.region)), params)

    def summary(self, record: Record[S]) -> Params:
        """A record as List looks at it: its own members, and those that a summary names otherwise."""
        named = {member: record.public.get(own) for member, own in self.kind.summary.items()}
        return {**record.public, **named, "_id": record.name}

    def delete(self, scope: Scope, params: Params) -> Params:
        """Delete."""
        name = params[self.kind.key]
        with self.lock:
            self.get(scope.region, name)
            self.remove(scope.region, name)
        return {}

    def add(self, scope: Scope, name: str, public: Document, state: S) -> Record[S]:
        """A new record with its ARN, in which names are in lower case, and its times. Raises the kind's `taken` for an ARN that is there."""
        arn, now = self.arn(scope.region, name), self.clock.epoch()
        check_tags(public.get("Tags") or [])
        stamped = {**public, self.kind.arn: arn, "CreationTime": now, "LastModifiedTime": now}
        record = Record(region=scope.region, name=name, public=stamped, state=state)
        with self.lock:
            if self.store.taken(self.kind.path, scope.region, name):
                raise self.kind.taken(arn)
            self.put(record)
        self._tell(record, record.public.get(self.kind.status or "", "Created"))
        return record

    def arn(self, region: str, name: str) -> str:
        """The ARN of a name."""
        return Scope(region).arn(self.kind.path, name)

    def find(self, region: str, name: str) -> Record[S] | None:
        """The record, or None."""
        document = self.store.get(self.kind.path, region, name)
        return None if document is None else self._record(region, name, document)

    def get(self, region: str, name: str) -> Record[S]:
        """The record. Raises the kind's `missing`."""
        record = self.find(region, name)
        if record is None:
            raise self.kind.missing(self.arn(region, name))
        return record

    def all(self, region: str | None = None) -> list[Record[S]]:
        """Every record of a region, or of all, by name."""
        return [self._record(at, name, document) for at, name, document in self.store.named(self.kind.path, region)]

    def put(self, record: Record[S]) -> None:
        """Write a record as it is."""
        self.store.put(self.kind.path, record.region, record.name, {**record.public, STATE: record.state.encode()})

    def change(self, region: str, name: str, state: Callable[[S], S] | None = None, **members: Any) -> Record[S] | None:
        """Change members, and the state, in one step; None where the record is gone. A member that becomes None goes."""
        with self.lock:
            record = self.find(region, name)
            if record is None:
                return None
            public = {key: value for key, value in {**record.public, **members}.items() if value is not None}
            changed = replace(
                record,
                public={**public, "LastModifiedTime": self.clock.epoch()},
                state=state(record.state) if state else record.state,
            )
            self.put(changed)
        return changed

    def move(
        self, region: str, name: str, status: str, state: Callable[[S], S] | None = None, **members: Any
    ) -> Record[S] | None:
        """Let the status follow the one before, by the kind's table; None where the record is gone.

        Raises IllegalTransitionError.
        """
        member = self.kind.status or ""
        with self.lock:
            record = self.find(region, name)
            if record is None:
                return None
            step(self.kind.transitions, record.public[member], status)
            changed = self.change(region, name, state, **{member: status}, **members)
        if changed:
            self._tell(changed, status)
        return changed

    def remove(self, region: str, name: str) -> None:
        """Forget a record."""
        self.store.delete(self.kind.path, region, name)
        self.events.emit(self.kind.path, region, name, "Deleted")

    def tag(self, region: str, name: str, tags: Mapping[str, str]) -> list[dict[str, str]]:
        """Make these the tags; the LastModifiedTime stays."""
        written = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.store.update(self.kind.path, region, name, Tags=written)
        return written

    def _tell(self, record: Record[S], change: str) -> None:
        reason = record.public.get("FailureReason")
        self.events.emit(self.kind.path, record.region, record.name, change, **({"reason": reason} if reason else {}))

    def _record(self, region: str, name: str, document: Document) -> Record[S]:
        state = self._state.decode(document.pop(STATE, {}))
        return Record(region=region, name=name, public=document, state=state)


def check_tags(tags: Sequence[Mapping[str, str]]) -> None:
    """Refuse keys that are not unique, or that AWS keeps for itself. Raises ValidationException.

    Sources: botocore's documentation of AddTags ("Tag keys must be unique per resource"); AWS's "Tag naming limits and requirements".
    """
    keys = [tag["Key"] for tag in tags]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise validation(f"Tag keys must be unique per resource: [{', '.join(twice)}] came more than once.")
    if kept := sorted(key for key in keys if key.lower().startswith("aws:")):
        raise validation(f"Tag keys that begin with aws: are reserved for AWS: [{', '.join(kept)}].")
