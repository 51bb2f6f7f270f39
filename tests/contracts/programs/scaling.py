"""As many instances as there are requests: steps by an alarm, more of them at office hours."""

import pulumi
import pulumi_aws as aws
from serving import live
from told import later, name

of = {"service_namespace": "sagemaker", "scalable_dimension": "sagemaker:variant:DesiredInstanceCount"}
target = aws.appautoscaling.Target(
    "live",
    min_capacity=1,
    max_capacity=3 if later else 2,
    resource_id=pulumi.Output.format("endpoint/{0}/variant/AllTraffic", live.endpoint_name),
    **of,
)
place = {"resource_id": target.resource_id, **of}
steps = [
    {"metric_interval_lower_bound": "0", "metric_interval_upper_bound": "500", "scaling_adjustment": 1},
    {"metric_interval_lower_bound": "500", "scaling_adjustment": 2},
]
out = aws.appautoscaling.Policy(
    "out",
    name=f"{name}-out",
    policy_type="StepScaling",
    step_scaling_policy_configuration={
        "adjustment_type": "ChangeInCapacity",
        "cooldown": 60,
        "metric_aggregation_type": "Average",
        "step_adjustments": steps,
    },
    **place,
)
busy = aws.cloudwatch.MetricAlarm(
    "busy", name=f"{name}-busy", namespace="AWS/SageMaker", metric_name="InvocationsPerInstance", statistic="Sum", period=60, evaluation_periods=2,
    threshold=500, comparison_operator="GreaterThanThreshold", dimensions={"EndpointName": live.endpoint_name, "VariantName": "AllTraffic"},
    alarm_actions=[out.arn],
)  # fmt: skip
for short, when, least in (("morning", "cron(0 8 ? * MON-FRI *)", 2), ("evening", "cron(0 18 ? * MON-FRI *)", 1)):
    aws.appautoscaling.ScheduledAction(
        short,
        name=f"{name}-{short}",
        schedule=when,
        timezone="Europe/Berlin",
        scalable_target_action={"min_capacity": least, "max_capacity": 3 if later else 2},
        **place,
    )
outputs = {"target": target.resource_id, "busy": busy.name}
