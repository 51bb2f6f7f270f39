"""Writers of hosting: an endpoint that is updated and invoked, its configurations, and the records of what was captured."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fogbank.contracts.capture import read_line
from tests.contracts.aws.served import Served
from tests.soak.ledger import Cell, ask
from tests.soak.writer import Writer
from tests.waiting import until_answer

COMES_UP_S = 120
MOVING = {"Creating", "Updating", "SystemUpdating", "RollingBack"}


@dataclass(frozen=True)
class Live:
    """What an endpoint serves: its configuration, and the weight of each of its two variants."""

    config: str
    weights: tuple[float, float]


def create_config(served: Served, suffix: str, weights: tuple[float, float], capture: float = 100) -> str:
    """A configuration of two variants of the model that captures a share of the invocations; its name."""
    variants = [
        {
            "VariantName": name,
            "ModelName": served.name,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": weight,
        }
        for name, weight in zip(("one", "two"), weights, strict=True)
    ]
    captured = {
        "EnableCapture": True,
        "InitialSamplingPercentage": int(capture),
        "DestinationS3Uri": f"s3://{served.name}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    name = f"{served.name}{suffix}"
    ask(
        served.sagemaker.create_endpoint_config,
        EndpointConfigName=name,
        ProductionVariants=variants,
        DataCaptureConfig=captured,
    )
    return name


def counted(served: Served, since: datetime) -> float:
    """What CloudWatch says of the number of invocations, by the hour: the cloud's clock may have been moved by days meanwhile."""
    total = 0.0
    for variant in ("one", "two"):
        dimensions = [{"Name": "EndpointName", "Value": served.name}, {"Name": "VariantName", "Value": variant}]
        points = served.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=dimensions,
            StartTime=since - timedelta(hours=1),
            EndTime=since + timedelta(days=50),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        total += sum(point["Sum"] for point in points)
    return total


class Updates(Writer):
    """An endpoint that gets other configurations and other weights; configurations that come and go."""

    pace_s = 0.3

    def __init__(self, served: Served, chance: random.Random) -> None:
        super().__init__(served, chance)
        first = create_config(served, "-first", (1.0, 3.0))
        served.sagemaker.create_endpoint(EndpointName=served.name, EndpointConfigName=first)
        served.settled()
        self._live = Cell(f"endpoint {served.name}", Live(first, (1.0, 3.0)))
        self._configs: dict[str, Cell[tuple[float, float] | None]] = {}

    def step(self) -> None:
        if self.steps % 4 == 0:
            weights = (float(self.steps % 7), 1.0)
            name = f"{self.served.name}-{self.steps}"
            self._configs[name] = cell = Cell[tuple[float, float] | None](name, None)
            cell.write(weights, lambda: create_config(self.served, f"-{self.steps}", weights))
        elif self.steps % 4 == 1:
            self._delete_one()
        elif (
            ask(self.served.sagemaker.describe_endpoint, EndpointName=self.served.name)["EndpointStatus"] == "InService"
        ):
            self._update()

    def _delete_one(self) -> None:
        live = {self._live.fact.config, *(asked.config for asked in self._live.unanswered)}
        old = [cell for name, cell in self._configs.items() if cell.fact is not None and name not in live][:-2]
        if old:
            gone = old[0]
            gone.write(None, lambda: ask(self.served.sagemaker.delete_endpoint_config, EndpointConfigName=gone.name))

    def _update(self) -> None:
        ready = [(name, cell.fact) for name, cell in self._configs.items() if cell.fact is not None]
        if ready and self.chance.random() < 0.3:
            name, weights = ready[-1]
            update = {"EndpointName": self.served.name, "EndpointConfigName": name}
            self._live.write(Live(name, weights), lambda: ask(self.served.sagemaker.update_endpoint, **update))
            return
        weights = (float(self.chance.randrange(1, 9)), float(self.chance.randrange(9)))
        desired = [{"VariantName": name, "DesiredWeight": w} for name, w in zip(("one", "two"), weights, strict=True)]
        self._live.write(
            Live(self._live.fact.config, weights),
            lambda: ask(
                self.served.sagemaker.update_endpoint_weights_and_capacities,
                EndpointName=self.served.name,
                DesiredWeightsAndCapacities=desired,
            ),
        )

    def compare(self) -> list[str]:
        pages = self.served.sagemaker.get_paginator("list_endpoint_configs").paginate(NameContains=self.served.name)
        names = ask(lambda: [item["EndpointConfigName"] for page in pages for item in page["EndpointConfigs"]])
        there = {name: self._weights(name) for name in names}
        wrong = [problem for cell in self._configs.values() for problem in cell.compare(there.get(cell.name))]
        described = until_answer(
            lambda: ask(self.served.sagemaker.describe_endpoint, EndpointName=self.served.name),
            lambda document: document["EndpointStatus"] not in MOVING,
            COMES_UP_S,
        )
        if described["EndpointStatus"] != "InService" or "FailureReason" in described:
            wrong.append(f"the endpoint is {described['EndpointStatus']}: {described.get('FailureReason')}")
        current = {item["VariantName"]: item["CurrentWeight"] for item in described.get("ProductionVariants", [])}
        return wrong + self._live.compare(
            Live(described["EndpointConfigName"], (current.get("one", -1.0), current.get("two", -1.0)))
        )

    def _weights(self, name: str) -> tuple[float, float]:
        one, two = ask(self.served.sagemaker.describe_endpoint_config, EndpointConfigName=name)["ProductionVariants"]
        return one["InitialVariantWeight"], two["InitialVariantWeight"]


class Invocations(Writer):
    """Invocations of the endpoint, each with an id: whoever was answered was answered right, is captured exactly once, and is counted."""

    pace_s = 0.01

    def __init__(self, served: Served, chance: random.Random) -> None:
        super().__init__(served, chance)
        self._runtime = served.cloud.client("sagemaker-runtime")
        self._since = datetime.now(UTC)
        self._expected = self._invoke("first")
        self._answered = {"first"}
        self._wrong: list[str] = []

    def _invoke(self, id_: str) -> bytes:
        def invoke() -> bytes:
            reply = self._runtime.invoke_endpoint(
                EndpointName=self.served.name,
                ContentType="text/csv",
                Accept="text/csv",
                Body=self.served.sample,
                InferenceId=id_,
            )
            body: bytes = reply["Body"].read()
            return body

        return ask(invoke)

    def step(self) -> None:
        id_ = f"id-{self.steps}"
        answer = self._invoke(id_)
        self._answered.add(id_)
        if answer != self._expected:
            self._wrong.append(f"invocation {id_} was answered {answer!r:.100}")

    def compare(self) -> list[str]:
        return self._wrong

    def finish(self) -> list[str]:
        self.served.cloud.admin.call("flush")
        pages = self.served.s3.get_paginator("list_objects_v2").paginate(Bucket=self.served.name, Prefix="capture/")
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        captured = Counter(id_ for key in keys for id_ in self._ids(key))
        lost = [f"invocation {id_} was answered, and is not captured" for id_ in self._answered if not captured[id_]]
        twice = [f"invocation {id_} is captured {count} times" for id_, count in captured.items() if count > 1]
        told = counted(self.served, self._since)
        if told < len(self._answered):
            lost.append(f"{len(self._answered)} invocations were answered, and CloudWatch knows of {told:g}")
        return self._wrong + lost + twice

    def _ids(self, key: str) -> list[str | None]:
        text = self.served.s3.get_object(Bucket=self.served.name, Key=key)["Body"].read().decode()
        return [read_line(line).inference_id for line in text.split("\n") if line]
