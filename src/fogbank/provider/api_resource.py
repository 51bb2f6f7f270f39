"""A resource type that maps by name: one row of the table, over botocore's model of its service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel

from fogbank.provider.resource import Clients, Difference, Failure, Properties, ProvisionError, difference
from fogbank.provider.shapes import Naming, from_api, member_of, problems, to_api

COMMON = frozenset({"region", "tags", "tagsAll", "namePrefix"})
GONE = ("ResourceNotFound", "ResourceNotFoundException", "NoSuchEntity", "NoSuchBucket", "404", "NoSuchKey")
Wait = Callable[[Any, Properties], None]


@lru_cache(maxsize=8)
def service_model(service: str) -> ServiceModel:
    """botocore's model of a service."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


@dataclass(frozen=True, kw_only=True)
class ApiResource:
    """A type whose create, describe, update and delete calls take and answer what Pulumi declares, under other names.

    `identity` maps the calls' identifying members to Pulumi's keys; `outputs` Pulumi's computed keys to members of the
    describe call; `in_place` are the inputs that pulumi-aws updates without a replacement.
    """

    token: str
    service: str
    create_call: str
    describe_call: str
    delete_call: str
    identity: Mapping[str, str]
    outputs: Mapping[str, str]
    update_call: str | None = None
    in_place: frozenset[str] = frozenset({"tags", "tagsAll"})
    naming: Naming = field(default_factory=Naming)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    tags_in_create: bool = True
    after_create: Wait | None = None
    after_update: Wait | None = None

    @cached_property
    def _create_shape(self) -> Any:
        return service_model(self.service).operation_model(self.create_call).input_shape

    @cached_property
    def _full_naming(self) -> Naming:
        renames = {key: member for member, key in self.identity.items()}
        return Naming(
            rename={**renames, **self.naming.rename}, single=self.naming.single, free=self.naming.free | COMMON
        )

    def check(self, inputs: Properties) -> list[Failure]:
        """Keys that the API call does not have are refused by name; so are missing ones."""
        own = {
            key: value
            for key, value in inputs.items()
            if key not in self._full_naming.free and not key.startswith("__") and value is not None
        }
        return [
            Failure(name, reason)
            for name, reason in problems(own, self._create_shape, self._full_naming)
            if name != "clientToken"
        ]

    def diff(self, old: Properties, new: Properties) -> Difference:
        """By top-level key."""
        return difference(old, new, self.in_place)

    def create(self, clients: Clients, inputs: Properties) -> tuple[str, Properties]:
        """Create, wait, describe."""
        client = clients(self.service)
        call = to_api(self._own(inputs), self._create_shape, self._full_naming)
        if self.tags_in_create and inputs.get("tags"):
            call["Tags"] = [{"Key": key, "Value": value} for key, value in inputs["tags"].items()]
        try:
            _method(client, self.create_call)(**call)
        except ClientError as error:
            raise ProvisionError(f"{self.create_call}: {error}") from error
        if self.after_create:
            self.after_create(client, inputs)
        return self._id(inputs), self._state(client, inputs)

    def read(self, clients: Clients, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """Describe; the inputs are those keys that were given, with the cloud's values, or for an import all there are."""
        client = clients(self.service)
        given = inputs or self._from_id(id_)
        found = self._describe(client, given)
        if found is None:
            return None
        shape = service_model(self.service).operation_model(self.describe_call).output_shape
        live = from_api(found, shape, self._full_naming)
        wanted = set(inputs) if inputs else self._importable(live)
        fresh = {key: self._refreshed(inputs.get(key), live.get(key, inputs.get(key))) for key in wanted}
        return fresh, self._state(client, {**given, **fresh})

    def update(self, clients: Clients, id_: str, old: Properties, new: Properties) -> Properties:
        """Update where something other than tags changed, wait, describe."""
        client = clients(self.service)
        changed = set(difference(old, new, self.in_place).changed) - {"tags", "tagsAll"}
        if changed:
            if self.update_call is None:
                raise ProvisionError(f"{self.token} has no update of {sorted(changed)}")
            shape = service_model(self.service).operation_model(self.update_call).input_shape
            call = to_api(self._own(new), shape, self._full_naming)
            try:
                _method(client, self.update_call)(**call)
            except ClientError as error:
                raise ProvisionError(f"{self.update_call}: {error}") from error
            if self.after_update:
                self.after_update(client, new)
        state = self._state(client, new)
        self._retag(client, state["arn"], old.get("tags") or {}, new.get("tags") or {})
        return state

    def delete(self, clients: Clients, id_: str, state: Properties) -> None:
        """Delete."""
        try:
            _method(clients(self.service), self.delete_call)(**self._identify(state or self._from_id(id_)))
        except ClientError as error:
            if not _gone(error):
                raise ProvisionError(f"{self.delete_call}: {error}") from error

    @staticmethod
    def _retag(client: Any, arn: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Make the tags what the program says now."""
        if gone := sorted(set(old) - set(new)):
            client.delete_tags(ResourceArn=arn, TagKeys=gone)
        if changed := [{"Key": key, "Value": value} for key, value in new.items() if old.get(key) != value]:
            client.add_tags(ResourceArn=arn, Tags=changed)

    def _own(self, inputs: Properties) -> Properties:
        kept = {
            key: value
            for key, value in inputs.items()
            if key not in self._full_naming.free and not key.startswith("__")
        }
        return {**self.defaults, **kept}

    def _identify(self, inputs: Properties) -> Properties:
        return {member: inputs[key] for member, key in self.identity.items() if inputs.get(key)}

    def _id(self, inputs: Properties) -> str:
        return "/".join(str(inputs.get(key, "default")) for key in reversed(list(self.identity.values())))

    def _from_id(self, id_: str) -> Properties:
        parts = id_.split("/")
        return dict(zip(reversed(list(self.identity.values())), parts, strict=False))

    def _describe(self, client: Any, inputs: Properties) -> Properties | None:
        try:
            found: Properties = _method(client, self.describe_call)(**self._identify(inputs))
        except ClientError as error:
            if _gone(error):
                return None
            raise ProvisionError(f"{self.describe_call}: {error}") from error
        return found

    def _state(self, client: Any, inputs: Properties) -> Properties:
        found = self._describe(client, inputs) or {}
        computed = {key: found[member] for key, member in self.outputs.items() if member in found}
        return {
            **inputs,
            **computed,
            "tagsAll": inputs.get("tags") or {},
            "region": inputs.get("region") or client.meta.region_name,
        }

    def _importable(self, live: Properties) -> set[str]:
        """The live keys that a program can declare: those that the create call takes, with a value."""
        return {key for key, value in live.items() if value not in (None, [], {}, "") and self._declarable(key, value)}

    def _declarable(self, key: str, value: Any) -> bool:
        member = member_of(key, self._create_shape, self._full_naming)
        return member is not None and not problems(value, self._create_shape.members[member], self._full_naming)

    def _refreshed(self, given: Any, live: Any) -> Any:
        """The live value cut to the keys that were given, so that AWS's defaults are no drift."""
        if isinstance(given, dict) and isinstance(live, dict):
            return {key: self._refreshed(item, live.get(key)) for key, item in given.items()}
        if isinstance(given, list) and isinstance(live, list) and len(given) == len(live):
            return [self._refreshed(g, n) for g, n in zip(given, live, strict=True)]
        return live


def _gone(error: ClientError) -> bool:
    said = error.response["Error"]
    return said["Code"] in GONE or (
        said["Code"] == "ValidationException" and said["Message"].startswith("Could not find")
    )


def _method(client: Any, operation: str) -> Any:
    from botocore import xform_name

    return getattr(client, xform_name(operation))
