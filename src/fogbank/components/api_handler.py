"""What runs in front of an endpoint where a project has no handler of its own: it hands the body on, and the answer back.

In: a request as API Gateway's payload 2.0; out: the endpoint's answer, or its refusal. It runs in Lambda, where nothing of fogbank is.
"""

from __future__ import annotations

import base64
import logging
import os
from typing import Any

import boto3
from botocore.exceptions import ClientError

log = logging.getLogger(__name__)
CLIENT_ERROR, BAD_GATEWAY = 400, 502


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    """One request. What the model refuses is a 400, what fails behind it a 502; neither tells more than that."""
    body = event.get("body") or ""
    data = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    kind = event.get("headers", {}).get("content-type", "application/json")
    runtime = boto3.client("sagemaker-runtime")
    try:
        answer = runtime.invoke_endpoint(EndpointName=os.environ["ENDPOINT_NAME"], ContentType=kind, Body=data)
    except ClientError as error:
        log.warning("%s", error)
        status = int(error.response.get("OriginalStatusCode") or 0)
        refused = CLIENT_ERROR <= status < CLIENT_ERROR + 100
        return {"statusCode": status if refused else BAD_GATEWAY, "body": '{"message": "the model did not answer"}'}
    said = base64.b64encode(answer["Body"].read()).decode()
    return {
        "statusCode": 200,
        "headers": {"content-type": answer["ContentType"]},
        "body": said,
        "isBase64Encoded": True,
    }
