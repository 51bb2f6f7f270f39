"""The function of batches that score each object once, and its ledger: what SageMaker refuses is claimed by nobody, and keeps no other object
from its turn; what was claimed in vain is scored, together."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import fogbank.components
from tests.contracts.aws.served import Served
from tests.waiting import until

MODULE = Path(fogbank.components.__file__).with_name("batch_handler.py")
NOW = datetime.now(UTC)


class Function:
    """The handler as Lambda runs it: its environment, then its module; and the ledger that it keeps."""

    def __init__(self, served: Served, environment: pytest.MonkeyPatch) -> None:
        self.served, self._environment = served, environment
        where = {
            "AWS_ENDPOINT_URL": served.cloud.url, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "INPUT": f"s3://{served.name}/in/",
            "LEDGER": f"s3://{served.name}/ledger/", "PREFIX": f"{served.name}-", "SUFFIX": ".csv",
        }  # fmt: skip
        for name, value in where.items():
            environment.setenv(name, value)
        self.scores_by(served.name)
        spec = importlib.util.spec_from_file_location("batch_handler_under_test", MODULE)
        assert spec is not None
        assert spec.loader is not None
        self._module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._module)

    def scores_by(self, model: str) -> None:
        request = {
            "ModelName": model, "TransformInput": {"ContentType": "text/csv", "SplitType": "Line"},
            "TransformOutput": {"S3OutputPath": f"s3://{self.served.name}/out", "Accept": "text/csv"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        }  # fmt: skip
        self._environment.setenv("REQUEST", json.dumps(request))

    def hears(self, service: str, event: str, work: Callable[..., Any]) -> None:
        """Between the function and the cloud, at botocore's own event."""
        client = self._module.client(service)
        client.meta.events.register(event, work)

    def sweeps(self, after_h: float = 0.0) -> str:
        at = (NOW + timedelta(hours=after_h)).isoformat()
        said: str = self._module.handler({"detail-type": "Scheduled Event", "time": at}, None)
        return said

    def ended(self, job: str) -> str:
        """Tell it that a job has completed."""
        kind = "SageMaker Transform Job State Change"
        said: str = self._module.handler({"detail-type": kind, "detail": {"TransformJobName": job}}, None)
        return said

    def put(self, key: str, body: bytes) -> None:
        self.served.s3.put_object(Bucket=self.served.name, Key=key, Body=body)

    def claims(self) -> dict[str, dict[str, Any]]:
        """The claims by object."""
        place = "ledger/claimed/"
        found = {}
        for key in self.served.keys(place):
            body = self.served.s3.get_object(Bucket=self.served.name, Key=key)["Body"].read()
            found[key.removeprefix(place).rpartition("/")[0]] = json.loads(body)
        return found

    def scored(self) -> list[str]:
        place = "ledger/scored/"
        return [key.removeprefix(place).rpartition("/")[0] for key in self.served.keys(place)]

    def status(self, job: str) -> str:
        said: str = self.served.sagemaker.describe_transform_job(TransformJobName=job)["TransformJobStatus"]
        return said


@pytest.fixture
def function(served: Served, monkeypatch: pytest.MonkeyPatch) -> Function:
    return Function(served, monkeypatch)


def test_what_sagemaker_refuses_is_claimed_by_nobody_and_scored_later(function: Function) -> None:
    for key in ("in/a.csv", "in/b.csv"):
        function.put(key, function.served.sample)
    function.scores_by("not-there")
    with pytest.raises(ClientError):
        function.sweeps()
    assert function.claims() == {}

    function.scores_by(function.served.name)
    assert function.sweeps().endswith("scores 2 object(s)")
    (job,) = {claim["job"] for claim in function.claims().values()}
    until(lambda: function.status(job) == "Completed")
    assert function.ended(job) == f"{job} has scored 2 object(s)"
    assert function.sweeps() == "all has been scored"


def test_objects_whose_job_was_never_made_are_scored_by_one_job(function: Function) -> None:
    for key in ("in/a.csv", "in/b.csv", "in/c.csv"):
        function.put(key, function.served.sample)
        etag = function.served.s3.head_object(Bucket=function.served.name, Key=key)["ETag"].strip('"')
        lost = {"job": "never-made", "at": NOW.isoformat(), "tries": 2}
        function.put(f"ledger/claimed/{key.removeprefix('in/')}/{etag}", json.dumps(lost).encode())

    assert function.sweeps() == "all has been scored", "whoever claimed them may be about to start it"
    assert function.sweeps(after_h=1).endswith("scores 3 object(s)")
    assert len({claim["job"] for claim in function.claims().values()}) == 1


def test_a_second_try_that_is_refused_is_not_used_up_and_keeps_nobody_waiting(function: Function) -> None:
    function.put("in/bad.csv", b"these,are,no,numbers\n")
    function.sweeps()
    (first,) = {claim["job"] for claim in function.claims().values()}
    until(lambda: function.status(first) == "Failed")

    function.scores_by("not-there")
    with pytest.raises(ClientError):
        function.sweeps()
    assert function.claims()["bad.csv"] == {**function.claims()["bad.csv"], "job": first, "tries": 1}
    function.scores_by(function.served.name)
    function.put("in/good.csv", function.served.sample)
    said = function.sweeps()
    claims = function.claims()
    assert "scores 1 object(s) again" in said
    assert claims["bad.csv"]["tries"] == 2
    until(lambda: function.status(claims["good.csv"]["job"]) == "Completed")
    until(lambda: function.status(claims["bad.csv"]["job"]) == "Failed")
    assert function.sweeps() == f"{claims['good.csv']['job']} has scored 1 object(s)"
    assert function.scored() == ["good.csv"]
    assert function.sweeps() == "all has been scored", "it was tried twice"


def test_what_cannot_be_asked_keeps_no_new_object_from_its_turn(function: Function) -> None:
    """DescribeTransformJob is throttled: what is known of the others goes on, and the run says so at its end."""
    function.put("in/bad.csv", b"these,are,no,numbers\n")
    function.sweeps()
    (first,) = {claim["job"] for claim in function.claims().values()}
    until(lambda: function.status(first) == "Failed")
    function.put("in/good.csv", function.served.sample)

    def throttled(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slowly"}}, "DescribeTransformJob")

    function.hears("sagemaker", "before-call.sagemaker.DescribeTransformJob", throttled)
    with pytest.raises(ClientError, match="slowly"):
        function.sweeps()
    assert function.claims().keys() == {"bad.csv", "good.csv"}
    assert function.claims()["bad.csv"]["tries"] == 1


def test_a_claim_that_goes_after_it_was_listed_is_none(function: Function) -> None:
    etags = {}
    for key in ("in/a.csv", "in/b.csv"):
        function.put(key, function.served.sample)
        etags[key] = function.served.s3.head_object(Bucket=function.served.name, Key=key)["ETag"].strip('"')
        lost = {"job": "never-made", "at": NOW.isoformat(), "tries": 2}
        function.put(f"ledger/claimed/{key.removeprefix('in/')}/{etags[key]}", json.dumps(lost).encode())

    def goes(params: dict[str, Any], **_: Any) -> None:
        if params["Key"].startswith("ledger/claimed/a.csv"):
            function.served.s3.delete_object(Bucket=function.served.name, Key=params["Key"])

    function.hears("s3", "provide-client-params.s3.GetObject", goes)
    assert function.sweeps(after_h=1).endswith("scores 1 object(s)")
    assert function.claims().keys() == {"b.csv"}


def test_a_job_whose_answer_is_lost_keeps_its_claims(function: Function) -> None:
    """botocore sends a call again that nobody answered; the second is ResourceInUse."""
    function.put("in/a.csv", function.served.sample)

    def lost(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ResourceInUse", "Message": "unique"}}, "CreateTransformJob")

    function.hears("sagemaker", "after-call.sagemaker.CreateTransformJob", lost)
    assert function.sweeps().endswith("scores 1 object(s)")
    assert function.claims().keys() == {"a.csv"}
