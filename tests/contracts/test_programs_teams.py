"""Programs of a platform team around a model, by the real engine: alarms, a function in front, a registry, scaling, and encryption in a
network deploy, work by boto3, change nothing twice, and go."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from fogbank.contracts.config import ProjectConfig
from fogbank.testing import CloudProcess, deploy_with_engine
from tests.contracts.aws.test_function_urls import ask, signed
from tests.stacks import team_stack

SERVING = """
from pathlib import Path
import pulumi
from fogbank.components import Endpoint, ModelService, load_package

name = pulumi.Config().require("name")
package = load_package(Path(pulumi.Config().require("package")))
service = ModelService(name, package=package, image="i", force_destroy=True)
live = Endpoint("live", service=service, endpoint_name=f"{name}-live")
"""
ALARM = """
import pulumi_aws as aws
from serving import live

topic = aws.sns.Topic("oncall")
aws.sns.TopicSubscription("oncall-mail", topic=topic.arn, protocol="email", endpoint="ml@example.com")
alarm = aws.cloudwatch.MetricAlarm(
    "errors", namespace="AWS/SageMaker", metric_name="Invocation5XXErrors", statistic="Sum", period=60, evaluation_periods=1,
    threshold=1, comparison_operator="GreaterThanOrEqualToThreshold", treat_missing_data="notBreaching",
    dimensions={"EndpointName": live.endpoint_name, "VariantName": "AllTraffic"}, alarm_actions=[topic.arn],
)
"""
FRONT = '''
import json
import pulumi
import pulumi_aws as aws
from serving import live

HANDLER = """
import json, os
import boto3

def handler(event, context):
    answer = boto3.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=os.environ["ENDPOINT"], ContentType="text/csv", Body=event.get("row") or event["body"])
    return {"answer": answer["Body"].read().decode(), "greeting": os.environ["GREETING"]}
"""
role = aws.iam.Role("front-role", assume_role_policy=aws.iam.get_policy_document(statements=[
    {"actions": ["sts:AssumeRole"], "principals": [{"type": "Service", "identifiers": ["lambda.amazonaws.com"]}]}]).json)
aws.iam.RolePolicyAttachment("front-logs", role=role.name, policy_arn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
aws.iam.RolePolicy("front-invoke", role=role.name, policy=live.endpoint_arn.apply(lambda a: json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": a}]})))
front = aws.lambda_.Function("front", role=role.arn, runtime="python3.12", handler="index.handler", timeout=60,
    code=pulumi.AssetArchive({"index.py": pulumi.StringAsset(HANDLER)}), publish=True,
    environment={"variables": {"ENDPOINT": live.endpoint_name, "GREETING": pulumi.Config().get("greeting") or "hello"}})
url = aws.lambda_.FunctionUrl("front-url", function_name=front.name, authorization_type="AWS_IAM")
alias = aws.lambda_.Alias("front-live", function_name=front.name, function_version=front.version)
rows = aws.sqs.Queue("rows", visibility_timeout_seconds=360)
aws.lambda_.EventSourceMapping("front-rows", function_name=front.arn, event_source_arn=rows.arn, enabled=False)
aws.lambda_.Permission("front-gateway", function=front.name, action="lambda:InvokeFunction", principal="apigateway.amazonaws.com")
rule = aws.cloudwatch.EventRule("front-came", event_pattern=json.dumps({"source": ["front"]}))
aws.cloudwatch.EventTarget("front-told", rule=rule.name, arn=front.arn)
aws.sagemaker.ModelPackageGroup("group", model_package_group_name=pulumi.Config().require("name"))
'''
REGISTRY = """
import json
import pulumi_aws as aws
from serving import name

repo = aws.ecr.Repository("models", name=name, image_scanning_configuration={"scan_on_push": True}, force_delete=True)
aws.ecr.LifecyclePolicy("models-keep", repository=repo.name, policy=json.dumps({"rules": [{"rulePriority": 1, "selection":
    {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 10}, "action": {"type": "expire"}}]}))
"""
SCALE = """
import pulumi
import pulumi_aws as aws
from serving import live

target = aws.appautoscaling.Target("live-target", min_capacity=1, max_capacity=4, service_namespace="sagemaker",
    resource_id=pulumi.Output.format("endpoint/{0}/variant/AllTraffic", live.endpoint_name), scalable_dimension="sagemaker:variant:DesiredInstanceCount")
aws.appautoscaling.Policy("live-policy", policy_type="TargetTrackingScaling", resource_id=target.resource_id, service_namespace=target.service_namespace,
    scalable_dimension=target.scalable_dimension, target_tracking_scaling_policy_configuration={"target_value": 100,
    "predefined_metric_specification": {"predefined_metric_type": "SageMakerVariantInvocationsPerInstance"}})
"""
SECURE = """
import pulumi_aws as aws
from serving import name, service

key = aws.kms.Key("data", deletion_window_in_days=7, enable_key_rotation=True)
aws.kms.Alias("data-alias", name=f"alias/{name}", target_key_id=key.key_id)
aws.s3.BucketServerSideEncryptionConfiguration("sse", bucket=service.bucket, rules=[{"apply_server_side_encryption_by_default":
    {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn}}])
aws.s3.BucketVersioning("versions", bucket=service.bucket, versioning_configuration={"status": "Enabled"})
vpc = aws.ec2.Vpc("ml", cidr_block="10.0.0.0/16")
subnet = aws.ec2.Subnet("ml-a", vpc_id=vpc.id, cidr_block="10.0.1.0/24")
group = aws.ec2.SecurityGroup("ml-sg", vpc_id=vpc.id)
"""
MAIN = """
import pulumi
from alarm import alarm
from front import alias, front, url
from registry import repo
from scale import target
from secure import key

for output, value in {"alarm": alarm.name, "front": front.name, "alias": alias.name, "url": url.function_url, "version": front.version, "repository": repo.name,
                      "scaled": target.resource_id, "key": key.arn}.items():
    pulumi.export(output, value)
"""


def test_programs_of_a_platform_team_live_and_go(
    shared_cloud: CloudProcess, unique: str, fogbank_project: ProjectConfig, tmp_path: Path
) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    settings = team_stack(shared_cloud.url, name=unique, package=str(fogbank_project.package))
    (folder / "Pulumi.local.yaml").write_text(settings)
    modules = {
        "serving": SERVING,
        "alarm": ALARM,
        "front": FRONT,
        "registry": REGISTRY,
        "scale": SCALE,
        "secure": SECURE,
    }
    for name, text in {**modules, "__main__": MAIN}.items():
        (folder / f"{name}.py").write_text(text)
    deployed = deploy_with_engine(folder, shared_cloud, tmp_path / "state")
    driver, outputs = deployed.driver, deployed.outputs
    assert driver is not None
    driver.preview(lambda _: None, expect_no_changes=True)
    assert driver.refresh(lambda _: None).changed is False

    functions = shared_cloud.client("lambda")
    sample = (fogbank_project.trained / "sample.csv").read_text()

    def greeted(qualifier: str) -> str:
        payload = json.dumps({"row": sample})
        answer = functions.invoke(FunctionName=outputs["front"], Qualifier=qualifier, Payload=payload)
        said = json.load(io.TextIOWrapper(answer["Payload"]))
        assert said.get("answer"), said
        return str(said["greeting"])

    assert (outputs["version"], greeted(outputs["alias"])) == ("1", "hello")
    row = sample.encode()
    assert ask(outputs["url"], "POST", row, content_type="text/csv")[0] == 403, "it is not signed"
    kind = {"content_type": "text/csv"}
    status, _, body = ask(outputs["url"], "POST", row, **{**signed(shared_cloud, outputs["url"], body=row), **kind})
    assert (status, json.loads(body)["greeting"], "answer" in json.loads(body)) == (200, "hello", True)

    driver.set_config({"p:greeting": "good evening"})
    summary = driver.up(lambda _: None)
    assert (summary.changes["update"], "replace" in summary.changes) == (2, False), "the function and its alias"
    assert summary.outputs["version"] == "2"
    assert (greeted(outputs["alias"]), greeted("1")) == ("good evening", "hello")

    functions.update_function_configuration(FunctionName=outputs["front"], Timeout=9)
    shared_cloud.client("cloudwatch").delete_alarms(AlarmNames=[outputs["alarm"]])
    assert driver.refresh(lambda _: None).changed is True
    summary = driver.up(lambda _: None)
    assert (summary.changes["create"], summary.changes["update"]) == (1, 2)
    assert functions.get_function_configuration(FunctionName=outputs["front"])["Timeout"] == 60

    driver.destroy(lambda _: None)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        functions.get_function(FunctionName=outputs["front"])
    with pytest.raises(ClientError, match="RepositoryNotFoundException"):
        shared_cloud.client("ecr").describe_repositories(repositoryNames=[outputs["repository"]])
    assert (
        shared_cloud.client("sagemaker").list_model_package_groups(NameContains=unique)["ModelPackageGroupSummaryList"]
        == []
    )
