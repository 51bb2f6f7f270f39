"""JobDefinition, a type of fogbank's own provider: what a monitor of model quality, of bias or of explainability does.

pulumi-aws has DataQualityJobDefinition alone. In: the kind and the Create...JobDefinition request without its name, as JSON; out: the
name. Source: the SageMaker API reference, Create...JobDefinition.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from fogbank.contracts import tokens
from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.declarable import Allowed
from fogbank.provider.own import WHERE, AccountClients, replaced
from fogbank.provider.resource import AutoName, Difference, Failure, Properties, ProvisionError
from fogbank.provider.shapes import UNKNOWN

KINDS = ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")


@dataclass(frozen=True)
class JobDefinitionType:
    """The verbs of the type. A definition never changes: another one is made beside it, and then it goes."""

    clients: AccountClients
    inputs: ClassVar[Allowed] = Allowed(
        keys=frozenset({"kind", "name", "namePrefix", "request"}) | WHERE, required=frozenset({"kind", "request"})
    )
    outputs: ClassVar[tuple[str, ...]] = ()
    auto_name: ClassVar[AutoName] = AutoName()

    def check(self, inputs: Properties) -> tuple[Properties, list[Failure]]:
        """Inputs, and what is refused."""
        failures = self.inputs.failures(inputs)
        kind, request = inputs.get("kind"), inputs.get("request")
        if not failures and kind not in {*KINDS, UNKNOWN}:
            failures.append(Failure("kind", f"must be one of {', '.join(KINDS)}, not {kind!r}"))
        if not failures and request != UNKNOWN and decoded(request) is None:
            failures.append(Failure("request", "must be a request as JSON"))
        return inputs, failures

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Whatever changes is another definition."""
        return replaced(old, new, WHERE)

    def preview(self, inputs: Properties) -> Properties:
        """Its name is known before it is made."""
        return inputs

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Make it."""
        client = self.clients("sagemaker", inputs)
        request = decoded(inputs["request"]) or {}
        require(client, f"Create{inputs['kind']}JobDefinition", JobDefinitionName=inputs["name"], **request)
        return inputs["name"], inputs

    def read(self, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """As it is: a definition never changes, so there it is, or it is gone."""
        kind = inputs.get("kind")
        if kind is None:
            raise ProvisionError(f"{tokens.JOB_DEFINITION} {id_} cannot be imported: its kind is not in its name")
        try:
            call(self.clients("sagemaker", inputs), f"Describe{kind}JobDefinition", JobDefinitionName=id_)
        except GoneError:
            return None
        fresh = {**inputs, "name": id_}
        return fresh, fresh

    def update(self, new: Properties) -> Properties:
        """It never is: every change is a replacement. Only where it is may be said otherwise."""
        return new

    def delete(self, id_: str, state: Properties) -> None:
        """Delete it; what is gone is gone."""
        client = self.clients("sagemaker", state)
        ensure_gone(client, f"Delete{state['kind']}JobDefinition", JobDefinitionName=id_)


def decoded(text: Any) -> Properties | None:
    """A request of JSON text; None where it is none."""
    try:
        document = json.loads(text)
    except (TypeError, ValueError):
        return None
    return document if isinstance(document, dict) else None
