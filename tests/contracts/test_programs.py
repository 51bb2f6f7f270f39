"""Whole programs by the real engine: assets, provider settings, named resources, equal inputs, and refusals before anything is made."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.contracts.errors import EngineError
from fogbank.engine.stack import StackDriver
from fogbank.testing import CloudProcess, deploy_with_engine
from tests.stacks import team_stack

MANY = """
import json
import pulumi
import pulumi_aws as aws

config = pulumi.Config()
name, kind, written = config.require("name"), config.get("kind") or "ml.m5.large", config.get("written") == "yes"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


def defaults(**given):
    return given if written else {}


bucket = aws.s3.Bucket("b", bucket=name, force_destroy=True, tags={"own": "1"})
for key, source in {
    "settings.json": pulumi.FileAsset("settings.json"),
    "code.zip": pulumi.AssetArchive({"inference.py": pulumi.StringAsset("x = 1\\n")}),
    "site.zip": pulumi.FileArchive("site"),
    "page": pulumi.RemoteAsset(config.require("page")),
}.items():
    aws.s3.BucketObjectv2(key, bucket=bucket.bucket, key=key, source=source)
role = aws.iam.Role("r", name=name, assume_role_policy=TRUST, **defaults(path="/", max_session_duration=3600, description=""))
actions = ["s3:GetObject", "s3:PutObject"][:: -1 if written else 1]
aws.iam.RolePolicy("rp", role=role.name, policy=json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}))
model = aws.sagemaker.Model(
    "m", name=name, execution_role_arn=role.arn,
    primary_container={"image": "i", "model_data_url": f"s3://{name}/m", "environment": {"KIND": kind},
                       **defaults(mode="SingleModel")},
    vpc_config={"subnets": ["subnet-1", "subnet-2"][:: -1 if written else 1], "security_group_ids": ["sg-1"]},
    **defaults(enable_network_isolation=False),
)
aws.sagemaker.EndpointConfiguration("c", name=name, production_variants=[
    {"variant_name": "v", "model_name": model.name, "instance_type": kind, "initial_instance_count": 1,
     **defaults(initial_variant_weight=1.0)}])
aws.scheduler.Schedule(
    "s", name=name, schedule_expression="rate(300 days)", flexible_time_window={"mode": "OFF"},
    target={"arn": "arn:aws:sqs:us-east-1:123456789012:none", "role_arn": role.arn},
    **defaults(group_name="default", schedule_expression_timezone="UTC", state="ENABLED", description=""))
pulumi.export("bucket", bucket.tags_all)
pulumi.export("model", model.tags_all)
"""
REFUSED = """
import pulumi
import pulumi_aws as aws

name = pulumi.Config().require("name")
aws.s3.Bucket("good", bucket=name, force_destroy=True)
aws.iam.Role("also-good", name=name, assume_role_policy="{}")
aws.s3.Bucket("site", bucket=f"{name}-site", website={"index_document": "index.html"})
aws.kinesis.Stream("news")
aws.glacier.Vault("jobs")
"""
TEAM = """
import json
import pulumi
import pulumi_aws as aws

config = pulumi.Config()
name, keeps = config.require("name"), config.get_int("keeps") or 10
trust = aws.iam.get_policy_document(statements=[
    {"actions": ["sts:AssumeRole"], "principals": [{"type": "Service", "identifiers": ["sagemaker.amazonaws.com"]}]}])
bucket = aws.s3.Bucket("b", bucket=name, force_destroy=True)
aws.s3.BucketVersioning("v", bucket=bucket.bucket, versioning_configuration={"status": "Enabled"})
aws.s3.BucketServerSideEncryptionConfiguration("sse", bucket=bucket.bucket, rules=[
    {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}])
aws.s3.BucketNotification("n", bucket=bucket.bucket, eventbridge=True)
document = aws.iam.get_policy_document_output(statements=[{"actions": ["s3:GetObject"], "resources": [bucket.arn.apply("{}/*".format)]}])
policy = aws.iam.Policy("p", name=name, policy=document.json)
role = aws.iam.Role("r", name=name, assume_role_policy=trust.json)
aws.iam.RolePolicyAttachment("own", role=role.name, policy_arn=policy.arn)
aws.iam.RolePolicyAttachment("aws", role=role.name, policy_arn="arn:aws:iam::aws:policy/ReadOnlyAccess")
models = aws.ecr.Repository("models", name=name, image_scanning_configuration={"scan_on_push": True}, force_delete=True)
aws.ecr.LifecyclePolicy("models-keep", repository=models.name, policy=json.dumps({"rules": [{"rulePriority": 1, "selection":
    {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": keeps}, "action": {"type": "expire"}}]}))
table = aws.dynamodb.Table("t", attributes=[{"name": "id", "type": "S"}], hash_key="id", billing_mode="PAY_PER_REQUEST")
vpc = aws.ec2.Vpc("ml", cidr_block="10.9.0.0/16", tags={"Name": name})
zone = aws.get_availability_zones(state="available").names[0]
subnet = aws.ec2.Subnet("ml-a", vpc_id=vpc.id, cidr_block="10.9.1.0/24", availability_zone=zone)
group = aws.ec2.SecurityGroup("ml-sg", vpc_id=vpc.id, egress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}])
pulumi.export("default", aws.ec2.get_subnets(filters=[{"name": "vpc-id", "values": [aws.ec2.get_vpc(default=True).id]}]).ids)
pulumi.export("found", aws.s3.get_bucket_output(bucket=bucket.bucket).arn)
pulumi.export("trusts", aws.iam.get_role_output(name=role.name).arn)
pulumi.export("vpc", vpc.id)
pulumi.export("repository", models.repository_url)
pulumi.export("table", table.name)
"""


class Page(BaseHTTPRequestHandler):
    """One page, whatever is asked for."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"fetch")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing is printed."""


@contextmanager
def page() -> Iterator[str]:
    """Where the page is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/x"
        server.shutdown()


def project(folder: Path, program: str, **stack: str) -> Path:
    """A project whose program lies in infra/, with assets beside it."""
    (folder / "infra" / "site").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: p\nruntime: python\nmain: infra/\n")
    (folder / "Pulumi.local.yaml").write_text(team_stack(**stack))
    (folder / "infra" / "__main__.py").write_text(program)
    (folder / "infra" / "settings.json").write_text('{"its": "own"}')
    (folder / "infra" / "site" / "index.html").write_text("<p>")
    return folder


def unzipped(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def configure(driver: StackDriver, **values: Any) -> None:
    driver.set_config({key.replace("__", ":"): value for key, value in values.items()})


def test_a_program_of_many_kinds(shared_cloud: CloudProcess, unique: str, tmp_path: Path) -> None:
    with page() as url:
        folder = project(tmp_path / "p", MANY, url=shared_cloud.url, name=unique, page=url)
        deployed = deploy_with_engine(folder, shared_cloud, tmp_path / "state")
        driver = deployed.driver
        assert driver is not None
        holds_the_programs_assets(shared_cloud, unique)
        has_tags(shared_cloud, unique, deployed.outputs, "fraud")

        configure(
            driver, p__written="yes"
        )  # the defaults are written out, the sets and the policy are in another order
        driver.preview(lambda _: None, expect_no_changes=True)

        configure(driver, p__kind="ml.m5.xlarge", aws__defaultTags={"tags": {"team": "risk"}})
        summary = driver.up(lambda _: None)
        has_tags(shared_cloud, unique, summary.outputs, "risk")
        described = shared_cloud.client("sagemaker").describe_endpoint_config(EndpointConfigName=unique)
        assert described["ProductionVariants"][0]["InstanceType"] == "ml.m5.xlarge"
        assert summary.changes["replace"] == 2

        configure(driver, aws__allowedAccountIds=["999999999999"])
        with pytest.raises(EngineError, match="AWS account ID not allowed: 123456789012"):
            driver.preview(lambda _: None)


def holds_the_programs_assets(cloud: CloudProcess, name: str) -> None:
    s3 = cloud.client("s3")
    keys = ("settings.json", "code.zip", "site.zip", "page")
    bodies = {key: s3.get_object(Bucket=name, Key=key)["Body"].read() for key in keys}
    assert json.loads(bodies["settings.json"]) == {"its": "own"}
    assert unzipped(bodies["code.zip"]) == {"inference.py": b"x = 1\n"}
    assert unzipped(bodies["site.zip"]) == {"index.html": b"<p>"}
    assert bodies["page"] == b"fetch"


def has_tags(cloud: CloudProcess, name: str, outputs: Any, team: str) -> None:
    assert (outputs["bucket"], outputs["model"]) == ({"own": "1", "team": team}, {"team": team})
    bucket = cloud.client("s3").get_bucket_tagging(Bucket=name)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in bucket} == outputs["bucket"]
    arn = cloud.client("sagemaker").describe_model(ModelName=name)["ModelArn"]
    assert cloud.client("sagemaker").list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": team}]


def test_a_program_of_a_platform_team(shared_cloud: CloudProcess, unique: str, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", TEAM, url=shared_cloud.url, name=unique, page="none")
    deployed = deploy_with_engine(folder, shared_cloud, tmp_path / "state")
    driver = deployed.driver
    assert driver is not None
    iam, ecr, dynamodb = (shared_cloud.client(service) for service in ("iam", "ecr", "dynamodb"))
    attached = iam.list_attached_role_policies(RoleName=unique)["AttachedPolicies"]
    assert {item["PolicyName"] for item in attached} == {unique, "ReadOnlyAccess"}
    assert len(deployed.outputs["default"]) > 1
    assert deployed.outputs["found"] == f"arn:aws:s3:::{unique}"
    assert str(deployed.outputs["trusts"]).endswith(f":role/{unique}")
    assert str(deployed.outputs["repository"]).endswith(f".amazonaws.com/{unique}")
    driver.preview(lambda _: None, expect_no_changes=True)

    configure(driver, p__keeps="5")
    assert driver.up(lambda _: None).changes["replace"] == 1
    kept = json.loads(ecr.get_lifecycle_policy(repositoryName=unique)["lifecyclePolicyText"])
    assert kept["rules"][0]["selection"]["countNumber"] == 5

    iam.detach_role_policy(RoleName=unique, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    driver.refresh(lambda _: None)
    assert driver.up(lambda _: None).changes["create"] == 1
    driver.destroy(lambda _: None)
    with pytest.raises(ClientError, match=r"InvalidVpcID\.NotFound"):
        shared_cloud.client("ec2").describe_vpcs(VpcIds=[deployed.outputs["vpc"]])
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        dynamodb.describe_table(TableName=deployed.outputs["table"])
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName=unique)


def test_nothing_is_made_before_all_that_is_refused_was_told(
    shared_cloud: CloudProcess, unique: str, tmp_path: Path
) -> None:
    folder = project(tmp_path / "p", REFUSED, url=shared_cloud.url, name=unique, page="none")
    with pytest.raises(EngineError) as caught:
        deploy_with_engine(folder, shared_cloud, tmp_path / "state")

    for words in ("website", "aws:kinesis/stream:Stream", "aws:glacier/vault:Vault"):
        assert words in caught.value.cause
    assert (caught.value.code, "nothing was made" in caught.value.hint) == ("up-failed", True)
    assert "KeyboardInterrupt" not in str(caught.value)
    assert "Traceback" not in str(caught.value)
    with pytest.raises(ClientError, match="404"):
        shared_cloud.client("s3").head_bucket(Bucket=unique)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        shared_cloud.client("iam").get_role(RoleName=unique)
