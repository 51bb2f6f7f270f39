"""LogRetention, a type of fogbank's own provider: how long a group of CloudWatch Logs is kept that SageMaker makes, whoever made it first.

pulumi-aws's LogGroup makes the group, and fails where it is there: `/aws/sagemaker/TransformJobs` is all the account's, and an endpoint's is
there since its first line. In: the group, the days, and whether the group is the stack's own, which goes with it; out: nothing besides.
Source: the CloudWatch Logs API reference, PutRetentionPolicy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from fogbank.provider.calls import call, ensure_gone, require
from fogbank.provider.declarable import Allowed
from fogbank.provider.own import WHERE, AccountClients, replaced
from fogbank.provider.resource import Difference, Failure, Properties, ProvisionError
from fogbank.provider.shapes import UNKNOWN

TAKEN = "ResourceAlreadyExistsException"


@dataclass(frozen=True)
class LogRetentionType:
    """The verbs of the type. Its id is the group's name."""

    clients: AccountClients
    inputs: ClassVar[Allowed] = Allowed(
        keys=frozenset({"group", "days", "owned"}) | WHERE, required=frozenset({"group", "days"})
    )
    outputs: ClassVar[tuple[str, ...]] = ()
    auto_name: ClassVar[None] = None

    def check(self, inputs: Properties) -> tuple[Properties, list[Failure]]:
        """Inputs, and what is refused."""
        failures = self.inputs.failures(inputs)
        days = inputs.get("days")
        if not failures and days != UNKNOWN and not str(days).isdecimal():
            failures.append(Failure("days", f"must be a whole number, not {days!r}"))
        return inputs, failures

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Another group is another resource."""
        changed = replaced(old, new, WHERE)
        return Difference(changed.changed, tuple(key for key in changed.changed if key == "group"))

    def preview(self, inputs: Properties) -> Properties:
        """All is known."""
        return inputs

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Make the group, if nobody has, and say how long it is kept."""
        client = self.clients("logs", inputs)
        try:
            call(client, "CreateLogGroup", logGroupName=inputs["group"])
        except ProvisionError as error:
            if TAKEN not in str(error):
                raise
        _put(client, inputs)
        return inputs["group"], inputs

    def read(self, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """As it is; gone where the group is, or where it is kept for ever."""
        pages = self.clients("logs", inputs).get_paginator("describe_log_groups").paginate(logGroupNamePrefix=id_)
        days = next(
            (
                each.get("retentionInDays")
                for page in pages
                for each in page["logGroups"]
                if each["logGroupName"] == id_
            ),
            None,
        )
        if days is None:
            return None
        fresh = {**inputs, "group": id_, "days": str(days)}
        return fresh, fresh

    def update(self, new: Properties) -> Properties:
        """Say it again; a group that is gone is made."""
        return self.create(new)[1]

    def delete(self, id_: str, state: Properties) -> None:
        """The stack's own group goes; another is kept for ever again."""
        operation = "DeleteLogGroup" if state.get("owned") else "DeleteRetentionPolicy"
        ensure_gone(self.clients("logs", state), operation, logGroupName=id_)


def _put(client: Any, inputs: Properties) -> None:
    require(client, "PutRetentionPolicy", logGroupName=inputs["group"], retentionInDays=int(inputs["days"]))
