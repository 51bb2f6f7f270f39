"""Ten more programs of a platform team (`programs/`), by the real engine as one stack on a cloud of its own: they deploy, work by boto3, change
nothing twice, show what was done by hand, change, and go. What each is for is asked in a function of its name."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fogbank.contracts.config import ProjectConfig
from fogbank.ground.aws import LocalClients
from fogbank.testing import CloudProcess, deploy_with_engine
from tests.contracts.aws.issuer import Issuer, issuing
from tests.contracts.aws.test_function_urls import ask
from tests.stacks import team_stack
from tests.waiting import until_answer

PROGRAMS = Path(__file__).with_name("programs")
NAME = "team"
SCORED, REFUSED = 200, 401


def test_ten_programs_of_a_platform_team_live_and_go(
    local_cloud: CloudProcess, fogbank_project: ProjectConfig, tmp_path: Path
) -> None:
    folder = tmp_path / "p"
    shutil.copytree(PROGRAMS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    sample = (fogbank_project.trained / "sample.csv").read_bytes()
    clients = LocalClients(local_cloud.url, local_cloud.secret)
    before = left(clients)
    with issuing() as issuer:
        own = {"name": NAME, "package": str(fogbank_project.package), "cloud": local_cloud.url, "issuer": issuer.url}
        (folder / "Pulumi.local.yaml").write_text(team_stack(local_cloud.url, **own))
        deployed = deploy_with_engine(folder, local_cloud, tmp_path / "state")
        driver = deployed.driver
        assert driver is not None
        driver.preview(lambda _: None, expect_no_changes=True)
        assert driver.refresh(lambda _: None).changed is False
        works(clients, deployed.outputs, "first")
        front(clients, deployed.outputs["front"], sample, issuer)
        for by_hand in BY_HAND:
            by_hand(clients, deployed.outputs)
        assert driver.refresh(lambda _: None).changed is True

        driver.set_config({"p:later": "true"})
        summary = driver.up(lambda _: None)
        works(clients, summary.outputs, "second")
        assert driver.refresh(lambda _: None).changed is False

    driver.destroy(lambda _: None)
    assert {key: names - before[key] for key, names in left(clients).items() if names - before[key]} == {}


def works(clients: LocalClients, outputs: Any, stage: str) -> None:
    """All but the API, which needs tokens."""
    for check in CHECKS:
        check(clients, outputs[check.__name__], stage)


def network(clients: LocalClients, said: Any, stage: str) -> None:
    ec2, mine = clients("ec2", "us-east-1"), [{"Name": "vpc-id", "Values": [said["vpc"]]}]
    kinds = {
        item["ServiceName"]: item["VpcEndpointType"]
        for item in ec2.describe_vpc_endpoints(Filters=mine)["VpcEndpoints"]
    }
    assert kinds == {
        "com.amazonaws.us-east-1.s3": "Gateway", "com.amazonaws.us-east-1.logs": "Interface", "com.amazonaws.us-east-1.sagemaker.runtime": "Interface",
    }  # fmt: skip
    [group] = ec2.describe_security_groups(
        Filters=[*mine, {"Name": "description", "Values": ["Endpoints of services"]}]
    )["SecurityGroups"]
    sources = [pair["GroupId"] for rule in group["IpPermissions"] for pair in rule["UserIdGroupPairs"]]
    blocks = [block["CidrIp"] for rule in group["IpPermissions"] for block in rule["IpRanges"]]
    assert (sources, blocks) == ([said["group"]], ["192.168.0.0/16"] if stage == "second" else [])
    sagemaker = clients("sagemaker", "us-east-1")
    [variant] = sagemaker.describe_endpoint(EndpointName=f"{NAME}-live")["ProductionVariants"]
    assert variant["CurrentInstanceCount"] >= 1
    [model] = sagemaker.list_models(NameContains=NAME)["Models"]
    asked = sagemaker.describe_model(ModelName=model["ModelName"])["VpcConfig"]
    assert (sorted(asked["Subnets"]), asked["SecurityGroupIds"]) == (sorted(said["subnets"]), [said["group"]])


def arrivals(clients: LocalClients, said: Any, stage: str) -> None:
    s3 = clients("s3", "us-east-1")
    s3.put_object(Bucket=said["bucket"], Key=f"{stage}.csv", Body=b"1")
    assert received(clients, said["queue"]) == [{"key": f"{stage}.csv", "stage": stage}]
    sqs = clients("sqs", "us-east-1")
    sqs.send_message(QueueUrl=said["queue"], MessageBody='"nobody can read it"')
    for _ in range(4):  # it is taken three times, and then no more
        sqs.receive_message(QueueUrl=said["queue"], VisibilityTimeout=0)
    assert received(clients, said["dead"]) == ["nobody can read it"]


def promotion(clients: LocalClients, said: Any, stage: str) -> None:
    sagemaker = clients("sagemaker", "us-east-1")
    container = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/m:1", "ModelDataUrl": f"s3://{NAME}/m.tar.gz"}
    spec = {
        "Containers": [container],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    arn = sagemaker.create_model_package(
        ModelPackageGroupName=said["group"], InferenceSpecification=spec, ModelApprovalStatus="PendingManualApproval"
    )["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    until_answer(lambda: received(clients, said["queue"]), lambda found: "Approved" in found)
    entry = {"Source": NAME, "DetailType": "d", "Detail": json.dumps({"version": stage}), "EventBusName": said["bus"]}
    clients("events", "us-east-1").put_events(Entries=[entry])
    assert received(clients, said["queue"]) == [{"version": stage}]
    assert said["serves"] == ("2" if stage == "second" else "1")
    kept = clients("ssm", "us-east-1").get_parameters_by_path(Path=f"/{NAME}", WithDecryption=True)["Parameters"]
    assert {item["Name"]: item["Value"] for item in kept}[f"/{NAME}/threshold"] == (
        "0.7" if stage == "second" else "0.5"
    )
    sagemaker.delete_model_package(ModelPackageName=arn)


def regions(clients: LocalClients, said: Any, stage: str) -> None:
    cost = "b" if stage == "second" else "a"
    assert (said["tags-eu"], said["tags-us"]) == (
        {"own": "1", "residency": "eu", "cost": cost}, {"own": "1", "residency": "us"},
    )  # fmt: skip
    assert (said["region-eu"], said["region-us"]) == ("eu-west-1", "us-west-2")
    assert said["topic-eu"].split(":")[3] == "eu-west-1"
    homes = {
        region: clients("ssm", region).get_parameter(Name=f"/{NAME}/home")["Parameter"]["Value"]
        for region in ("eu-west-1", "us-west-2", "ap-south-1")
    }
    assert homes == {
        "eu-west-1": f"arn:aws:s3:::{NAME}-eu",
        "us-west-2": f"arn:aws:s3:::{NAME}-us",
        "ap-south-1": "none yet",
    }
    assert clients("s3", "eu-west-1").get_bucket_location(Bucket=f"{NAME}-eu")["LocationConstraint"] == "eu-west-1"


def front(clients: LocalClients, said: Any, row: bytes, issuer: Issuer) -> None:
    """A token of somebody opens it; who that was is in the table, for those with the key."""
    place, kind = f"{said['url']}/score", {"content_type": "text/csv"}
    assert ask(place, "POST", row, **kind)[0] == REFUSED
    token = issuer.token(aud="rows", sub="ada", exp=int(time.time()) + 3600)
    status, _, body = ask(place, "POST", row, authorization=token, **kind)
    assert (status, bool(body)) == (SCORED, True)
    [item] = clients("dynamodb", "us-east-1").scan(TableName=said["table"])["Items"]
    who = clients("kms", "us-east-1").decrypt(CiphertextBlob=item["who"]["B"])["Plaintext"]
    assert (who, said["rights"]) == (b"ada", 3)


def watch(clients: LocalClients, said: Any, stage: str) -> None:
    cloudwatch = clients("cloudwatch", "us-east-1")
    for short in ("errors", "latency"):
        cloudwatch.set_alarm_state(AlarmName=f"{NAME}-{short}", StateValue="ALARM", StateReason=stage)
    assert {item["AlarmName"] for item in received(clients, said["tickets"], 2)} == {
        f"{NAME}-errors",
        f"{NAME}-latency",
    }
    [told] = received(clients, said["pages"])
    assert (told["AlarmName"], told["NewStateValue"]) == (said["both"], "ALARM")
    for short in ("errors", "latency"):
        cloudwatch.set_alarm_state(AlarmName=f"{NAME}-{short}", StateValue="OK", StateReason=stage)
    received(clients, said["tickets"], 2)
    [latency] = cloudwatch.describe_alarms(AlarmNames=[f"{NAME}-latency"])["MetricAlarms"]
    assert latency["Threshold"] == (200_000 if stage == "second" else 400_000)
    assert "Requests" in cloudwatch.get_dashboard(DashboardName=said["board"])["DashboardBody"]


def scaling(clients: LocalClients, said: Any, stage: str) -> None:
    autoscaling, of = (
        clients("application-autoscaling", "us-east-1"),
        {"ServiceNamespace": "sagemaker", "ResourceId": said["target"]},
    )
    actions = autoscaling.describe_scheduled_actions(**of)["ScheduledActions"]
    assert {item["ScheduledActionName"]: item["ScalableTargetAction"]["MinCapacity"] for item in actions} == {
        f"{NAME}-morning": 2,
        f"{NAME}-evening": 1,
    }
    [target] = autoscaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[said["target"]])[
        "ScalableTargets"
    ]
    assert target["MaxCapacity"] == (3 if stage == "second" else 2)
    [alarm] = clients("cloudwatch", "us-east-1").describe_alarms(AlarmNames=[said["busy"]])["MetricAlarms"]
    [policy] = autoscaling.describe_scaling_policies(**of)["ScalingPolicies"]
    assert alarm["AlarmActions"] == [policy["PolicyARN"]]
    if stage == "first":
        asked = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
        clients("sagemaker", "us-east-1").update_endpoint_weights_and_capacities(
            EndpointName=f"{NAME}-live", DesiredWeightsAndCapacities=asked
        )
        until_answer(lambda: count(clients), lambda found: found == 2)
    assert count(clients) == 2, "an update keeps the count that somebody set"


def count(clients: LocalClients) -> int:
    described = clients("sagemaker", "us-east-1").describe_endpoint(EndpointName=f"{NAME}-live")
    return int(described["ProductionVariants"][0]["CurrentInstanceCount"])


def nightly(clients: LocalClients, said: Any, stage: str) -> None:
    machines = clients("stepfunctions", "us-east-1")
    definition = json.loads(machines.describe_state_machine(stateMachineArn=said["machine"])["definition"])
    assert definition["States"]["Score"]["Retry"][0]["MaxAttempts"] == (3 if stage == "second" else 2)
    schedule = clients("scheduler", "us-east-1").get_schedule(Name=f"{NAME}-nightly", GroupName=said["group"])
    assert schedule["ScheduleExpression"] == ("cron(30 3 * * ? *)" if stage == "second" else "cron(0 2 * * ? *)")
    document = clients("iam", "us-east-1").get_role_policy(
        RoleName=said["role"], PolicyName=policy_of(clients, said["role"])
    )["PolicyDocument"]
    granted = {statement["Sid"]: statement["Action"] for statement in document["Statement"]}
    assert granted["Data"] == (["s3:PutObject", "s3:GetObject"] if stage == "second" else "s3:GetObject")
    assert len(granted["Jobs"]) == 3


def policy_of(clients: LocalClients, role: str) -> str:
    [name] = clients("iam", "us-east-1").list_role_policies(RoleName=role)["PolicyNames"]
    return str(name)


def images(clients: LocalClients, said: Any, stage: str) -> None:
    ecr = clients("ecr", "us-east-1")
    rules = json.loads(ecr.get_lifecycle_policy(repositoryName=f"{NAME}/models")["lifecyclePolicyText"])["rules"]
    assert rules[0]["selection"]["countNumber"] == (7 if stage == "second" else 14)
    assert "sagemaker.amazonaws.com" in ecr.get_repository_policy(repositoryName=f"{NAME}/models")["policyText"]
    value = clients("secretsmanager", "us-east-1").get_secret_value(SecretId=said["secret"])["SecretString"]
    assert json.loads(value) == {"user": "robot", "token": "two" if stage == "second" else "one"}
    assert (said["key"], said["repository"].endswith(f"/{NAME}/models")) == (said["own"], True)


def stewardship(clients: LocalClients, said: Any, stage: str) -> None:
    s3, key = clients("s3", "us-east-1"), f"raw/{stage}.csv"
    for body in (b"one", b"two"):
        s3.put_object(Bucket=said["bucket"], Key=key, Body=body)
    assert len(s3.list_object_versions(Bucket=said["bucket"], Prefix=key)["Versions"]) == 2
    assert s3.head_object(Bucket=said["bucket"], Key=key)["ServerSideEncryption"] == "aws:kms"
    told = received(
        clients, said["queue"], 3 if stage == "first" else 2
    )  # S3 begins with a message that tests the queue
    assert [item["Records"][0]["s3"]["object"]["key"] for item in told if "Records" in item] == [key, key]
    [rule] = s3.get_bucket_replication(Bucket=said["bucket"])["ReplicationConfiguration"]["Rules"]
    assert rule["Destination"]["StorageClass"] == ("GLACIER" if stage == "second" else "STANDARD_IA")
    days = [
        rule["Expiration"]["Days"]
        for rule in s3.get_bucket_lifecycle_configuration(Bucket=said["bucket"])["Rules"]
        if "Expiration" in rule
    ]
    assert days == [30 if stage == "second" else 90]
    budgets = clients("budgets", "us-east-1")
    [limit] = [item["BudgetLimit"]["Amount"] for item in budgets.describe_budgets(AccountId="123456789012")["Budgets"]]
    assert (float(limit), said["tags"]) == (
        300 if stage == "second" else 200,
        {"class": "confidential", "team": "fraud"},
    )


def received(clients: LocalClients, queue: str, number: int = 1) -> list[Any]:
    """So many messages of a queue, which are then gone."""
    sqs, found = clients("sqs", "us-east-1"), []

    def more() -> int:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages", []
        ):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            found.append(json.loads(message["Body"]))
        return len(found)

    until_answer(more, lambda known: known >= number)
    return found


def timeout_by_hand(clients: LocalClients, outputs: Any) -> None:
    clients("lambda", "us-east-1").update_function_configuration(FunctionName=f"{NAME}-in", Timeout=9)


def alarm_deleted(clients: LocalClients, outputs: Any) -> None:
    clients("cloudwatch", "us-east-1").delete_alarms(AlarmNames=[outputs["watch"]["both"]])


def versions_suspended(clients: LocalClients, outputs: Any) -> None:
    suspended = {"Status": "Suspended"}
    clients("s3", "us-east-1").put_bucket_versioning(
        Bucket=outputs["stewardship"]["bucket"], VersioningConfiguration=suspended
    )


def parameter_elsewhere(clients: LocalClients, outputs: Any) -> None:
    clients("ssm", "ap-south-1").put_parameter(Name=f"/{NAME}/home", Value="by hand", Type="String", Overwrite=True)


def left(clients: LocalClients) -> dict[str, set[str]]:
    """What an account has of what the programs declare."""
    ec2, sagemaker, iam = (clients(service, "us-east-1") for service in ("ec2", "sagemaker", "iam"))
    autoscaling = clients("application-autoscaling", "us-east-1")
    found = {
        "vpcs": {item["VpcId"] for item in ec2.describe_vpcs()["Vpcs"]},
        "groups": {item["GroupId"] for item in ec2.describe_security_groups()["SecurityGroups"]},
        "tables": {item["RouteTableId"] for item in ec2.describe_route_tables()["RouteTables"]},
        "gateways": {item["InternetGatewayId"] for item in ec2.describe_internet_gateways()["InternetGateways"]},
        "ways": {item["VpcEndpointId"] for item in ec2.describe_vpc_endpoints()["VpcEndpoints"] if item["State"].lower() != "deleted"},
        "models": {item["ModelName"] for item in sagemaker.list_models()["Models"]},
        "configurations": {item["EndpointConfigName"] for item in sagemaker.list_endpoint_configs()["EndpointConfigs"]},
        "endpoints": {item["EndpointName"] for item in sagemaker.list_endpoints()["Endpoints"]},
        "package groups": {item["ModelPackageGroupName"] for item in sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]},
        "roles": {item["RoleName"] for item in iam.list_roles()["Roles"]},
        "policies": {item["PolicyName"] for item in iam.list_policies(Scope="Local")["Policies"]},
        "buckets": {item["Name"] for item in clients("s3", "us-east-1").list_buckets()["Buckets"]},
        "queues": {*clients("sqs", "us-east-1").list_queues().get("QueueUrls", [])},
        "functions": {item["FunctionName"] for item in clients("lambda", "us-east-1").list_functions()["Functions"]},
        "apis": {item["ApiId"] for item in clients("apigatewayv2", "us-east-1").get_apis()["Items"]},
        "buses": {item["Name"] for item in clients("events", "us-east-1").list_event_buses()["EventBuses"]},
        "rules": {item["Name"] for item in clients("events", "us-east-1").list_rules()["Rules"]},
        "alarms": {item["AlarmName"] for item in clients("cloudwatch", "us-east-1").describe_alarms()["MetricAlarms"]},
        "dashboards": {item["DashboardName"] for item in clients("cloudwatch", "us-east-1").list_dashboards()["DashboardEntries"]},
        "targets": {item["ResourceId"] for item in autoscaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]},
        "machines": {item["name"] for item in clients("stepfunctions", "us-east-1").list_state_machines()["stateMachines"]},
        "schedules": {item["Name"] for item in clients("scheduler", "us-east-1").list_schedules()["Schedules"]},
        "tables of items": {*clients("dynamodb", "us-east-1").list_tables()["TableNames"]},
        "repositories": {item["repositoryName"] for item in clients("ecr", "us-east-1").describe_repositories()["repositories"]},
        "secrets": {item["Name"] for item in clients("secretsmanager", "us-east-1").list_secrets()["SecretList"]},
        "aliases": {item["AliasName"] for item in clients("kms", "us-east-1").list_aliases()["Aliases"]},
        "budgets": {item["BudgetName"] for item in clients("budgets", "us-east-1").describe_budgets(AccountId="123456789012").get("Budgets", [])},
        "log groups": {item["logGroupName"] for item in clients("logs", "us-east-1").describe_log_groups(logGroupNamePrefix=f"/{NAME}")["logGroups"]},
    }  # fmt: skip
    for region in ("us-east-1", "eu-west-1", "us-west-2", "ap-south-1"):
        found[f"topics of {region}"] = {item["TopicArn"] for item in clients("sns", region).list_topics()["Topics"]}
        found[f"parameters of {region}"] = {
            item["Name"] for item in clients("ssm", region).describe_parameters()["Parameters"]
        }
    return found


Check = Callable[[LocalClients, Any, str], None]
CHECKS: tuple[Check, ...] = (network, arrivals, promotion, regions, watch, scaling, nightly, images, stewardship)
BY_HAND: tuple[Callable[[LocalClients, Any], None], ...] = (
    timeout_by_hand,
    alarm_deleted,
    versions_suspended,
    parameter_elsewhere,
)
