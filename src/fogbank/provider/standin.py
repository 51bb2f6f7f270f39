"""The stand-in for `aws`: the table of resource types, and the verbs over it in plain dictionaries.

The gRPC server and the engine's mocks are two thin ends of this. In: Pulumi properties; out: Pulumi properties.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from fogbank.ground.aws import LOCAL_ACCOUNT
from fogbank.provider import declared, package, services
from fogbank.provider.functions import FUNCTIONS, Asked
from fogbank.provider.resource import Difference, Failure, Properties, UnknownTypeError
from fogbank.provider.row import Row, Session
from fogbank.provider.settings import Settings, refusals, settings
from fogbank.provider.shapes import UNKNOWN

TABLE: Mapping[str, Row] = {row.token: row for row in services.rows()}


@dataclass(frozen=True)
class StandIn:
    """The table over the clients of one cloud. `clients(service, region)` gives a boto3 client."""

    clients: Callable[[str, str], Any]
    settings: Settings = field(default_factory=Settings)
    account: str = LOCAL_ACCOUNT
    table: Mapping[str, Row] = field(default_factory=lambda: TABLE)

    @property
    def version(self) -> str:
        """The version of pulumi-aws whose types the table follows."""
        return declared.version()

    def refuses(self, config: Properties) -> list[Failure]:
        """What of a provider's configuration is refused: one that means AWS is never provided from here by accident."""
        return refusals(config, self.account)

    def configured(self, config: Properties, program: Path | None) -> StandIn:
        """The same under a provider's configuration."""
        return replace(self, settings=settings(config, program))

    def cancel(self) -> None:
        """Nothing: each call to the local cloud ends soon."""

    def schema(self) -> Properties:
        """Pulumi's package schema of the types that are served."""
        return package.schema(self.table)

    def check(
        self, token: str, inputs: Properties, old: Properties, logical: str, seed: bytes
    ) -> tuple[Properties, list[Failure]]:
        """Named inputs, and what is refused; all tags are among them, so that a change of the provider's is one of the resource.

        Raises UnknownTypeError.
        """
        row = self._row(token)
        texts = {key: json.dumps(inputs[key]) for key in row.policies if isinstance(inputs.get(key), dict)}
        region = {"region": inputs.get("region") or self.settings.region} if "region" in row.inputs else {}
        inputs = {**inputs, **texts, **region}
        failures = row.check(inputs)
        named = row.auto_name.apply(inputs, old, logical, seed) if row.auto_name else inputs
        named = _generated(row, named, old, seed)
        if row.taggable and self.settings.default_tags and inputs.get("tags") != UNKNOWN:
            named = {**named, "tagsAll": self.settings.tags(inputs.get("tags"))}
        return named, failures + [item for item in row.check(named) if item not in failures]

    def diff(self, token: str, old: Properties, new: Properties) -> Difference:
        """What an update would do."""
        return self._row(token).diff(old, new)

    def preview(self, token: str, inputs: Properties) -> Properties:
        """A state in which what the cloud will compute is unknown."""
        return self._row(token).preview(inputs)

    def create(self, token: str, inputs: Properties) -> tuple[str, Properties]:
        """Id and state. Raises ProvisionError."""
        return self._row(token).create(self._session(inputs), inputs)

    def read(self, token: str, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """Inputs and state as they are; None where it is gone."""
        return self._row(token).read(self._session(inputs), id_, inputs)

    def update(self, token: str, id_: str, old: Properties, new: Properties) -> Properties:
        """The new state."""
        return self._row(token).update(self._session(new), id_, old, new)

    def delete(self, token: str, id_: str, state: Properties) -> None:
        """Delete."""
        self._row(token).delete(self._session(state), id_, state)

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """A function's answer. Raises UnknownTypeError, ProvisionError."""
        if token not in FUNCTIONS:
            raise UnknownTypeError(f"the local cloud's stand-in for pulumi-aws does not have the function {token}")
        return FUNCTIONS[token](Asked(self._session(arguments), self.account, self.settings.region, arguments))

    def _row(self, token: str) -> Row:
        row = self.table.get(token)
        if row is None:
            raise UnknownTypeError(f"the local cloud's stand-in for pulumi-aws does not have the resource type {token}")
        return row

    def _session(self, inputs: Properties) -> Session:
        region = inputs.get("region")
        where = region if isinstance(region, str) and region and region != UNKNOWN else self.settings.region
        return Session(lambda service: self.clients(service, where), self.settings)


def _generated(row: Row, inputs: Properties, old: Properties, seed: bytes) -> Properties:
    """Inputs with the names inside them that pulumi-aws makes up: those that they had, or new ones from the engine's seed."""
    completed = dict(inputs)
    for path, stem in row.generated.items():
        key, _, inner = path.partition("[].")
        items = completed.get(key)
        if not isinstance(items, list):
            continue
        before: list[Any] = old[key] if isinstance(old.get(key), list) else []
        fresh = []
        for number, item in enumerate(items):
            if isinstance(item, dict) and item.get(inner) is None:
                had = before[number].get(inner) if number < len(before) and isinstance(before[number], dict) else None
                item = {**item, inner: had or f"{stem}-{Random(seed + bytes([number])).getrandbits(28):07x}"}
            fresh.append(item)
        completed[key] = fresh
    return completed
