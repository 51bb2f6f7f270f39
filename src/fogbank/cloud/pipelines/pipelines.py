"""Pipelines: CreatePipeline, UpdatePipeline, DescribePipeline, ListPipelines, DeletePipeline. In: calls; out: records with definitions that were checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import ApiError, not_found, validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, Record, Resource
from fogbank.cloud.ground.store import Document
from fogbank.cloud.jobs.objects import ObjectError, Objects
from fogbank.cloud.pipelines.definition import DefinitionError, parse
from fogbank.cloud.pipelines.executions import Executions

PIPELINE = Kind(
    path="pipeline",
    stem="Pipeline",
    key="PipelineName",
    arn="PipelineArn",
    missing=lambda arn: not_found(f"Pipeline '{arn}' does not exist."),
    taken=lambda arn: validation(
        "Pipeline names must be unique within an AWS account and region. "
        f"Pipeline with name ({arn.rpartition('/')[2]}) already exists."
    ),
    listing=Listing(operation="ListPipelines", answer="PipelineSummaries", name="PipelineName"),
    summary={"LastExecutionTime": "LastRunTime"},
)
TIMES = {"CreatedAfter": "CreationTimeAfter", "CreatedBefore": "CreationTimeBefore"}
"""Members of List calls to what they filter by."""
CHANGED = ("PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration")


@dataclass(frozen=True, kw_only=True)
class PipelineState:
    """`token` is what the caller named the request by that made it."""

    token: str = ""

    def encode(self) -> Document:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def decode(cls, document: Document) -> Self:
        """From what `encode` gave."""
        return cls(token=document.get("token", ""))


class Pipelines(Resource[PipelineState]):
    """The pipelines of every region; `objects` reads definitions that lie in S3."""

    def __init__(self, ground: Ground, executions: Executions, objects: Objects) -> None:
        super().__init__(PIPELINE, PipelineState, ground)
        self._executions, self._objects = executions, objects

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {**super().operations(), "CreatePipeline": self.create, "UpdatePipeline": self.update}

    def arn(self, region: str, name: str) -> str:
        """Names in it are as they were given."""
        return f"{Scope(region).arn('pipeline', '')}{name}"

    def create(self, scope: Scope, params: Params) -> Params:
        """Refuses a definition that could not be carried out; the same request again is answered as before."""
        name, token = params["PipelineName"], params["ClientRequestToken"]
        public = {
            **{key: params[key] for key in ("PipelineName", "RoleArn", "Tags", *CHANGED) if key in params},
            "PipelineDisplayName": params.get("PipelineDisplayName", name),
            "PipelineDefinition": self._definition(params),
            "PipelineStatus": "Active",
            "CreatedBy": {},
            "LastModifiedBy": {},
        }
        with self.lock:
            there = self.find(scope.region, name)
            if there is not None and there.state.token == token:
                return {"PipelineArn": there.public["PipelineArn"]}
            record = self.add(scope, name, public, PipelineState(token=token))
        return {"PipelineArn": record.public["PipelineArn"]}

    def update(self, scope: Scope, params: Params) -> Params:
        """Changes what is said; executions that run keep the definition that they began with."""
        with self.lock:
            record = self.named(scope, params["PipelineName"])
            changes: dict[str, Any] = {key: params[key] for key in CHANGED if key in params}
            if "PipelineDefinition" in params or "PipelineDefinitionS3Location" in params:
                changes["PipelineDefinition"] = self._definition(params)
            self.change(scope.region, record.name, **changes)
        self.events.emit(PIPELINE.path, scope.region, record.name, "Updated")
        return {"PipelineArn": record.public["PipelineArn"]}

    def describe(self, scope: Scope, params: Params) -> Params:
        """By name or ARN."""
        return self.named(scope, params["PipelineName"]).public

    def summaries(self, scope: Scope, params: Params) -> Params:
        """One page."""
        asked = {TIMES.get(key, key): value for key, value in params.items()}
        prefix = asked.pop("PipelineNamePrefix", "")
        records = [
            {**self.summary(record), "ManagedBy": "CUSTOMER"}
            for record in self.all(scope.region)
            if record.name.startswith(prefix)
        ]
        return self.kind.listing.page(records, asked)

    def delete(self, scope: Scope, params: Params) -> Params:
        """With its executions. Raises ConflictException while one runs."""
        with self.lock:
            record = self.named(scope, params["PipelineName"])
            executions = self._executions.of(scope.region, record.name)
            if any(each.public["PipelineExecutionStatus"] in {"Executing", "Stopping"} for each in executions):
                raise ApiError(
                    "ConflictException",
                    f"Pipeline {record.public['PipelineArn']} has executions that run: stop them before it is deleted.",
                )
            for each in executions:
                self._executions.remove(scope.region, each.name)
            self.remove(scope.region, record.name)
        return {"PipelineArn": record.public["PipelineArn"]}

    def named(self, scope: Scope, name: str) -> Record[PipelineState]:
        """The pipeline of a name, in whatever case, or of an ARN. Raises ResourceNotFound."""
        wanted = name.rpartition("/")[2]
        found = self.find(scope.region, wanted) or next(
            (record for record in self.all(scope.region) if record.name.lower() == wanted.lower()), None
        )
        if found is None or (name.startswith("arn:") and name.lower() != found.public["PipelineArn"].lower()):
            raise PIPELINE.missing(name)
        return found

    def spelled(self, arn: str) -> str:
        """The ARN of a pipeline, or of an execution, as the pipeline was named; as it is, where there is none."""
        _, _, name = arn.partition(":pipeline/")
        parts, own = arn.split(":"), name.partition("/")
        try:
            found = self.named(Scope(parts[3]), own[0])
        except (ApiError, IndexError):  # of no pipeline that is there, or no ARN at all
            return arn
        return f"{found.public['PipelineArn']}{own[1]}{own[2].lower()}"

    def _definition(self, params: Params) -> str:
        """The definition that a request has, or names. Raises ValidationException."""
        place, text = params.get("PipelineDefinitionS3Location"), params.get("PipelineDefinition")
        if bool(place) == bool(text):
            raise validation("Exactly one of PipelineDefinition and PipelineDefinitionS3Location must be given.")
        try:
            if place:
                text = self._objects.get(place["Bucket"], place["ObjectKey"]).decode()
            parse(text := str(text))
        except (ObjectError, UnicodeDecodeError) as error:
            raise validation(f"The pipeline definition cannot be read: {error}") from error
        except DefinitionError as error:
            raise validation(f"Unable to parse pipeline definition. Model Validation failed: {error}") from error
        return text
