"""Errors and latency wake somebody up when both are bad; either alone is a ticket. Topics, a queue of pages, and one page of graphs."""

import json

import pulumi
import pulumi_aws as aws
from serving import live
from told import later, name

page = aws.sns.Topic("page", name=f"{name}-page", display_name="Wake up")
ticket = aws.sns.Topic("ticket", name=f"{name}-ticket")
pages = aws.sqs.Queue("pages", name=f"{name}-pages")
tickets = aws.sqs.Queue("tickets", name=f"{name}-tickets")
for topic, queue, short in ((page, pages, "pages"), (ticket, tickets, "tickets")):
    aws.sns.TopicSubscription(short, topic=topic.arn, protocol="sqs", endpoint=queue.arn, raw_message_delivery=True)
    allowed = aws.iam.get_policy_document_output(
        statements=[
            {
                "actions": ["sqs:SendMessage"],
                "resources": [queue.arn],
                "principals": [{"type": "Service", "identifiers": ["sns.amazonaws.com"]}],
                "conditions": [{"test": "ArnEquals", "variable": "aws:SourceArn", "values": [topic.arn]}],
            }
        ]
    )
    aws.sqs.QueuePolicy(short, queue_url=queue.url, policy=allowed.json)
aws.sns.TopicSubscription("mail", topic=page.arn, protocol="email", endpoint="oncall@example.com")
of = {"namespace": "AWS/SageMaker", "dimensions": {"EndpointName": live.endpoint_name, "VariantName": "AllTraffic"}}
alarms = {}
for short, metric, statistic, least in (
    ("errors", "Invocation5XXErrors", "Sum", 5),
    ("latency", "ModelLatency", "Average", 200_000 if later else 400_000),
):
    alarms[short] = aws.cloudwatch.MetricAlarm(
        short, name=f"{name}-{short}", metric_name=metric, statistic=statistic, period=60, evaluation_periods=3, datapoints_to_alarm=2,
        threshold=least, comparison_operator="GreaterThanOrEqualToThreshold", treat_missing_data="notBreaching", alarm_actions=[ticket.arn],
        ok_actions=[ticket.arn], **of,
    )  # fmt: skip
both = aws.cloudwatch.CompositeAlarm(
    "both", alarm_name=f"{name}-both", alarm_actions=[page.arn], alarm_description="Slow and failing",
    alarm_rule=pulumi.Output.format("ALARM({0}) AND ALARM({1})", alarms["errors"].name, alarms["latency"].name),
)  # fmt: skip
found = aws.sns.get_topic_output(name=page.name)
graph = live.endpoint_name.apply(
    lambda it: json.dumps(
        {
            "widgets": [
                {
                    "type": "metric",
                    "x": 0,
                    "y": 0,
                    "width": 12,
                    "height": 6,
                    "properties": {
                        "region": "us-east-1",
                        "title": "Requests",
                        "metrics": [["AWS/SageMaker", "Invocations", "EndpointName", it, "VariantName", "AllTraffic"]],
                    },
                }
            ]
        }
    )
)
board = aws.cloudwatch.Dashboard("ops", dashboard_name=f"{name}-ops", dashboard_body=graph)
outputs = {
    "pages": pages.url,
    "tickets": tickets.url,
    "both": both.alarm_name,
    "page": found.arn,
    "board": board.dashboard_name,
}
