"""The words of a scheduled batch transform: EventBridge Scheduler's universal target and its context attributes.

Source: EventBridge Scheduler User Guide, "Using universal targets" and "Adding context attributes".
"""

from __future__ import annotations

CREATE_TRANSFORM_JOB_TARGET = "arn:aws:scheduler:::aws-sdk:sagemaker:createTransformJob"
"""EventBridge Scheduler's universal target for CreateTransformJob."""
EXECUTION_ID = "<aws.scheduler.execution-id>"
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
