"""Lives of the stand-in's types of CloudWatch and Application Auto Scaling."""

from __future__ import annotations

import json

from fogbank.provider.standin import StandIn
from tests.lives import Life
from tests.lives_services import made


def alarming(standin: StandIn, unique: str) -> list[Life]:
    """CloudWatch's alarms and dashboards."""
    topic = made(standin, "aws:sns/topic:Topic", {"name": f"{unique}-alarming"})["arn"]
    metric = {"metricName": "m", "namespace": unique, "period": 60, "statistic": "Sum"}
    compared = {"comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 2, "threshold": 5}
    made(standin, "aws:cloudwatch/metricAlarm:MetricAlarm", {"name": f"{unique}-child", **metric, **compared})

    body = {"widgets": [{"type": "text", "x": 0, "y": 0, "width": 3, "height": 3, "properties": {"markdown": "one"}}]}
    return [
        Life(
            "aws:cloudwatch/metricAlarm:MetricAlarm",
            {
                "name": unique, **metric, **compared, "dimensions": {"EndpointName": "e", "VariantName": "v"}, "alarmActions": [topic],
                "alarmDescription": "One", "datapointsToAlarm": 1, "treatMissingData": "notBreaching", "tags": {"a": "1"},
            },
            {
                "threshold": 9, "alarmActions": None, "okActions": [topic], "alarmDescription": None, "actionsEnabled": False,
                "dimensions": {"EndpointName": "e"}, "tags": {"b": "2"},
            },
            by_hand=("cloudwatch", "enable_alarm_actions", {"AlarmNames": [unique]}),
        ),
        Life(
            "aws:cloudwatch/compositeAlarm:CompositeAlarm",
            {
                "alarmName": f"{unique}-both", "alarmRule": f'ALARM("{unique}-child")', "alarmActions": [topic],
                "alarmDescription": "One", "tags": {"a": "1"},
            },
            {"alarmRule": f'NOT OK("{unique}-child")', "alarmDescription": None, "tags": {"b": "2"}},
            by_hand=("cloudwatch", "disable_alarm_actions", {"AlarmNames": [f"{unique}-both"]}),
        ),
        Life(
            "aws:cloudwatch/dashboard:Dashboard",
            {"dashboardName": unique, "dashboardBody": json.dumps(body)},
            {"dashboardBody": json.dumps({"widgets": []})},
            by_hand=("cloudwatch", "put_dashboard", {"DashboardName": unique, "DashboardBody": json.dumps(body)}),
        ),
        Life(
            "aws:budgets/budget:Budget",
            {
                "name": unique, "budgetType": "COST", "timeUnit": "MONTHLY", "limitAmount": "200", "limitUnit": "USD",
                "costFilters": [{"name": "TagKeyValue", "values": ["user:a$b"]}], "notifications": [notified(80)],
            },
            {"limitAmount": "300", "costFilters": None, "notifications": [notified(80), notified(100)]},
            import_id=f"123456789012:{unique}",
            by_hand=("budgets", "delete_budget", {"AccountId": "123456789012", "BudgetName": unique}),
        ),
    ]  # fmt: skip


def notified(percent: float) -> dict[str, object]:
    """A budget's notification."""
    return {
        "comparisonOperator": "GREATER_THAN",
        "notificationType": "ACTUAL",
        "threshold": percent,
        "thresholdType": "PERCENTAGE",
        "subscriberEmailAddresses": ["ml@shop.example"],
    }


def scaling(standin: StandIn, unique: str, config: str) -> list[Life]:
    """Application Auto Scaling, of an endpoint's variant."""
    made(standin, "aws:sagemaker/endpoint:Endpoint", {"name": f"{unique}-s", "endpointConfigName": config})
    variant = standin.clients("sagemaker", "us-east-1").describe_endpoint(EndpointName=f"{unique}-s")[
        "ProductionVariants"
    ][0]
    where = {
        "serviceNamespace": "sagemaker",
        "resourceId": f"endpoint/{unique}-s/variant/{variant['VariantName']}",
        "scalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    place = f"sagemaker/{where['resourceId']}/{where['scalableDimension']}"
    by_boto3 = {key[:1].upper() + key[1:]: value for key, value in where.items()}
    standin.clients("application-autoscaling", "us-east-1").register_scalable_target(
        **by_boto3, MinCapacity=1, MaxCapacity=1
    )
    tracking = {
        "targetValue": 100,
        "scaleInCooldown": 60,
        "predefinedMetricSpecification": {"predefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }
    return [
        Life(
            "aws:appautoscaling/target:Target",
            {**where, "minCapacity": 1, "maxCapacity": 1, "tags": {"a": "1"}},
            {"maxCapacity": 2, "tags": {"b": "2"}},
            place,
            by_hand=("application-autoscaling", "register_scalable_target", {**by_boto3, "MaxCapacity": 3}),
        ),
        Life(
            "aws:appautoscaling/policy:Policy",
            {**where, "name": unique, "policyType": "TargetTrackingScaling", "targetTrackingScalingPolicyConfiguration": tracking},
            {"targetTrackingScalingPolicyConfiguration": {**tracking, "targetValue": 50, "disableScaleIn": True}},
            f"{place}/{unique}",
            by_hand=("application-autoscaling", "delete_scaling_policy", {**by_boto3, "PolicyName": unique}),
        ),
        Life(
            "aws:appautoscaling/scheduledAction:ScheduledAction",
            {**where, "name": unique, "schedule": "cron(0 8 * * ? *)", "scalableTargetAction": {"minCapacity": 1, "maxCapacity": 1}},
            {"schedule": "rate(1 day)", "timezone": "Europe/Berlin"},
            f"{place}/{unique}",
            by_hand=("application-autoscaling", "put_scheduled_action", {**by_boto3, "ScheduledActionName": unique, "Schedule": "rate(2 days)"}),
        ),
    ]  # fmt: skip
