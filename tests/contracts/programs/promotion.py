"""Versions of a model are promoted by approval: who approves is told to a queue, and what is approved stands in a parameter."""

import json

import pulumi_aws as aws
from told import later, name

group = aws.sagemaker.ModelPackageGroup(
    "models", model_package_group_name=f"{name}-models", model_package_group_description="Of the team"
)
approved = aws.ssm.Parameter(
    "approved",
    name=f"/{name}/approved",
    type="String",
    value="2" if later else "1",
    description="The version that serves",
)
aws.ssm.Parameter("threshold", name=f"/{name}/threshold", type="SecureString", value="0.7" if later else "0.5")
read = aws.ssm.get_parameter_output(name=approved.name)
bus = aws.cloudwatch.EventBus("models", name=f"{name}-models")
news = aws.sqs.Queue("news", name=f"{name}-news")
rule = aws.cloudwatch.EventRule(
    "approved",
    name=f"{name}-approved",
    description="A version is approved or rejected",
    event_pattern=json.dumps(
        {
            "source": ["aws.sagemaker"],
            "detail-type": ["SageMaker Model Package State Change"],
            "detail": {"ModelPackageGroupName": [f"{name}-models"]},
        }
    ),
)
aws.cloudwatch.EventTarget(
    "approved-news",
    rule=rule.name,
    arn=news.arn,
    input_transformer={"input_paths": {"status": "$.detail.ModelApprovalStatus"}, "input_template": '"<status>"'},
)
own = aws.cloudwatch.EventRule(
    "promoted", name=f"{name}-promoted", event_bus_name=bus.name, event_pattern=json.dumps({"source": [name]})
)
aws.cloudwatch.EventTarget("promoted-news", rule=own.name, event_bus_name=bus.name, arn=news.arn, input_path="$.detail")
outputs = {"group": group.model_package_group_name, "queue": news.url, "bus": bus.name, "serves": read.value}
