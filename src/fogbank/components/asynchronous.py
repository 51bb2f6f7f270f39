"""Asynchronous inference: requests wait, in S3, and answers are written there. Pure.

In: a value that refuses what SageMaker would; out: arguments of pulumi-aws's EndpointConfiguration, and what the role may do besides.
Sources: botocore's model of AsyncInferenceConfig; the Developer Guide, "Create an Asynchronous Inference Endpoint" and "Prerequisites".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from fogbank.components.refusals import refuse
from fogbank.components.service import ModelService

MESSAGES = {"success": "SUCCESS_NOTIFICATION_TOPIC", "error": "ERROR_NOTIFICATION_TOPIC"}
MOST_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class Asynchronous:
    """Requests lie below `input_prefix` in the service's bucket, where the role that is made may read them; answers go below `output_prefix`, what
    failed below `failure_prefix`. The topics (ARNs) are told of each: with
    the answer in the message where `answers_in` says `success` or `error`. An instance works on `concurrency` requests at once (1 to 1000;
    SageMaker chooses by itself). `kms_key` encrypts what is written."""

    input_prefix: str = "async/in"
    output_prefix: str = "async/out"
    failure_prefix: str = "async/failed"
    success_topic: pulumi.Input[str] | None = None
    error_topic: pulumi.Input[str] | None = None
    answers_in: Sequence[str] = ()
    concurrency: int | None = None
    kms_key: pulumi.Input[str] | None = None

    def __post_init__(self) -> None:
        """Refuse what SageMaker would, all of it at once."""
        problems = [
            f"{name} must be a prefix"
            for name in ("input_prefix", "output_prefix", "failure_prefix")
            if not getattr(self, name).strip("/")
        ]
        topics = {"success": self.success_topic, "error": self.error_topic}
        for message in self.answers_in:
            if message not in topics:
                problems.append(f"answers_in must be of {' and '.join(MESSAGES)}, not {message!r}")
            elif topics[message] is None:
                problems.append(f"answers_in has {message!r}, and there is no {message}_topic")
        if self.concurrency is not None and not 1 <= self.concurrency <= MOST_AT_ONCE:
            problems.append(f"concurrency must be 1 to {MOST_AT_ONCE}, not {self.concurrency}")
        refuse(problems)

    @property
    def reads(self) -> list[str]:
        """What keys of requests begin with."""
        return [f"{self.input_prefix.strip('/')}/"]

    @property
    def writes(self) -> list[str]:
        """What keys of answers begin with."""
        return [f"{prefix.strip('/')}/" for prefix in (self.output_prefix, self.failure_prefix)]

    @property
    def topics(self) -> list[pulumi.Input[str]]:
        """Those that are told."""
        return [topic for topic in (self.success_topic, self.error_topic) if topic is not None]

    def args(self, service: ModelService) -> dict[str, Any]:
        """An EndpointConfiguration's arguments."""
        told = {
            "success_topic": self.success_topic,
            "error_topic": self.error_topic,
            "include_inference_response_ins": [MESSAGES[message] for message in self.answers_in] or None,
        }
        notified = {name: value for name, value in told.items() if value is not None}
        output = {
            "s3_output_path": service.uri(self.output_prefix.strip("/")),
            "s3_failure_path": service.uri(self.failure_prefix.strip("/")),
            **({"notification_config": notified} if notified else {}),
            **({"kms_key_id": self.kms_key} if self.kms_key is not None else {}),
        }
        client = {"max_concurrent_invocations_per_instance": self.concurrency} if self.concurrency else {}
        return {"output_config": output, **({"client_config": client} if client else {})}


def telling(topics: Sequence[str]) -> str:
    """Publish to these topics, and nothing else."""
    statement = {"Effect": "Allow", "Action": "sns:Publish", "Resource": sorted({*topics})}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
