"""Job definitions of monitors: what an execution does. They never change; one that is deleted fails the executions that come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import in_use, not_found, validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, NoState, Record, Resource
from fogbank.cloud.monitoring.kinds import MonitorKind
from fogbank.cloud.monitoring.offsets import span
from fogbank.contracts.hosts import ISOLATED
from fogbank.contracts.processing import SHARDED, Cluster
from fogbank.ground.members import decode, member


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where results lie when the analyzer has ended, and where they go."""

    local_path: str = member("S3Output.LocalPath", required=True)
    uri: str = member("S3Output.S3Uri", required=True)


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A definition as an execution reads it: of an endpoint, or of what batch transform jobs capture below `captured_uri`.

    `source` is the folder for captured records.
    """

    name: str = member("JobDefinitionName", required=True)
    image: str = member("AppSpecification.ImageUri", required=True)
    environment: Mapping[str, str] | None = member("AppSpecification.Environment")
    endpoint: str | None = member("JobInput.Input.EndpointName")
    captured_uri: str | None = member("JobInput.Input.DataCapturedDestinationS3Uri")
    dataset_format: Mapping[str, Mapping[str, bool]] | None = member("JobInput.Input.DatasetFormat")
    source: str = member("JobInput.Input.LocalPath", required=True)
    input_mode: str | None = member("JobInput.Input.S3InputMode")
    distribution: str | None = member("JobInput.Input.S3DataDistributionType")
    start_offset: str | None = member("JobInput.Input.StartTimeOffset")
    end_offset: str | None = member("JobInput.Input.EndTimeOffset")
    inference: str | None = member("JobInput.Input.InferenceAttribute")
    probability: str | None = member("JobInput.Input.ProbabilityAttribute")
    threshold: float | None = member("JobInput.Input.ProbabilityThresholdAttribute")
    ground_truth_uri: str | None = member("JobInput.GroundTruthS3Input.S3Uri")
    problem: str | None = member("AppSpecification.ProblemType")
    preprocessor_uri: str | None = member("AppSpecification.RecordPreprocessorSourceUri")
    postprocessor_uri: str | None = member("AppSpecification.PostAnalyticsProcessorSourceUri")
    config_uri: str | None = member("AppSpecification.ConfigUri")
    outputs: tuple[Output, ...] = member("JobOutputConfig.MonitoringOutputs", Output, required=True)
    constraints_uri: str | None = member("BaselineConfig.ConstraintsResource.S3Uri")
    statistics_uri: str | None = member("BaselineConfig.StatisticsResource.S3Uri")
    cluster: Cluster = member("JobResources.ClusterConfig", Cluster, required=True)
    network: Mapping[str, Any] | None = member("NetworkConfig")
    max_runtime_s: int | None = member("StoppingCondition.MaxRuntimeInSeconds")
    role: str = member("RoleArn", required=True)


def definition_kind(monitor: MonitorKind) -> Kind:
    """The row of a kind of monitor's definitions."""
    return Kind(
        path=monitor.path,
        stem=monitor.stem,
        key="JobDefinitionName",
        arn="JobDefinitionArn",
        missing=lambda arn: not_found(f"Could not find job definition {arn}."),
        taken=lambda arn: in_use(f"Job definition {arn} already exists."),
        listing=Listing(
            operation=f"List{monitor.stem}s", answer="JobDefinitionSummaries", name="MonitoringJobDefinitionName"
        ),
        summary={"MonitoringJobDefinitionName": "JobDefinitionName", "MonitoringJobDefinitionArn": "JobDefinitionArn"},
    )


class JobDefinitions(Resource[NoState]):
    """The definitions of one kind of monitor, in every region."""

    def __init__(self, monitor: MonitorKind, ground: Ground) -> None:
        super().__init__(definition_kind(monitor), NoState, ground)
        self.monitor = monitor

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {**super().operations(), f"Create{self.monitor.stem}": self.create}

    def create(self, scope: Scope, params: Params) -> Params:
        """Refuses a name that exists, and what the local cloud lacks."""
        definition = self.checked(params)
        record = self.add(scope, definition.name, params, NoState())
        return {"JobDefinitionArn": record.public["JobDefinitionArn"]}

    def checked(self, document: Params) -> Definition:
        """A definition that the local cloud can run, of this kind's document or of a plain one. Raises ValidationException."""
        if not self.monitor.has_one_input(document):
            raise validation(f"{self.monitor.type}JobInput needs one of EndpointInput and BatchTransformInput.")
        definition = self.read(document)
        for refused in self._lacking(definition):
            raise validation(refused)
        if definition.input_mode == "Pipe":
            raise validation("The local cloud does not have S3InputMode Pipe yet; it is refused, not ignored.")
        return definition

    def _lacking(self, definition: Definition) -> Iterator[str]:
        """What this kind of monitor cannot do with a definition."""
        if (definition.cluster.instance_count or 1) > 1:
            yield from self._lacking_of_several(definition)
        for offset in (definition.start_offset, definition.end_offset):
            try:
                span(offset)
            except ValueError as error:
                yield str(error)
        if self.monitor.labelled:
            if not definition.ground_truth_uri:
                yield f"{self.monitor.type}JobInput needs a GroundTruthS3Input."
            if not definition.inference and not definition.probability:
                yield f"{self.monitor.type} needs an InferenceAttribute or a ProbabilityAttribute."
        elif not self.monitor.analysis and (
            definition.inference or definition.probability or definition.threshold is not None
        ):
            yield f"The local cloud's {self.monitor.type} monitors read no InferenceAttribute or ProbabilityAttribute."
        if self.monitor.type == "ModelQuality" and not definition.problem:
            yield "ModelQualityAppSpecification needs a ProblemType."
        if definition.captured_uri:
            yield from self._lacking_of_batch(definition)

    def _lacking_of_several(self, definition: Definition) -> Iterator[str]:
        """What cannot be done on several instances."""
        if (definition.network or {}).get("EnableNetworkIsolation"):
            yield ISOLATED
        if self.monitor.analysis and definition.distribution == SHARDED:
            yield (
                f"Of several instances the first one does all of a {self.monitor.type} analysis: S3DataDistributionType must be "
                "FullyReplicated."
            )

    def _lacking_of_batch(self, definition: Definition) -> Iterator[str]:
        """What cannot be done with what transform jobs capture."""
        kinds = dict(definition.dataset_format or {})
        if len(kinds) != 1:
            yield "DatasetFormat must be one of Csv, Json and Parquet."
        if self.monitor.analysis and ("Parquet" in kinds or ("Json" in kinds and not kinds["Json"].get("Line"))):
            yield f"{self.monitor.type} of batch transform jobs reads Csv, or Json with Line."
        if definition.preprocessor_uri and not self.monitor.labelled:
            yield "The local cloud's RecordPreprocessorSourceUri is for an EndpointInput, or for ModelQuality."

    def definition(self, region: str, name: str) -> Definition:
        """A definition. Raises ResourceNotFound."""
        return self.read(self.get(region, name).public)

    def read(self, document: Params) -> Definition:
        """A definition of this kind's document. Raises MemberError."""
        return decode(Definition, self.monitor.plain(document), whole=False)

    def summary(self, record: Record[NoState]) -> Params:
        """A definition as List looks at it. One of batch transform jobs has no endpoint, and the answer's shape requires a name."""
        return {**super().summary(record), "EndpointName": self.read(record.public).endpoint or ""}
