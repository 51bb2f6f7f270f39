"""What SNS, CloudWatch Logs and S3 refuse and moto takes: a message without words, days that no group is kept for, a bucket that tells nobody.

In: a request; out: the service's own error, or nothing. Sources: the SNS API reference, Publish, its error as localstack/localstack#5096 has it of
AWS; the CloudWatch Logs API reference, PutRetentionPolicy (its words are those that AWS has for a value that is none of several); the S3 API
reference, PutBucketNotificationConfiguration, its error as hashicorp/terraform-provider-aws#11219 quotes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qs

from fogbank.cloud.ground.wire import Answer, Request, error_answer
from fogbank.cloud.moto.references import missing

DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""For so many days CloudWatch Logs keeps a group's lines."""
TOLD = re.compile(rb"<(Queue|Topic|CloudFunction)>\s*([^<]+?)\s*</\1>")
KINDS: Mapping[bytes, str] = {b"Queue": "queue", b"Topic": "topic", b"CloudFunction": "function"}
UNCHECKED = "x-amz-skip-destination-validation"
NOBODY = "Unable to validate the following destination configurations"


def refusal(request: Request) -> Answer | None:
    """Why it is not done; None where it is not one of these."""
    if request.service == "sns":
        return _message(request)
    if request.service == "logs":
        return _days(request)
    return _told(request)


def _message(request: Request) -> Answer | None:
    form = parse_qs(request.body.decode(errors="replace"), keep_blank_values=True)
    if form.get("Action") != ["Publish"] or form.get("Message", [""])[0]:
        return None
    return error_answer(request, 400, "InvalidParameter", "Invalid parameter: Empty message")


def _days(request: Request) -> Answer | None:
    if not request.headers.get("x-amz-target", "").endswith(".PutRetentionPolicy"):
        return None
    try:
        days = json.loads(request.body)["retentionInDays"]
    except (ValueError, KeyError, TypeError):
        return None
    if days in DAYS:
        return None
    message = (
        f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{', '.join(map(str, DAYS))}]"
    )
    return error_answer(request, 400, "InvalidParameterException", message)


def _told(request: Request) -> Answer | None:
    """S3 looks for whom a bucket is to tell, unless it is asked not to. What is in another account is taken: nobody can tell here."""
    asked = request.method == "PUT" and "notification" in parse_qs(request.query, keep_blank_values=True)
    bucket, _, key = request.plain_path[1:].partition("/")
    if not asked or not bucket or key or request.headers.get(UNCHECKED, "").lower() == "true":
        return None
    for kind, arn in TOLD.findall(request.body):
        _, _, _, region, *_ = f"{arn.decode(errors='replace')}::::".split(":")
        if missing(KINDS[kind], arn.decode(errors="replace"), region):
            return error_answer(request, 400, "InvalidArgument", NOBODY)
    return None
