"""Random calls of SageMaker's control plane: no 500, what was taken is described, listed and tagged, what was refused is nowhere.

RANDOM_CALLS is how many, about; `RANDOM_CALLS=10000 make test ROOM=cloud ARGS="-k random_calls"` takes some minutes. Every answer is
held to its shape by the cloud itself, which answers 500 where one is not.
"""

from __future__ import annotations

import io
import os
import random
import uuid
from collections import Counter
from typing import Any, ClassVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from fogbank.ground.aws import LOCAL_ACCESS_KEY
from fogbank.pack.archive import write_archive
from fogbank.testing import CloudProcess
from tests.contracts.aws.drawn_calls import NEVER, SAGEMAKER, Kind, agrees, seldom, value
from tests.contracts.aws.served import ROLE
from tests.waiting import until_answer

STEPS = 50
CALLS = int(os.environ.get("RANDOM_CALLS", "600"))
KINDS = {
    kind.stem: kind
    for kind in (
        Kind(stem="Model", key="ModelName", answer="Models"),
        Kind(stem="EndpointConfig", key="EndpointConfigName", answer="EndpointConfigs"),
        Kind(stem="Endpoint", key="EndpointName", answer="Endpoints"),
        Kind(stem="InferenceComponent", key="InferenceComponentName", answer="InferenceComponents"),
        Kind(stem="ModelPackageGroup", key="ModelPackageGroupName", answer="ModelPackageGroupSummaryList"),
        Kind(stem="MonitoringSchedule", key="MonitoringScheduleName", answer="MonitoringScheduleSummaries"),
        *(
            Kind(
                stem=f"{stem}JobDefinition",
                key="JobDefinitionName",
                answer="JobDefinitionSummaries",
                listed="MonitoringJobDefinitionName",
            )
            for stem in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
        ),
        *(
            Kind(stem=f"{stem}Job", key=f"{stem}JobName", answer=f"{stem}JobSummaries")
            for stem in ("Transform", "Processing", "Training")
        ),
    )
}
BUCKET = "random-calls"
HANDLER = b"def model_fn(folder):\n    return 1\ndef predict_fn(rows, model):\n    return [[model]]\n"
TRAINING_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
JOBS = frozenset({"TransformJob", "ProcessingJob", "TrainingJob"})
"""Kinds that stay: what of them is there is not deleted."""
MOVING = frozenset({"Creating", "Updating", "RollingBack", "SystemUpdating"})
OTHERS = (
    "BatchDescribeModelPackage", "DeleteModelPackageGroupPolicy", "GetModelPackageGroupPolicy", "ListEndpoints", "ListEndpointConfigs",
    "ListInferenceComponents", "ListModelPackageGroups", "ListModelPackages", "ListModels", "ListMonitoringAlertHistory",
    "ListMonitoringAlerts", "ListMonitoringExecutions", "ListMonitoringSchedules", "ListProcessingJobs", "ListTags", "ListTrainingJobs",
    "ListTransformJobs", "PutModelPackageGroupPolicy", "Search", "StartMonitoringSchedule", "StopMonitoringSchedule", "StopProcessingJob",
    "StopTrainingJob", "StopTransformJob", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities", "UpdateInferenceComponent",
    "UpdateInferenceComponentRuntimeConfig", "UpdateModelPackage", "UpdateMonitoringAlert",
)  # fmt: skip
"""Operations of which it is asked that they do not fail, and that what they change is told as it was or as it is."""
CHANGING = {"UpdateEndpoint": "EndpointConfigName"}
"""The member of what Create was given that an operation changes, unless it is rolled back."""
TOLD_OTHERWISE = {"InferenceComponent": ("Specification", "RuntimeConfig")}
"""Members of which Describe has a summary of another shape."""
stems = st.sampled_from(list(KINDS))
numbers = st.integers(0, 2)
seeds = st.integers(0, 2**32)
"""Drawn as numbers: hypothesis would draw the moments of chance themselves from their ends."""


class Calls(RuleBasedStateMachine):
    """Calls of one account, and what it should hold: by kind and name what Create was given."""

    client: Any
    done = 0
    made: ClassVar[Counter[str]] = Counter()
    answered: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.sagemaker = self.client
        self.stem = f"r{uuid.uuid4().hex[:10]}"
        self.held: dict[str, dict[str, dict[str, Any]]] = {stem: {} for stem in KINDS}
        self.arns: dict[str, str] = {}
        self.tags: dict[str, dict[str, str]] = {}

    def call(self, operation: str, **params: Any) -> tuple[dict[str, Any], str]:
        """The answer, and the error's code; a 500 is a failure of the test."""
        type(self).done += 1
        try:
            return getattr(self.sagemaker, operation)(**params), ""
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise AssertionError(f"{operation} {params}") from error
            return {}, error.response["Error"]["Code"]

    def named(self, kind: Kind, name: str) -> dict[str, Any]:
        def one_of(stem: str) -> Any:
            return lambda chance: chance.choice([*self.held[stem], *self.held[stem], f"{self.stem}-none"])

        hosted: dict[str, Any] = {
            "VariantName": lambda chance: chance.choice(["v0", "v0", "v1"]),
            "InstanceType": seldom(lambda _: "ml.m5.large"),
            "Container": seldom(lambda _: {"Image": "i"}),
            "CopyCount": lambda chance: chance.randrange(3),
            "ComputeResourceRequirements": lambda _: {"MinMemoryRequiredInMb": 1024},
        }
        return {
            kind.key: lambda _: name,
            "InitialInstanceCount": lambda _: 1,
            "InstanceCount": lambda _: 1,
            "VariantName": lambda chance: f"v{chance.randrange(4)}",
            "MonitoringScheduleConfig": self.schedule,
            "RoutingStrategy": lambda chance: chance.choice(["RANDOM", "LEAST_OUTSTANDING_REQUESTS"]),
            **{member: seldom(lambda _: "name-1") for member in ("KmsKeyId", "VolumeKmsKeyId", "ModelPackageName")},
            **{
                member: seldom(lambda _: {})
                for member in (
                    "VpcConfig",
                    "NetworkConfig",
                    "Containers",
                    "MultiModelConfig",
                    "InferenceExecutionConfig",
                    "ShadowProductionVariants",
                    "BatchTransformInput",
                )
            },
            **({} if kind.stem not in JOBS else self.job()),
            "RoleArn": lambda _: ROLE,
            "ExecutionRoleArn": lambda _: ROLE,
            "Tags": lambda chance: [{"Key": key, "Value": key} for key in chance.sample("abc", chance.randrange(3))],
            **{
                other.key: one_of(other.stem)
                for other in KINDS.values()
                if other.key != kind.key and other.key != "JobDefinitionName"
            },
            **(hosted if kind.stem == "InferenceComponent" else {}),
        }

    def job(self) -> dict[str, Any]:
        """Members without which a job is refused; what runs then fails soon."""
        training = {"TrainingImage": TRAINING_IMAGE, "TrainingInputMode": "File"}
        script = {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://{BUCKET}/none.tar.gz"}
        return {
            "S3Uri": lambda chance: chance.choice([f"s3://{BUCKET}/in", f"s3://{BUCKET}/in", "s3://bucket/key"]),
            "LocalPath": lambda chance: f"/opt/ml/processing/{chance.randrange(99)}",
            "AlgorithmSpecification": lambda _: training,
            "HyperParameters": lambda _: script,
        }

    def schedule(self, chance: random.Random) -> dict[str, Any]:
        kind = chance.choice([stem for stem in KINDS if "Job" in stem])
        return {
            "MonitoringJobDefinitionName": chance.choice([*self.held[kind], f"{self.stem}-none"]),
            "MonitoringType": kind.removesuffix("JobDefinition"),
            "ScheduleConfig": {
                "ScheduleExpression": chance.choice([NEVER, "cron(0 * ? * * *)", "rate(1 hour)", "cron(x)"])
            },
        }

    @rule(stem=stems, number=numbers, seed=seeds)
    def create(self, stem: str, number: int, seed: int) -> None:
        kind, name, chance = KINDS[stem], f"{self.stem}-{number}", random.Random(seed)
        params = kind.input(chance, self.named(kind, name))
        self.make(stem, name, params)

    def make(self, stem: str, name: str, params: dict[str, Any]) -> None:
        """Have it made, unless it is refused."""
        answer, code = self.call(f"create_{snake(stem)}", **params)
        if code:
            return
        assert name not in self.held[stem], f"{stem} {name} was there, and was made again"
        self.held[stem][name] = params
        self.made[stem] += 1
        [arn] = [value for member, value in answer.items() if member.endswith("Arn")]
        self.arns[f"{stem}/{name}"] = arn
        self.tags[arn] = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
        if stem in {"Endpoint", "InferenceComponent"}:
            until_answer(
                lambda: self.call(f"describe_{snake(stem)}", **{KINDS[stem].key: name})[0][f"{stem}Status"],
                lambda status: status != "Creating",
            )

    @rule(number=numbers, seed=seeds)
    def host(self, number: int, seed: int) -> None:
        """A component, on an endpoint that hosts them: by chance alone there is hardly one."""
        self.bare()
        self.create("InferenceComponent", number, seed)

    def bare(self) -> str:
        """An endpoint that hosts components; its name."""
        name = f"{self.stem}-9"
        variant = {"VariantName": "v0", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        config = {"EndpointConfigName": name, "ExecutionRoleArn": ROLE, "ProductionVariants": [variant]}
        for stem, params in (
            ("EndpointConfig", config),
            ("Endpoint", {"EndpointName": name, "EndpointConfigName": name}),
        ):
            if name not in self.held[stem]:
                self.make(stem, name, params)
        return name

    @rule(number=numbers, copies=st.integers(0, 3))
    def recount(self, number: int, copies: int) -> None:
        """Another number of a component's copies: what runs is told, or that there is no room for them."""
        name = f"{self.stem}-{number}"
        if name not in self.held["InferenceComponent"]:
            return
        count = {"DesiredRuntimeConfig": {"CopyCount": copies}}
        _, code = self.call("update_inference_component_runtime_config", InferenceComponentName=name, **count)
        self.answered["UpdateInferenceComponentRuntimeConfig"] += not code
        self.unmoved(name)

    @rule(size=st.integers(1, 60), kind=st.sampled_from(["COPY_COUNT", "CAPACITY_PERCENT"]), copies=st.integers(0, 3))
    def roll(self, size: int, kind: str, copies: int) -> None:
        """Another specification of a component that serves, in batches that nobody watches for long."""
        name, batch = f"{self.stem}-8", {"Type": kind, "Value": size}
        container = {"Image": "i", "ArtifactUrl": f"s3://{BUCKET}/m.tar.gz"}
        required = {"NumberOfCpuCoresRequired": 0.25, "MinMemoryRequiredInMb": 128 + size}
        specification = {"Container": container, "ComputeResourceRequirements": required}
        if name not in self.held["InferenceComponent"]:
            placed = {"InferenceComponentName": name, "EndpointName": self.bare(), "VariantName": "v0"}
            given = {**placed, "Specification": specification, "RuntimeConfig": {"CopyCount": 2}}
            self.make("InferenceComponent", name, given)
        policy = {"MaximumBatchSize": batch, "WaitIntervalInSeconds": size % 2, "RollbackMaximumBatchSize": batch}
        _, code = self.call(
            "update_inference_component", InferenceComponentName=name, RuntimeConfig={"CopyCount": copies},
            Specification=specification, DeploymentConfig={"RollingUpdatePolicy": policy},
        )  # fmt: skip
        self.answered["UpdateInferenceComponent"] += not code
        self.unmoved(name)

    def unmoved(self, name: str) -> None:
        """Wait for the end of what is under way for a component."""
        until_answer(
            lambda: self.call("describe_inference_component", InferenceComponentName=name)[0][
                "InferenceComponentStatus"
            ],
            lambda status: status not in MOVING,
        )

    @rule(number=numbers, expression=st.sampled_from([NEVER, "cron(0 * ? * * *)"]), runs=st.booleans())
    def monitor(self, number: int, expression: str, runs: bool) -> None:
        """A schedule of a definition that is there: by chance alone there is hardly one."""
        kinds = [stem for stem in self.held if stem.endswith("JobDefinition") and self.held[stem]]
        name = f"{self.stem}-{number}"
        if kinds and name not in self.held["MonitoringSchedule"]:
            definition, kind = next(iter(self.held[kinds[0]])), kinds[0].removesuffix("JobDefinition")
            config = {"ScheduleConfig": {"ScheduleExpression": expression}, "MonitoringJobDefinitionName": definition}
            params = {"MonitoringScheduleName": name, "MonitoringScheduleConfig": {**config, "MonitoringType": kind}}
            self.make("MonitoringSchedule", name, params)
        if name in self.held["MonitoringSchedule"]:
            verb = "start" if runs else "stop"
            _, code = self.call(f"{verb}_monitoring_schedule", MonitoringScheduleName=name)
            self.answered[f"{verb.capitalize()}MonitoringSchedule"] += not code

    @rule(operation=st.sampled_from(OTHERS), number=numbers, seed=seeds)
    def other(self, operation: str, number: int, seed: int) -> None:
        """Any other call: of what there is, mostly, and with parameters as they come."""
        chance, shape = random.Random(seed), SAGEMAKER.operation_model(operation).input_shape
        known = {
            kind.key: lambda chance, kind=kind: chance.choice([*self.held[kind.stem]] or [f"{self.stem}-{number}"])
            for kind in KINDS.values()
            if kind.key != "JobDefinitionName"
        }
        given = {"ResourceArn": lambda chance: chance.choice([*self.tags, ROLE]), "NextToken": seldom(lambda _: "none")}
        params = value(
            chance,
            shape,
            {
                **known,
                **given,
                "CopyCount": lambda chance: chance.randrange(3),
                "VariantName": lambda chance: f"v{chance.randrange(3)}",
            },
        )
        _, code = self.call(snake(operation), **params)
        self.answered[operation] += not code
        member, name = CHANGING.get(operation, ""), params.get("EndpointName", "")
        if member and not code:
            described = until_answer(
                lambda: self.sagemaker.describe_endpoint(EndpointName=name),
                lambda answer: answer["EndpointStatus"] not in MOVING,
            )
            assert described[member] in {params[member], self.held["Endpoint"][name][member]}
            self.held["Endpoint"][name] = {**self.held["Endpoint"][name], member: described[member]}

    @rule(stem=stems, number=numbers)
    def describe(self, stem: str, number: int) -> None:
        kind, name = KINDS[stem], f"{self.stem}-{number}"
        answer, code = self.call(f"describe_{snake(stem)}", **{kind.key: name})
        given = self.held[stem].get(name)
        assert bool(code) == (given is None), (stem, name, code, given)
        if given is not None:
            for member in kind.described() & given.keys() - {"Tags", *TOLD_OTHERWISE.get(stem, ())}:
                assert agrees({member: given[member]}, answer), (member, given, answer)

    @rule(stem=stems.filter(lambda stem: stem not in JOBS), number=numbers)
    def delete(self, stem: str, number: int) -> None:
        kind, name = KINDS[stem], f"{self.stem}-{number}"
        _, code = self.call(f"delete_{snake(stem)}", **{kind.key: name})
        if name not in self.held[stem]:
            assert code, f"{stem} {name} was not there, and was deleted"
        elif not code:
            del self.held[stem][name]
            self.tags.pop(self.arns.pop(f"{stem}/{name}"))
            if stem in {"Endpoint", "InferenceComponent"}:
                until_answer(lambda: self.call(f"describe_{snake(stem)}", **{kind.key: name})[1], bool)

    @rule(stem=stems, order=st.sampled_from(["Ascending", "Descending"]), size=st.integers(1, 3))
    def page(self, stem: str, order: str, size: int) -> None:
        kind = KINDS[stem]
        ask = {"NameContains": self.stem, "SortBy": "Name", "SortOrder": order, "MaxResults": size}
        names: list[str] = []
        token: dict[str, str] = {}
        while True:
            answer, code = self.call(f"list_{snake(stem)}s", **ask, **token)
            assert not code, (stem, code)
            names += [item[kind.listed or kind.key] for item in answer[kind.answer]]
            if "NextToken" not in answer:
                break
            token = {"NextToken": answer["NextToken"]}
        assert names == sorted(self.held[stem], reverse=order == "Descending")

    @rule(seed=seeds)
    def tag(self, seed: int) -> None:
        if self.tags:
            chance = random.Random(seed)
            arn = chance.choice(sorted(self.tags))
            key = chance.choice("abc")
            if chance.random() < 0.5:
                _, code = self.call("add_tags", ResourceArn=arn, Tags=[{"Key": key, "Value": "new"}])
                self.tags[arn][key] = "new"
            else:
                _, code = self.call("delete_tags", ResourceArn=arn, TagKeys=[key])
                self.tags[arn].pop(key, None)
            assert not code

    @invariant()
    def tags_are_those_that_were_given(self) -> None:
        for arn in list(self.tags)[-1:]:
            answer, code = self.call("list_tags", ResourceArn=arn)
            assert not code
            assert {tag["Key"]: tag["Value"] for tag in answer["Tags"]} == self.tags[arn]

    def teardown(self) -> None:
        for stem in reversed([stem for stem in KINDS if stem not in JOBS]):
            for name in list(self.held[stem]):
                self.call(f"delete_{snake(stem)}", **{KINDS[stem].key: name})


def snake(stem: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in stem).strip("_")


def test_random_calls_of_the_control_plane(shared_cloud: CloudProcess) -> None:
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="in/a.csv", Body=b"1,2\n")
    archive = io.BytesIO()
    write_archive(archive, {"code/inference.py": HANDLER})
    s3.put_object(Bucket=BUCKET, Key="m.tar.gz", Body=archive.getvalue())
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    session = boto3.session.Session(LOCAL_ACCESS_KEY, shared_cloud.secret, region_name="us-east-1")
    client = session.client("sagemaker", endpoint_url=shared_cloud.url, config=config)
    of_cloud: type[Calls] = type(
        "CallsOfCloud", (Calls,), {"client": client, "done": 0, "made": Counter(), "answered": Counter()}
    )
    run_state_machine_as_test(
        of_cloud,
        settings=settings(
            max_examples=max(1, CALLS // STEPS),
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )

    assert of_cloud.done >= CALLS // 2
    assert of_cloud.made, "every call was refused: nothing was shown"
    print(f"{of_cloud.done} calls, {dict(of_cloud.made)} made, {dict(of_cloud.answered)} answered")
