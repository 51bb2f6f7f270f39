"""What a bucket is set to besides: versioning, encryption, ownership, CORS. Each is the whole of its kind, put anew at every change.

What is updated in place: Terraform's aws_s3_bucket_versioning, _server_side_encryption_configuration, _ownership_controls,
_replication_configuration and _cors_configuration (all but the bucket). A bucket that had versions cannot be without: deleting the setting suspends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fogbank.provider.calls import ensure_gone, require
from fogbank.provider.declared import Inputs, object_inputs
from fogbank.provider.resource import Failure, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state, service_model
from fogbank.provider.services.s3_rules import found
from fogbank.provider.shapes import LACKING, from_api, to_api

VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
CORS = "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
DISABLED, SUSPENDED = "Disabled", "Suspended"
RULE = frozenset({"id", "priority", "status", "destination", "filter", "deleteMarkerReplication", "__defaults"})
"""What a rule of replication may say."""
SAID: Mapping[str, tuple[Properties, ...]] = {
    "filter": ({}, {"prefix": ""}),
    "deleteMarkerReplication": ({"status": DISABLED},),
}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting's calls: Put and the member of it that is the configuration, Get, Delete, and the code that says that there is none.

    `whole` is the input that is the configuration, where it is not the inputs together; `answered` whether Get answers it in `member`.
    """

    kind: str
    member: str
    absent: str = ""
    whole: str | None = None
    answered: bool = True

    def put(self, row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
        """Put; the id is the bucket."""
        value = inputs[self.whole] if self.whole else inputs
        configuration = to_api(value, self._inputs(row), self._shape, {})
        self._send(session, inputs["bucket"], configuration)
        return inputs["bucket"], {**inputs, **common_state(session, row, inputs)}

    def read(self, row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """Get."""
        answer = found(session, f"Get{self.kind}", id_, self.absent)
        if answer is None:
            return None
        configuration = answer[self.member] if self.answered else answer
        live = from_api(configuration, self._inputs(row), self._shape, {})
        live = {self.whole: live} if self.whole else live
        given = {**inputs, "bucket": id_}
        fresh = row.refreshed(given, live) if inputs else {**given, **live}
        return fresh, {**fresh, **common_state(session, row, fresh)}

    def update(self, row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
        """Put again."""
        del id_, old
        return self.put(row, session, new)[1]

    def delete(self, row: Row, session: Session, id_: str, state: Properties) -> None:
        """Delete."""
        del row, state
        ensure_gone(session.client("s3"), f"Delete{self.kind}", Bucket=id_)

    def row(self, token: str, *keys: str, **members: Any) -> Row:
        """Its row, of these inputs."""
        return Row(
            token=token,
            service="s3",
            outputs={},
            in_place=frozenset(keys),
            only=frozenset({"bucket", *keys}),
            creates=self.put,
            reads=self.read,
            updates=self.update,
            deletes=self.delete,
            **members,
        )

    @property
    def _shape(self) -> Any:
        shape = service_model("s3").operation_model(f"Put{self.kind}").input_shape
        assert shape is not None  # noqa: S101 - every Put has one
        return shape.members[self.member]

    def _inputs(self, row: Row) -> Inputs:
        return object_inputs(row.inputs[self.whole].object) if self.whole else row.inputs

    def _send(self, session: Session, bucket: str, configuration: Properties) -> None:
        require(session.client("s3"), f"Put{self.kind}", Bucket=bucket, **{self.member: configuration})


class Versioning(Setting):
    """Versioning is never absent: what was never set is Disabled, and what was set cannot be so again."""

    def put(self, row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
        """PutBucketVersioning, but for what was never versioned."""
        if inputs["versioningConfiguration"]["status"] != DISABLED:
            return super().put(row, session, inputs)
        if require(session.client("s3"), "GetBucketVersioning", Bucket=inputs["bucket"]).get("Status"):
            raise ProvisionError(
                f"PutBucketVersioning: {inputs['bucket']} has versions already: its status can be Suspended, not Disabled"
            )
        return inputs["bucket"], {**inputs, **common_state(session, row, inputs)}

    def read(self, row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """GetBucketVersioning; a bucket that was never versioned has none, unless the program says just that."""
        declared = (inputs.get("versioningConfiguration") or {}).get("status")
        answer = super().read(row, session, id_, inputs)
        if answer is None or answer[0]["versioningConfiguration"].get("status"):
            return answer
        return (inputs, {**inputs, **common_state(session, row, inputs)}) if declared == DISABLED else None

    def delete(self, row: Row, session: Session, id_: str, state: Properties) -> None:
        """Suspend."""
        del row
        if (state.get("versioningConfiguration") or {}).get("status") != DISABLED:
            ensure_gone(
                session.client("s3"), "PutBucketVersioning", Bucket=id_, VersioningConfiguration={"Status": SUSPENDED}
            )


def versioning_failures(inputs: Properties) -> list[Failure]:
    """Deleting by a second factor is not implemented."""
    configuration = inputs.get("versioningConfiguration")
    said = configuration.get("mfaDelete") if isinstance(configuration, dict) else None
    return [Failure("versioningConfiguration.mfaDelete", LACKING)] if said not in {None, DISABLED} else []


def encryption_failures(inputs: Properties) -> list[Failure]:
    """S3 takes one rule; that it blocks kinds of encryption is not implemented."""
    rules = inputs.get("rules")
    rules = rules if isinstance(rules, list) else []
    many = [Failure("rules", "takes one item: a bucket has one rule of encryption")] if len(rules) > 1 else []
    return many + [
        Failure(f"rules[{number}].blockedEncryptionTypes", LACKING)
        for number, rule in enumerate(rules)
        if isinstance(rule, dict) and rule.get("blockedEncryptionTypes")
    ]


def replication_failures(inputs: Properties) -> list[Failure]:
    """What moto does not tell of a rule that it has is refused: whom it is for, and deletions. A rule is for the whole bucket."""
    rules = inputs.get("rules")
    return [
        Failure(f"rules[{number}].{key}", f"{LACKING}: a rule is for the whole bucket, and its deletions stay")
        for number, rule in enumerate(rules if isinstance(rules, list) else [])
        if isinstance(rule, dict)
        for key, value in rule.items()
        if value is not None and (key not in RULE or (key in SAID and value not in SAID[key]))
    ]


ROWS = (
    Setting(
        kind="BucketReplication", member="ReplicationConfiguration", absent="ReplicationConfigurationNotFoundError"
    ).row(
        REPLICATION,
        "role",
        "rules",
        checks=replication_failures,
        lacks={"token": "it is for buckets with an object lock"},
    ),
    Versioning(
        kind="BucketVersioning", member="VersioningConfiguration", whole="versioningConfiguration", answered=False
    ).row(VERSIONING, "versioningConfiguration", checks=versioning_failures),
    Setting(
        kind="BucketEncryption",
        member="ServerSideEncryptionConfiguration",
        absent="ServerSideEncryptionConfigurationNotFoundError",
    ).row(
        ENCRYPTION,
        "rules",
        checks=encryption_failures,
        defaults={"rules[].bucketKeyEnabled": False},
    ),
    Setting(kind="BucketOwnershipControls", member="OwnershipControls", absent="OwnershipControlsNotFoundError").row(
        OWNERSHIP, "rule"
    ),
    Setting(kind="BucketCors", member="CORSConfiguration", absent="NoSuchCORSConfiguration", answered=False).row(
        CORS,
        "corsRules",
        sets=frozenset(
            {
                "corsRules",
                *(
                    f"corsRules[].{key}"
                    for key in ("allowedHeaders", "allowedMethods", "allowedOrigins", "exposeHeaders")
                ),
            }
        ),
    ),
)
