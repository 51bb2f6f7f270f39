"""The AWS API wire: SageMaker's state changes on EventBridge's default bus, by plain boto3 against a real local cloud.

Source: SageMaker Developer Guide, "Events that Amazon SageMaker AI sends to Amazon EventBridge".
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from tests.contracts.aws.served import Served
from tests.waiting import until_answer

ACCOUNT = "123456789012"


class Heard:
    """Queues of rules on `aws.sagemaker`."""

    def __init__(self, served: Served) -> None:
        self.served, self.name = served, served.name
        self.sqs = served.cloud.client("sqs")
        self.bodies: dict[str, list[dict[str, Any]]] = {}

    def rule(self, suffix: str, pattern: dict[str, Any], **target: Any) -> str:
        """The URL of a queue to which a rule sends what matches a pattern."""
        name = self.name + suffix
        url: str = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
        events = self.served.cloud.client("events")
        events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.sagemaker"], **pattern}))
        events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": arn, **target}])
        return url

    def received(self, url: str) -> list[dict[str, Any]]:
        """All that came so far."""
        found = self.bodies.setdefault(url, [])
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found


def test_an_endpoints_states(served: Served) -> None:
    heard = Heard(served)
    named = {"detail-type": ["SageMaker Endpoint State Change"], "detail": {"EndpointName": [served.name]}}
    url = heard.rule("-all", named)
    only = heard.rule("-only", {**named, "detail": {"EndpointName": [served.name], "EndpointStatus": ["IN_SERVICE"]}})
    deploys = heard.rule(
        "-deploys",
        {"detail-type": ["SageMaker Endpoint Deployment State Change"], "detail": {"EndpointName": [served.name]}},
    )
    served.sagemaker.create_endpoint(
        EndpointName=served.name, EndpointConfigName=served.config(), Tags=[{"Key": "team", "Value": "ml"}]
    )
    served.settled()
    served.sagemaker.delete_endpoint(EndpointName=served.name)
    told = until_answer(lambda: heard.received(url), lambda events: len(events) >= 3)
    assert [event["detail"]["EndpointStatus"] for event in told] == ["CREATING", "IN_SERVICE", "DELETING"]
    event = told[1]
    arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/{served.name}"
    assert (event["source"], event["account"], event["region"], event["resources"]) == (
        "aws.sagemaker", ACCOUNT, "us-east-1", [arn],
    )  # fmt: skip
    detail = event["detail"]
    assert (detail["EndpointArn"], detail["EndpointConfigName"], detail["Tags"]) == (arn, served.name, {"team": "ml"})
    assert detail["ProductionVariants"] == [{"DesiredWeight": 1.0, "DesiredInstanceCount": 1}]
    assert detail["CreationTime"] > 1e12
    assert [each["detail"]["EndpointStatus"] for each in heard.received(only)] == ["IN_SERVICE"]
    until_answer(lambda: heard.received(deploys), lambda events: len(events) >= 3)


def test_a_transform_jobs_states_to_a_topic_and_a_log_group(served: Served) -> None:
    cloud, name = served.cloud, served.name
    heard, logs, sns = Heard(served), cloud.client("logs"), cloud.client("sns")
    pattern = {"detail-type": ["SageMaker Transform Job State Change"], "detail": {"TransformJobName": [f"{name}-job"]}}
    url = heard.rule("-job", pattern)
    topic = sns.create_topic(Name=name)["TopicArn"]
    queue = cloud.client("sqs").create_queue(QueueName=f"{name}-topic")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}-topic")
    logs.create_log_group(logGroupName=f"/events/{name}")
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/events/{name}"
    cloud.client("events").put_targets(
        Rule=f"{name}-job", Targets=[{"Id": "topic", "Arn": topic}, {"Id": "logs", "Arn": group}]
    )
    served.s3.put_object(Bucket=name, Key="in/a.csv", Body=served.sample)
    served.transform(f"{name}-job", f"s3://{name}/in/")
    told = until_answer(lambda: heard.received(url), lambda events: len(events) >= 2)
    assert [event["detail"]["TransformJobStatus"] for event in told] == ["InProgress", "Completed"]
    detail = told[-1]["detail"]
    assert (detail["ModelName"], detail["TransformInput"]["ContentType"]) == (name, "text/csv")
    assert datetime.fromisoformat(detail["TransformEndTime"]) >= datetime.fromisoformat(detail["CreationTime"])
    by_topic = until_answer(lambda: heard.received(queue), lambda events: len(events) >= 2)
    assert json.loads(by_topic[-1]["Message"])["detail"]["TransformJobStatus"] == "Completed"
    logged = until_answer(
        lambda: logs.filter_log_events(logGroupName=f"/events/{name}")["events"], lambda events: len(events) >= 2
    )
    assert {json.loads(event["message"])["source"] for event in logged} == {"aws.sagemaker"}


def test_a_failed_job_says_why(served: Served) -> None:
    heard, name = Heard(served), served.name
    pattern = {"detail": {"TransformJobStatus": ["Failed"], "TransformJobName": [f"{name}-bad"]}}
    url = heard.rule("-failed", pattern)
    served.s3.put_object(Bucket=name, Key="bad/a.csv", Body=b"these,are,no,numbers\n")
    assert served.transform(f"{name}-bad", f"s3://{name}/bad/")["TransformJobStatus"] == "Failed"
    [event] = until_answer(lambda: heard.received(url), lambda events: events)
    assert event["detail"]["FailureReason"]
