"""A resource type: one row, which is the only place of it. Its calls take and answer what Pulumi declares, under other names.

In: inputs by pulumi-aws's names; out: the API's calls by botocore's models, and the state that Pulumi keeps. What is odd about a type is
a function in its row (`creates=`, `reads=` ...), with the same arguments as the verb that it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.compare import Meaning, policy_meaning
from fogbank.provider.declared import Inputs, inputs_of
from fogbank.provider.resource import AutoName, Clients, Difference, Failure, Properties, ProvisionError
from fogbank.provider.settings import Settings
from fogbank.provider.shapes import LACKING, UNKNOWN, from_api, lacking_keys, member_of, to_api, unknown_keys

TAGS = frozenset({"tags", "tagsAll"})
FREE = frozenset({"region", "tags", "tagsAll", "namePrefix"})


class Tagging(Enum):
    """How a service is told of tags after a resource is made."""

    NONE = ()
    SAGEMAKER = ("AddTags", "DeleteTags", "ListTags", "ResourceArn", "Tags")
    RESOURCE_ARN = ("TagResource", "UntagResource", "ListTagsForResource", "ResourceArn", "Tags")
    EVENTS = ("TagResource", "UntagResource", "ListTagsForResource", "ResourceARN", "Tags")


@dataclass(frozen=True)
class Session:
    """What a verb works with: clients by service, for the resource's region, and the settings of its provider."""

    clients: Clients
    settings: Settings

    def client(self, service: str) -> Any:
        """A boto3 client."""
        return self.clients(service)


State = Properties
Creates = Callable[["Row", Session, Properties], tuple[str, State]]
Reads = Callable[["Row", Session, str, Properties], tuple[Properties, State] | None]
Updates = Callable[["Row", Session, str, Properties, Properties], State]
Deletes = Callable[["Row", Session, str, State], None]


@lru_cache(maxsize=16)
def service_model(service: str) -> ServiceModel:
    """botocore's model of a service."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One type. `calls` are the operations that create, describe, update and delete; `identity` maps their identifying members to
    Pulumi's keys; `outputs` Pulumi's computed keys to members of the describe call's answer.

    `in_place` are the inputs that pulumi-aws updates without a replacement; `defaults` those of its defaults that its documentation
    does not give, by path; `sets` its lists without an order; `policies` its IAM policies; `generated` what it names itself, by path.
    `delete_first` says that there can be one alone of it, so that the old one is deleted before a new one is made; `unasked` are the inputs
    that pulumi-aws takes for computed where the program does not give them: nobody looks at them then. `seen` are those that it reads
    though the program does not give them, and `forcing` paths in inputs that are updated in place whose coming or going forces a
    replacement all the same. `only` are the inputs that are implemented, where the shapes do not say it, and `lacks` why others are
    not; `renames` Pulumi's keys whose members have other names.
    """

    token: str
    service: str
    calls: Mapping[str, str] = field(default_factory=dict)
    identity: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=lambda: {"arn": "Arn"})
    computed: tuple[str, ...] = ()
    auto_name: AutoName | None = None
    in_place: frozenset[str] = frozenset()
    renames: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    sets: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()
    generated: Mapping[str, str] = field(default_factory=dict)
    delete_first: bool = False
    unasked: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()
    forcing: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    lacks: Mapping[str, str] = field(default_factory=dict)
    tags: Tagging = Tagging.NONE
    tags_in_create: bool = True
    checks: Callable[[Properties], list[Failure]] | None = None
    after_create: Callable[[Any, Properties], None] | None = None
    after_update: Callable[[Any, Properties], None] | None = None
    creates: Creates | None = None
    reads: Reads | None = None
    updates: Updates | None = None
    deletes: Deletes | None = None

    @property
    def inputs(self) -> Inputs:
        """What pulumi-aws declares of it."""
        return inputs_of(self.token)

    @property
    def taggable(self) -> bool:
        """Whether it has tags."""
        return "tags" in self.inputs

    @cached_property
    def meaning(self) -> Meaning:
        """What makes two of its inputs the same."""
        return Meaning(inputs=self.inputs, defaults=self.defaults, sets=self.sets, policies=self.policies)

    @cached_property
    def full_renames(self) -> Mapping[str, str]:
        """The row's renames, and those of its identity."""
        return {**{key: member for member, key in self.identity.items()}, **self.renames}

    def shape(self, verb: str) -> Any:
        """The input shape of one of its calls."""
        return service_model(self.service).operation_model(self.calls[verb]).input_shape

    def check(self, inputs: Properties) -> list[Failure]:
        """Keys that pulumi-aws or the API does not have are refused by name; so are missing ones. Pure."""
        own = {key: value for key, value in inputs.items() if key != "tagsAll"}
        failures = unknown_keys(own, self.inputs)
        if self.only is not None:
            absent = [key for key in own if key in self.inputs and key not in self.only | FREE]
            failures += [(key, f"{LACKING}: {self.lacks[key]}" if key in self.lacks else LACKING) for key in absent]
        else:
            mapped = {key: value for key, value in own.items() if key not in FREE}
            failures += lacking_keys(mapped, self.inputs, self.shape("create"), self.full_renames)
        refused = [Failure(name, reason) for name, reason in failures if not self._says_the_default(name, inputs)]
        return refused + (self.checks(inputs) if self.checks else [])

    def diff(self, old: Properties, new: Properties) -> Difference:
        """What an update would change. A name that the program gave itself is free only when the old one is gone."""
        known = {"region": new.get("region"), **old}  # inputs of before regions were noted
        difference = self.meaning.difference(known, new, self.in_place | TAGS)
        changed = tuple(key for key in difference.changed if key not in self.unasked or new.get(key) is not None)
        forced = {path.partition(".")[0] for path in self.forcing if holds(old, path) != holds(new, path)}
        replaces = tuple(key for key in changed if key in difference.replaces or key in forced)
        named = self.auto_name is not None and self.auto_name.is_given(old, new)
        return Difference(changed, replaces, delete_first=bool(replaces) and (named or self.delete_first))

    def preview(self, inputs: Properties) -> State:
        """A state in which what the cloud will compute is unknown."""
        computed = {"id", *self.outputs, *self.computed, *(("tagsAll",) if self.taggable else ()), "region"}
        return {**dict.fromkeys(computed, UNKNOWN), **inputs}

    def create(self, session: Session, inputs: Properties) -> tuple[str, State]:
        """Id and state. Raises ProvisionError."""
        if self.creates:
            return self.creates(self, session, inputs)
        client = session.client(self.service)
        request = to_api(inputs, self._mapped, self.shape("create"), self.full_renames)
        if self.tags_in_create and self.taggable and (tags := session.settings.tags(inputs.get("tags"))):
            request["Tags"] = pairs(tags)
        require(client, self.calls["create"], **request)
        if self.after_create:
            self.after_create(client, inputs)
        return self.id_of(inputs), self.state(session, inputs)

    def read(self, session: Session, id_: str, inputs: Properties) -> tuple[Properties, State] | None:
        """Inputs and state as they are; None where it is gone. Without inputs: an import."""
        if self.reads:
            return self.reads(self, session, id_, inputs)
        given = inputs or self.from_id(id_)
        answer = self.describe(session, given)
        if answer is None:
            return None
        shape = service_model(self.service).operation_model(self.calls["describe"]).output_shape
        live = from_api(answer, self._mapped, shape, self.full_renames)
        fresh = self.refreshed(inputs, live) if inputs else self._importable({**given, **live})
        if self.taggable:
            fresh = with_tags(session, inputs, fresh, self.live_tags(session, answer))
        return fresh, self.state(session, {**given, **fresh}, answer)

    def update(self, session: Session, id_: str, old: Properties, new: Properties) -> State:
        """The new state. Raises ProvisionError."""
        if self.updates:
            return self.updates(self, session, id_, old, new)
        client = session.client(self.service)
        changed = set(self.diff(old, new).changed) - TAGS
        if changed:
            if "update" not in self.calls:
                raise ProvisionError(f"{self.token} has no update of {sorted(changed)}")
            require(client, self.calls["update"], **to_api(new, self._mapped, self.shape("update"), self.full_renames))
            if self.after_update:
                self.after_update(client, new)
        state = self.state(session, new)
        self._retag(client, session.settings, state, old, new)
        return state

    def delete(self, session: Session, id_: str, state: State) -> None:
        """Delete; what is gone already is no error."""
        if self.deletes:
            self.deletes(self, session, id_, state)
            return
        ensure_gone(session.client(self.service), self.calls["delete"], **self.identify(state or self.from_id(id_)))

    def identify(self, inputs: Properties) -> Properties:
        """The members by which the calls know it."""
        return {member: inputs[key] for member, key in self.identity.items() if inputs.get(key)}

    def id_of(self, inputs: Properties) -> str:
        """Its id: what identifies it, the outermost first."""
        keys = reversed(list(self.identity.values()))
        return "/".join(str(inputs.get(key) or self.meaning.default(key) or "default") for key in keys)

    def from_id(self, id_: str) -> Properties:
        """The inputs that an id says."""
        return dict(zip(reversed(list(self.identity.values())), id_.split("/"), strict=False))

    def describe(self, session: Session, inputs: Properties) -> Properties | None:
        """The describe call's answer; None where it is gone. Raises ProvisionError."""
        try:
            answer: Properties = call(session.client(self.service), self.calls["describe"], **self.identify(inputs))
        except GoneError:
            return None
        return answer

    def state(self, session: Session, inputs: Properties, answer: Properties | None = None) -> State:
        """Inputs, and what the cloud computes of them."""
        described = answer if answer is not None else self.describe(session, inputs) or {}
        computed = {key: described[member] for key, member in self.outputs.items() if member in described}
        return {**inputs, **computed, **common_state(session, self, inputs)}

    def found(
        self, session: Session, given: Properties, live: Properties, tags: Mapping[str, str] | None = None
    ) -> Properties:
        """For rows with a `reads` of their own: inputs from what the cloud says of each key (None: nothing), and its tags.

        Without given ones: an import, of all that does not say what would be so anyway.
        """
        fresh = {key: value for key, value in live.items() if value is not None and value != self.meaning.default(key)}
        if given:
            by_hand = {key: value for key, value in fresh.items() if key not in self.unasked}
            fresh = {**by_hand, **self.refreshed(given, {key: live[key] for key in live if key in given})}
        return with_tags(session, given, fresh, tags) if self.taggable else fresh

    def refreshed(self, given: Properties, live: Properties) -> Properties:
        """The inputs that were given, with the cloud's values, and those that were not where the cloud has another than the default."""
        fresh = {
            key: self._live_value(key, value, live.get(key, value)) for key, value in given.items() if key != "tagsAll"
        }
        for key, value in live.items():
            default = self.meaning.default(key)
            if key not in given and (key in self.seen or (default is not None and value != default)):
                fresh[key] = value
        return fresh

    def live_tags(self, session: Session, answer: Properties) -> dict[str, str] | None:
        """The live resource's tags; None where the service is not asked."""
        if self.tags is Tagging.NONE:
            return None
        _, _, list_call, arn_member, member = self.tags.value
        arn = answer.get(self.outputs["arn"])
        tags = require(session.client(self.service), list_call, **{arn_member: arn}).get(member, [])
        return {tag["Key"]: tag["Value"] for tag in tags}

    def _says_the_default(self, name: str, inputs: Properties) -> bool:
        """Whether an input, lacking though it is, says what would be so anyway."""
        return inputs.get(name) is not None and inputs[name] == self.meaning.default(name)

    @property
    def _mapped(self) -> Inputs:
        return {key: declared for key, declared in self.inputs.items() if key not in FREE}

    def _live_value(self, key: str, given: Any, live: Any) -> Any:
        if key in self.policies and isinstance(given, str) and isinstance(live, str):
            return given if policy_meaning(given) == policy_meaning(live) else live
        return cut_to(given, live)

    def _importable(self, live: Properties) -> Properties:
        """The live keys that a program can declare, but those that say what would be so anyway."""
        return {
            key: value
            for key, value in live.items()
            if value not in (None, [], {}, "")
            and value != self.meaning.default(key)
            and member_of(key, self.shape("create"), self.full_renames) is not None
        }

    def _retag(self, client: Any, settings: Settings, state: State, old: Properties, new: Properties) -> None:
        """Make the tags what the program and its provider say now; those of others stay."""
        if not self.taggable or self.tags is Tagging.NONE:
            return
        add, remove, _, arn_member, member = self.tags.value
        gone, changed = settings.tag_changes(old, new)
        if gone:
            require(client, remove, **{arn_member: state["arn"], "TagKeys": gone})
        if changed:
            require(client, add, **{arn_member: state["arn"], member: pairs(changed)})


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most services take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def common_state(session: Session, row: Row, inputs: Properties) -> State:
    """The region, and all tags, of a state."""
    state: State = {"region": inputs.get("region") or session.client(row.service).meta.region_name}
    return {**state, "tagsAll": session.settings.tags(inputs.get("tags"))} if row.taggable else state


def with_tags(session: Session, given: Properties, fresh: Properties, live: Mapping[str, str] | None) -> Properties:
    """Fresh inputs with the live tags: all of them, and those of the program's own, which are all but the provider's."""
    if live is None:
        return {**fresh, **{key: given[key] for key in ("tags", "tagsAll") if key in given}}
    settings = session.settings
    all_tags = settings.seen(live)
    defaults = settings.default_tags
    declared = given.get("tags") or {}
    own = {key: value for key, value in all_tags.items() if key in declared or defaults.get(key) != value}
    fresh = {key: value for key, value in fresh.items() if key not in TAGS}
    if own or "tags" in given:
        fresh["tags"] = own
    if all_tags and ("tagsAll" in given or defaults):
        fresh["tagsAll"] = all_tags
    return fresh


def holds(inputs: Properties, path: str) -> bool:
    """Whether inputs say something at a path.

    >>> holds({"a": {"b": [1]}}, "a.b"), holds({"a": {}}, "a.b"), holds({"a": None}, "a.b")
    (True, False, False)
    """
    found: Any = inputs
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return bool(found)


def cut_to(given: Any, live: Any) -> Any:
    """The live value cut to the keys that were given, so that AWS's defaults are no drift."""
    if isinstance(given, dict) and isinstance(live, dict):
        return {key: cut_to(item, live.get(key)) for key, item in given.items()}
    if isinstance(given, list) and isinstance(live, list) and len(given) == len(live):
        return [cut_to(before, now) for before, now in zip(given, live, strict=True)]
    return live
