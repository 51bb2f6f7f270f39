"""Batches that score each object once, by the real engine on the local cloud: by arrival, at times, after a failure, and gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fogbank.components import Arrivals, BatchTransform, Failures, ModelService, Unscored
from fogbank.components.arrivals import circular, may
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.testing import CloudProcess, Deployment
from tests.waiting import until, until_answer

Deploy = Callable[..., Deployment]
DAY_S = 24 * 3600


@pytest.fixture
def package(fogbank_project: ProjectConfig) -> Manifest:
    return load_manifest(fogbank_project.package)


class Batches:
    """The bucket of a service, and its jobs."""

    def __init__(self, cloud: CloudProcess, bucket: str) -> None:
        self.cloud, self.bucket, self.s3 = cloud, bucket, cloud.client("s3")

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def keys(self, prefix: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return [item["Key"].removeprefix(prefix) for item in found]

    def scored(self, name: str) -> list[str]:
        """The keys of the ledger's entries, once for each content."""
        return [key.rpartition("/")[0] for key in self.keys(f"batch/ledger/{name}/scored/")]

    def until_scored(self, name: str, *keys: str) -> None:
        until_answer(lambda: self.scored(name), lambda found: found == [*keys])

    def jobs(self, name: str, status: str) -> int:
        listed = self.cloud.client("sagemaker").list_transform_jobs(NameContains=name, StatusEquals=status)
        return len(listed["TransformJobSummaries"])


def program(package: Manifest) -> dict[str, Any]:
    service = ModelService("churn", package=package, image="i", force_destroy=True)
    arriving = BatchTransform("arriving", service=service, schedule=Arrivals(suffix=".csv"), failures=Failures())
    BatchTransform(
        "nightly", service=service, schedule=Unscored(schedule="cron(0 2 * * ? *)"), input_prefix="night/in/",
        output_prefix="night/out/",
    )  # fmt: skip
    return {"bucket": service.bucket, "ledger": arriving.ledger_uri}


def test_each_object_is_scored_once_when_it_arrives_and_what_was_missed_later(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, fogbank_project: ProjectConfig
) -> None:
    deployed = deploy(lambda: program(package))
    driver, bucket = deployed.driver, deployed.outputs["bucket"]
    assert driver is not None
    driver.preview(lambda _: None, expect_no_changes=True)
    assert driver.refresh(lambda _: None).changed is False
    batches, rows = Batches(local_cloud, bucket), (fogbank_project.trained / "sample.csv").read_bytes()

    batches.put("batch/in/a.csv", rows)
    batches.until_scored("arriving", "a.csv")
    batches.put("batch/in/a.csv", rows)
    batches.put("batch/in/note.txt", rows)
    batches.put("batch/in/below/a b+c.csv", rows)
    batches.until_scored("arriving", "a.csv", "below/a b+c.csv")
    batches.put("batch/in/a.csv", rows * 2)
    batches.until_scored("arriving", "a.csv", "a.csv", "below/a b+c.csv")
    assert batches.jobs("arriving", "Completed") == 3, "the same content is scored once"
    assert batches.keys("batch/out/") == ["a.csv.out", "below/a b+c.csv.out"]

    batches.put("batch/in/bad.csv", b"these,are,no,numbers\n")
    until(lambda: batches.jobs("arriving", "Failed") == 1)
    batches.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    batches.put("batch/in/missed.csv", rows)
    for key in ("night/in/x.csv", "night/in/y.csv"):
        batches.put(key, rows)
    local_cloud.advance(DAY_S + 60)
    batches.until_scored("arriving", "a.csv", "a.csv", "below/a b+c.csv", "missed.csv")
    batches.until_scored("nightly", "x.csv", "y.csv")
    until(lambda: batches.jobs("arriving", "Failed") == 2)
    batches.put("night/in/z.csv", rows)
    etag = batches.s3.head_object(Bucket=bucket, Key="night/in/z.csv")["ETag"].strip('"')
    lost = {"job": "nightly-lost", "at": "2020-01-01T00:00:00Z", "tries": 1}
    batches.put(f"batch/ledger/nightly/claimed/z.csv/{etag}", json.dumps(lost).encode())
    local_cloud.advance(DAY_S)
    batches.until_scored("nightly", "x.csv", "y.csv", "z.csv")
    assert batches.jobs("nightly", "Completed") == 2, "one job a night, over what was new, or had lost its job"
    assert (batches.jobs("arriving", "Failed"), batches.jobs("arriving", "Completed")) == (2, 4), "tried again once"
    entry = json.loads(batches.s3.get_object(Bucket=bucket, Key=first(batches))["Body"].read())
    assert set(entry) == {"job", "model", "object", "output"}

    driver.destroy(lambda _: None)
    assert batches.s3.list_buckets()["Buckets"] == []
    assert local_cloud.client("lambda").list_functions()["Functions"] == []
    assert local_cloud.client("events").list_rules()["Rules"] == []


def first(batches: Batches) -> str:
    """The key of an entry of the ledger."""
    prefix = "batch/ledger/nightly/scored/"
    return prefix + batches.keys(prefix)[0]


@pytest.mark.parametrize("name", ["output_prefix", "capture_prefix", "ledger_prefix"])
@pytest.mark.parametrize(("prefix", "said"), [("batch/in/more/", "batch/in/more/"), ("/batch/in", "batch/in/")])
def test_what_is_written_below_what_is_read_is_refused(
    deploy: Deploy, package: Manifest, name: str, prefix: str, said: str
) -> None:
    def declare() -> None:
        service = ModelService("churn", package=package, image="i")
        given: dict[str, Any] = {name: prefix}
        BatchTransform("b", service=service, schedule=Arrivals(), **given)

    with pytest.raises(ValueError, match=f"{name} '{said}' lies below input_prefix"):
        deploy(declare, mocks=True)
    assert list(circular("in/", {"output_prefix": "in", "capture_prefix": None})) == []


def test_times_are_a_rules_and_the_function_may_do_its_work_alone() -> None:
    for wrong in (lambda: Arrivals(sweep="at(2026-01-01T00:00:00)"), lambda: Unscored(schedule="daily")):
        with pytest.raises(ValueError, match=r"must be cron\(\.\.\.\) or rate\(\.\.\.\)"):
            wrong()
    where = {"partition": "aws", "account": "1", "bucket": "b"}
    said = may(**where, prefix="Nightly-", source="in/", ledger="ledger/")
    assert [item["Resource"] for item in said] == [
        "arn:aws:sagemaker:*:1:transform-job/nightly-*",
        "arn:aws:s3:::b/ledger/*",
        "arn:aws:s3:::b",
    ]
