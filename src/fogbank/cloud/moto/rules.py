"""EventBridge's rules as moto keeps them, for who carries them out; moto itself only keeps events in archives.

In: a region, an event bus, an event; out: rules and their targets. It is moto's backend under another class, given to moto's own registry:
nothing of moto is changed. What PutEvents sent before the cloud did so itself is played back by moto.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.events import urls
from moto.events.models import EventsBackend, events_backends

from fogbank.ground.aws import LOCAL_ACCOUNT

Tagged = tuple[str, str, Sequence[Mapping[str, str]]]
"""A type as the tagging API calls it, an ARN, and its tags."""
ARCHIVES = "prod.vhs.events.aws.internal"
"""Who manages the rules of archives."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule that is enabled. `expression` is None for one that has a pattern; `bus` is its event bus's name."""

    region: str
    bus: str
    name: str
    arn: str
    expression: str | None
    targets: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class _Archives:
    """An event bus with the rules of its archives alone."""

    rules: Mapping[str, Any]


class Buses(EventsBackend):
    """moto's backend, whose rules somebody else carries out."""

    by_moto: Callable[[], bool]
    _url_module = urls  # which moto looks for beside the class
    _archiving = False

    def put_events(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Checked, numbered, kept in archives."""
        self._archiving = not type(self).by_moto()
        try:
            return super().put_events(events)
        finally:
            self._archiving = False

    def describe_event_bus(self, name: str) -> Any:
        """An event bus; while events are put, what of it archives them."""
        bus = super().describe_event_bus(name)
        if not self._archiving:
            return bus
        return _Archives({name: rule for name, rule in bus.rules.items() if rule.managed_by == ARCHIVES})


def install(by_moto: Callable[[], bool]) -> None:
    """Let moto's registry make these backends from now on. `by_moto` says whether what is put was sent by moto, in an earlier version."""
    Buses.by_moto = staticmethod(by_moto)
    events_backends.backend = Buses
    events_backends.clear()


def adopt() -> None:
    """Backends that a snapshot of an earlier version brought back are these too."""
    for regions in events_backends.values():
        for backend in regions.values():
            backend.__class__ = Buses


def matching(region: str, bus: str, event: Mapping[str, Any]) -> list[Rule]:
    """The enabled rules of a bus whose pattern an event matches."""
    return [_rule(region, bus, rule) for rule in _rules(region, bus) if rule.event_pattern.matches_event(event)]


def scheduled() -> Iterator[Rule]:
    """The enabled rules that have a schedule."""
    regions: Mapping[str, Any] = events_backends.get(LOCAL_ACCOUNT, {})
    for region, backend in sorted(regions.items()):
        for rule in sorted(backend.event_buses["default"].rules.values(), key=lambda each: str(each.name)):
            if rule.scheduled_expression and rule.state != "DISABLED":
                yield _rule(region, "default", rule)


def event_rules() -> dict[str, str]:
    """The state of every rule, by its name."""
    return {str(rule.name): str(rule.state) for _, rule in _every()}


def tagged_rules(region: str) -> Iterator[Tagged]:
    """The rules of a region with their tags."""
    for at, rule in _every():
        if at == region:
            tags = events_backends[LOCAL_ACCOUNT][region].tagger.list_tags_for_resource(rule.arn)["Tags"]
            yield "events:rule", rule.arn, tags


def _every() -> Iterator[tuple[str, Any]]:
    """(region, moto's rule), in order, without those that archives have."""
    regions: Mapping[str, Any] = events_backends.get(LOCAL_ACCOUNT, {})
    for region, backend in sorted(regions.items()):
        for _, bus in sorted(backend.event_buses.items()):
            for _, rule in sorted(bus.rules.items()):
                if rule.managed_by != ARCHIVES:
                    yield region, rule


def _rules(region: str, bus: str) -> list[Any]:
    regions: Mapping[str, Any] = events_backends.get(LOCAL_ACCOUNT, {})
    known: Any = regions[region].event_buses.get(bus) if region in regions else None
    rules = list(known.rules.values()) if known else []
    return [
        rule for rule in rules if rule.event_pattern.dump() and rule.state != "DISABLED" and rule.managed_by != ARCHIVES
    ]


def _rule(region: str, bus: str, rule: Any) -> Rule:
    return Rule(
        region=region,
        bus=bus,
        name=rule.name,
        arn=rule.arn,
        expression=rule.scheduled_expression,
        targets=tuple(rule.targets),
    )
