"""What runs in front of the endpoint, in Lambda, for each call of the HTTP API: `{"text": "..."}` in, `{"mood": ..., "probability": ...}` out."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import boto3

LONGEST = 10_000


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    """One request, as API Gateway's payload 2.0."""
    body = event.get("body") or ""
    raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    try:
        text = json.loads(raw)["text"]
    except (ValueError, KeyError, TypeError):
        return _said(400, {"message": 'send {"text": "..."}'})
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
        return _said(400, {"message": f"text must be a string of 1 to {LONGEST} characters"})
    answer = boto3.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=os.environ["ENDPOINT_NAME"], ContentType="application/json", Body=json.dumps({"inputs": [text]})
    )
    [[mood, probability]] = json.loads(answer["Body"].read())
    return _said(200, {"mood": mood, "probability": probability})


def _said(status: int, document: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(document)}
