"""Requests as IAM names them. Source: the Service Authorization Reference; S3's "Required permissions"."""

from __future__ import annotations

import json

import pytest

from fogbank.cloud.enforcement.actions import actions, passed_roles
from fogbank.cloud.ground.wire import Request

HOME = "us-east-1:123456789012"
PIPELINE = f"arn:aws:sagemaker:{HOME}:pipeline"


def request(service: str, method: str, path: str, query: str = "", body: str = "", **headers: str) -> Request:
    scope = f"AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/{service}/aws4_request"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method=method, path=path, query=query, headers={"authorization": scope, **named}, body=body.encode())


@pytest.mark.parametrize(
    ("method", "path", "query", "action", "resource"),
    [
        ("GET", "/b/a%20b.csv", "", "s3:GetObject", "arn:aws:s3:::b/a b.csv"),
        ("HEAD", "/b/k", "", "s3:GetObject", "arn:aws:s3:::b/k"),
        ("GET", "/b/k", "versionId=1", "s3:GetObjectVersion", "arn:aws:s3:::b/k"),
        ("PUT", "/b/k", "partNumber=1&uploadId=u", "s3:PutObject", "arn:aws:s3:::b/k"),
        ("POST", "/b/k", "uploads", "s3:PutObject", "arn:aws:s3:::b/k"),
        ("DELETE", "/b/k", "uploadId=u", "s3:AbortMultipartUpload", "arn:aws:s3:::b/k"),
        ("PUT", "/b/k", "tagging", "s3:PutObjectTagging", "arn:aws:s3:::b/k"),
        ("GET", "/b", "list-type=2&prefix=x", "s3:ListBucket", "arn:aws:s3:::b"),
        ("POST", "/b", "delete", "s3:DeleteObject", "arn:aws:s3:::b/*"),
        ("PUT", "/b", "policy", "s3:PutBucketPolicy", "arn:aws:s3:::b"),
        ("DELETE", "/b", "policy", "s3:DeleteBucketPolicy", "arn:aws:s3:::b"),
        ("DELETE", "/b", "lifecycle", "s3:PutLifecycleConfiguration", "arn:aws:s3:::b"),
        ("DELETE", "/b", "tagging", "s3:PutBucketTagging", "arn:aws:s3:::b"),
        ("PUT", "/b", "publicAccessBlock", "s3:PutBucketPublicAccessBlock", "arn:aws:s3:::b"),
        ("GET", "/b", "encryption", "s3:GetEncryptionConfiguration", "arn:aws:s3:::b"),
        ("GET", "/", "", "s3:ListAllMyBuckets", "*"),
    ],
)
def test_s3(method: str, path: str, query: str, action: str, resource: str) -> None:
    assert list(actions(request("s3", method, path, query))) == [(action, resource)]


def test_a_form_puts_an_object() -> None:
    key = '--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nin/${filename}\r\n'
    file = '--x\r\nContent-Disposition: form-data; name="file"; filename="C/secret.txt"\r\n\r\nb\r\n--x--\r\n'
    form = key + file
    posted = request("s3", "POST", "/b", body=form, content_type="multipart/form-data; boundary=x")

    assert list(actions(posted)) == [("s3:PutObject", "arn:aws:s3:::b/in/secret.txt")]


def test_a_copy_reads_its_source_too() -> None:
    copied = request("s3", "PUT", "/b/k", x_amz_copy_source="/a/from%20here")

    assert list(actions(copied)) == [("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:GetObject", "arn:aws:s3:::a/from here")]


@pytest.mark.parametrize(
    ("service", "method", "path", "body", "headers", "action", "resource"),
    [
        ("sagemaker", "POST", "/", {"TransformJobName": "J"}, {"x_amz_target": "SageMaker.CreateTransformJob"},
         "sagemaker:CreateTransformJob", f"arn:aws:sagemaker:{HOME}:transform-job/j"),
        ("apigateway", "POST", "/v2/apis/a1/routes", {}, {}, "apigateway:POST", "arn:aws:apigateway:us-east-1::/apis/a1/routes"),
        ("sagemaker", "POST", "/endpoints/Live/invocations", {}, {}, "sagemaker:InvokeEndpoint", f"arn:aws:sagemaker:{HOME}:endpoint/live"),
        ("sqs", "POST", "/", {"QueueUrl": "http://h/123456789012/q"}, {"x_amz_target": "AmazonSQS.SendMessage"},
         "sqs:SendMessage", f"arn:aws:sqs:{HOME}:q"),
        ("lambda", "POST", "/2015-03-31/functions/f/invocations", {}, {}, "lambda:InvokeFunction", f"arn:aws:lambda:{HOME}:function:f"),
        ("lambda", "GET", "/2015-03-31/functions/f", {}, {}, "lambda:GetFunction", f"arn:aws:lambda:{HOME}:function:f"),
        ("monitoring", "POST", "/", {}, {"x_amz_target": "GraniteServiceVersion20100801.PutMetricData"}, "cloudwatch:PutMetricData", None),
        ("scheduler", "POST", "/schedules/n", {"GroupName": "g"}, {}, "scheduler:CreateSchedule", f"arn:aws:scheduler:{HOME}:schedule/g/n"),
        ("scheduler", "GET", "/schedules/n", {}, {}, "scheduler:GetSchedule", f"arn:aws:scheduler:{HOME}:schedule/default/n"),
        ("sagemaker", "POST", "/", {"ResourceArn": "arn:aws:sagemaker:x"}, {"x_amz_target": "SageMaker.ListTags"}, "sagemaker:ListTags",
         "arn:aws:sagemaker:x"),
        ("dynamodb", "POST", "/", {"TableName": "t"}, {"x_amz_target": "DynamoDB_20120810.PutItem"}, "dynamodb:PutItem", None),
    ],
)  # fmt: skip
def test_other_services(
    service: str, method: str, path: str, body: object, headers: dict[str, str], action: str, resource: str | None
) -> None:
    assert list(actions(request(service, method, path, body=json.dumps(body), **headers))) == [(action, resource)]


def test_a_form_names_its_action() -> None:
    body = "Action=Publish&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3At&Message=m"
    asked = request("sns", "POST", "/", body=body, content_type="application/x-www-form-urlencoded")

    assert list(actions(asked)) == [("sns:Publish", f"arn:aws:sns:{HOME}:t")]

    role = request(
        "iam", "POST", "/", body="Action=GetRole&RoleName=r", content_type="application/x-www-form-urlencoded"
    )
    assert list(actions(role)) == [("iam:GetRole", "arn:aws:iam::123456789012:role/r")]


def test_roles_are_found_wherever_a_request_has_them() -> None:
    role = "arn:aws:iam::123456789012:role/r"
    body = json.dumps({"Name": "s", "Target": {"RoleArn": role, "Arn": "a"}})

    assert passed_roles(request("scheduler", "POST", "/schedules/s", body=body)) == [role]


def test_a_request_to_a_component_is_one_to_its_endpoint_too() -> None:
    named = {"x_amzn_sagemaker_inference_component": "Large"}
    found = list(actions(request("sagemaker", "POST", "/endpoints/live/invocations", "", **named)))
    arns = [f"arn:aws:sagemaker:{HOME}:endpoint/live", f"arn:aws:sagemaker:{HOME}:inference-component/large"]
    assert found == [("sagemaker:InvokeEndpoint", arn) for arn in arns]


@pytest.mark.parametrize(
    ("operation", "body", "resource"),
    [
        ("StartPipelineExecution", {"PipelineName": "Prod"}, f"{PIPELINE}/Prod"),
        ("DescribePipeline", {"PipelineName": f"{PIPELINE}/Prod"}, f"{PIPELINE}/Prod"),
        ("ListPipelineExecutions", {"PipelineName": "Prod"}, f"{PIPELINE}/Prod"),
        ("RetryPipelineExecution", {"PipelineExecutionArn": f"{PIPELINE}/Prod/execution/e"}, f"{PIPELINE}/Prod/execution/e"),
        ("ListPipelineExecutionSteps", {"PipelineExecutionArn": f"{PIPELINE}/Prod/execution/e"}, f"{PIPELINE}/Prod/execution/e"),
        ("SendPipelineExecutionStepSuccess", {"CallbackToken": "t"}, None),
    ],
)  # fmt: skip
def test_pipelines_are_named_as_they_were_given(operation: str, body: dict[str, str], resource: str | None) -> None:
    called = request("sagemaker", "POST", "/", body=json.dumps(body), x_amz_target=f"SageMaker.{operation}")

    assert list(actions(called)) == [(f"sagemaker:{operation}", resource)]
