"""How to call an endpoint that runs: its URL, and lines to paste into a shell, each of which works as it is printed.

In: where the cloud listens, an endpoint and a sample; out: text. Pure.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from fogbank.contracts.schema import Column, schema_from
from fogbank.ground.aws import LOCAL_ACCESS_KEY


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What stands for a request where there is no sample: as fogbank's argument, and as curl's data of a content type."""

    argument: str
    data: str
    content_type: str = "application/json"


ROWS = Standing(argument="'[[...]]'", data="'[[...]]'")
TEXT = Standing(argument="'a text'", data="""'{"inputs": "a text"}'""")
IMAGE = Standing(argument="photo.png", data="@photo.png", content_type="image/png")
PHOTO = "image"
"""The column of an image, as `fogbank new --from` calls it."""


def standing_by(schema: bytes) -> Standing:
    """What stands for a request, by what schema.json says; one that says nothing of it is no reason to fail: packing tells what is wrong with it.

    >>> standing_by(b'[]') is ROWS
    True
    """
    try:
        return standing(schema_from(json.loads(schema)["input"]).columns)
    except (ValueError, LookupError, TypeError, AttributeError):
        return ROWS


def standing(columns: Sequence[Column]) -> Standing:
    """What stands for a request of these columns."""
    if [column.dtype for column in columns] != ["string"]:
        return ROWS
    return IMAGE if columns[0].name == PHOTO else TEXT


def url_of(cloud: str, endpoint: str) -> str:
    """Where an endpoint of the local cloud takes requests."""
    return f"{cloud}/endpoints/{endpoint}/invocations"


def ways(cloud: str, endpoint: str, sample: str, without: Standing = ROWS) -> dict[str, str]:
    """The ways to call it, by their names; `sample` is a CSV's path from here, empty for none: then `without` stands for one.

    >>> print(ways("http://127.0.0.1:4566", "churn-live", "rows.csv")["curl"])
    curl -s -H 'Content-Type: text/csv' --data-binary @rows.csv http://127.0.0.1:4566/endpoints/churn-live/invocations
    """
    url = url_of(cloud, endpoint)
    if not sample:
        return {
            "fogbank": f"fogbank invoke {endpoint} {without.argument}",
            "curl": f"curl -s -H 'Content-Type: {without.content_type}' --data-binary {without.data} {url}",
        }
    client = (
        f'boto3.client("sagemaker-runtime", endpoint_url="{cloud}", region_name="us-east-1", '
        f'aws_access_key_id="{LOCAL_ACCESS_KEY}", aws_secret_access_key="{LOCAL_ACCESS_KEY}")'
    )
    call = f'.invoke_endpoint(EndpointName="{endpoint}", ContentType="text/csv", Body=open("{sample}", "rb"))'
    program = f'import boto3; print({client}{call}["Body"].read().decode())'
    return {
        "fogbank": f"fogbank invoke {endpoint} {shlex.quote(sample)}",
        "curl": f"curl -s -H 'Content-Type: text/csv' --data-binary @{shlex.quote(sample)} {url}",
        "python": f"python -c {shlex.quote(program)}",
    }


def how_to_call(cloud: str, endpoint: str, sample: str, without: Standing = ROWS) -> str:
    """The URL, and the ways."""
    lines = [f"{endpoint} answers at {url_of(cloud, endpoint)}"]
    return "\n".join(
        [*lines, *(f"  {name:<8} {line}" for name, line in ways(cloud, endpoint, sample, without).items())]
    )
