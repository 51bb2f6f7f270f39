"""A nightly machine of steps: its roles' documents are data, its schedule tells a queue, and a table has what was done."""

import json

import pulumi
import pulumi_aws as aws
from serving import service
from told import later, name


def trusts(which):
    return aws.iam.get_policy_document(
        statements=[
            {
                "actions": ["sts:AssumeRole"],
                "principals": [{"type": "Service", "identifiers": [which]}],
                "conditions": [{"test": "StringEquals", "variable": "aws:SourceAccount", "values": [account]}],
            }
        ]
    ).json


account = aws.get_caller_identity().account_id
partition = aws.get_partition().partition
runs = aws.iam.Role(
    "runs", name=f"{name}-runs", assume_role_policy=trusts("states.amazonaws.com"), max_session_duration=7200
)
base = aws.iam.get_policy_document(
    statements=[
        {
            "sid": "Jobs",
            "actions": ["sagemaker:CreateTransformJob", "sagemaker:DescribeTransformJob", "sagemaker:StopTransformJob"],
            "resources": [f"arn:{partition}:sagemaker:*:{account}:transform-job/{name}-*"],
        }
    ]
)
wider = aws.iam.get_policy_document_output(
    source_policy_documents=[base.json],
    statements=[
        {
            "sid": "Data",
            "actions": ["s3:GetObject", *(["s3:PutObject"] if later else [])],
            "resources": [service.bucket_arn.apply("{}/nightly/*".format)],
        }
    ],
)
aws.iam.RolePolicy("runs", role=runs.name, policy=wider.json)
scores = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sagemaker:createTransformJob.sync",
    "Next": "Enough",
    "Retry": [{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 3 if later else 2}],
    "Parameters": {"TransformJobName.$": "$.name"},
}
machine = aws.sfn.StateMachine(
    "nightly",
    name=f"{name}-nightly",
    role_arn=runs.arn,
    definition=json.dumps(
        {
            "StartAt": "Score",
            "States": {
                "Score": scores,
                "Enough": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.rows", "NumericGreaterThan": 0, "Next": "Done"}],
                    "Default": "None",
                },
                "None": {"Type": "Fail", "Error": "NoRows"},
                "Done": {"Type": "Succeed"},
            },
        }
    ),
)
starts = aws.iam.Role("starts", name=f"{name}-starts", assume_role_policy=trusts("scheduler.amazonaws.com"))
work = aws.sqs.Queue("work", name=f"{name}-work")
aws.iam.RolePolicy(
    "starts",
    role=starts.name,
    policy=pulumi.Output.all(work.arn, machine.arn).apply(
        lambda arns: json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arns[0]},
                    {"Effect": "Allow", "Action": "states:StartExecution", "Resource": arns[1]},
                ],
            }
        )
    ),
)
group = aws.scheduler.ScheduleGroup("nightly", name=f"{name}-nightly")
aws.scheduler.Schedule(
    "nightly",
    name=f"{name}-nightly",
    group_name=group.name,
    schedule_expression="cron(30 3 * * ? *)" if later else "cron(0 2 * * ? *)",
    schedule_expression_timezone="Europe/Berlin",
    flexible_time_window={"mode": "FLEXIBLE", "maximum_window_in_minutes": 10},
    target={
        "arn": work.arn,
        "role_arn": starts.arn,
        "input": json.dumps({"job": "nightly"}),
        "retry_policy": {"maximum_retry_attempts": 2},
    },
)
aws.dynamodb.Table(
    "done",
    name=f"{name}-done",
    billing_mode="PAY_PER_REQUEST",
    hash_key="day",
    attributes=[{"name": "day", "type": "S"}],
)
outputs = {"machine": machine.arn, "group": group.name, "work": work.url, "role": runs.name}
