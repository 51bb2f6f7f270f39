"""What starts the transform jobs of a BatchTransform that scores each object once: by its arrival, or at times what has not been scored.

In: EventBridge's events, of an object that was created, of a job that completed, or of a schedule; out: a job, or entries of the ledger. It runs
in Lambda, where nothing of fogbank is. The environment says what it works on: REQUEST (a CreateTransformJob request without name and input's
place, as JSON), INPUT and LEDGER (S3 URIs of prefixes), PREFIX (what names of jobs begin with) and SUFFIX (of objects that count).

The ledger is objects, named by a key below INPUT and its ETag: `claimed/<key>/<etag>` is written by who scores that content, if nobody has
(If-None-Match), before the job is created; `scored/...` when the job has completed; `runs/<job>` is the manifest that the job reads. At the
next of the times what was claimed a quarter of an hour ago and has no job, since SageMaker refused it or the function ended, is claimed anew,
and what a job failed over once more, each by itself.
"""

from __future__ import annotations

import json
import logging
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache, partial
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

log = logging.getLogger(__name__)
ARRIVED, ENDED = "Object Created", "SageMaker Transform Job State Change"
TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412"}
ABANDONED_S = 900.0
"""A function works for no longer: a claim without a job that is older has nobody who would start it."""
MOST, AT_ONCE, TRIES = 10_000, 16, 2
SERVICES = ("s3", "sagemaker")
Found = tuple[str, str]
"""A key below INPUT, and the ETag of its content."""
Document = dict[str, Any]
T = TypeVar("T")


class Held(NamedTuple):
    """A claim: the object, its entry's own ETag, and what is in it."""

    found: Found
    entity: str
    document: Document


def handler(event: Document, _: object) -> str:
    """The next step; what was done, in a sentence. Raises ClientError."""
    for service in SERVICES:
        client(service)  # before threads share it
    kind, detail = event.get("detail-type", ""), event.get("detail") or {}
    if kind == ENDED:
        return _completed(detail)
    if kind != ARRIVED:
        return _sweep(event["time"])
    thing, prefix = detail["object"], _split("INPUT")[1]
    found = (thing["key"].removeprefix(prefix), thing.get("etag", ""))
    if not thing["key"].startswith(prefix) or not _counts(thing["key"], thing.get("size", 0)):
        return "no object that counts"
    return _score([found], event["time"])


def _sweep(now: str) -> str:
    """Score what nobody has claimed, what was claimed in vain, and, each by itself, what a job failed over. One that SageMaker refuses keeps no
    other from its turn. Raises ClientError, the first of them, at the end."""
    bucket, prefix = _split("INPUT")
    there = {
        (item["Key"].removeprefix(prefix), item["ETag"].strip('"'))
        for item in _listed(bucket, prefix)
        if _counts(item["Key"], item["Size"])
    }
    claimed, scored = _entries("claimed"), _entries("scored")
    new, open_ = sorted(there - claimed)[:MOST], sorted((claimed - scored) & there)[:MOST]
    refused = list[ClientError]()
    steps: Iterator[Callable[[], str]] = iter([partial(_score, new, now)] if new else [])
    tried = (_tried(step, refused) for step in chain(steps, _second_tries(open_, now, refused)))
    said = [sentence for sentence in tried if sentence is not None]
    if refused:
        raise refused[0]
    return "; ".join(said) or "all has been scored"


def _tried(step: Callable[[], T], refused: list[ClientError]) -> T | None:
    """A step's answer; where it is refused, none, and the refusal joins the others."""
    try:
        return step()
    except ClientError as error:
        log.exception("%s was refused", step)
        refused.append(error)
        return None


def _second_tries(open_: list[Found], now: str, refused: list[ClientError]) -> Iterator[Callable[[], str]]:
    """What is to be done about claims that have not been scored; of those that cannot be read, or whose job cannot be asked for, nothing yet."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        read = list(pool.map(lambda found: _tried(partial(_held, found), refused), open_))
    claims = [claim for claim in read if claim is not None]
    status = _statuses({claim.document["job"] for claim in claims}, refused)
    held = [claim for claim in claims if claim.document["job"] in status]
    for job, ended in status.items():
        if ended == "Completed":
            yield partial(_completed, {"TransformJobName": job})
    lost = [
        claim
        for claim in held
        if status[claim.document["job"]] is None and _epoch(now) - _epoch(claim.document["at"]) > ABANDONED_S
    ]
    if lost:
        yield partial(_score, lost, now)
    for claim in held:
        if status[claim.document["job"]] in {"Failed", "Stopped"} and claim.document["tries"] < TRIES:
            yield partial(_score, [claim], now, tries=claim.document["tries"] + 1)


def _score(wanted: Sequence[Found | Held], now: str, *, tries: int = 1) -> str:
    """Start a job over those that nobody else claims. Raises ClientError: where it is refused, with each claim as it was; where nobody knows
    whether there is such a job, with the claims held, of which the next of the times finds out."""
    job = _name()

    def claim(each: Found | Held) -> bool:
        document = {"job": job, "at": now, "tries": tries}
        if isinstance(each, Held):
            return _claim(each.found, document, IfMatch=each.entity)
        return _claim(each, document, IfNoneMatch="*")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        own = [each for each, done in zip(wanted, pool.map(claim, wanted), strict=True) if done]
    if not own:
        return "it is claimed"
    try:
        _start(job, [each.found if isinstance(each, Held) else each for each in own])
    except ClientError:
        if _status(job) is None:  # else it runs: its answer was lost, and the call that was sent again is refused
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(_unclaim, own))
            raise
    return f"{job} scores {len(own)} object(s){' again' if tries > 1 else ''}"


def _unclaim(each: Found | Held) -> None:
    """Put back what was there before a claim."""
    if isinstance(each, Held):
        _put(_entry("claimed", each.found), each.document)
    else:
        client("s3").delete_object(Bucket=_split("LEDGER")[0], Key=_entry("claimed", each))


def _held(found: Found) -> Held | None:
    """A claim; None where it is gone meanwhile."""
    try:
        entry = client("s3").get_object(Bucket=_split("LEDGER")[0], Key=_entry("claimed", found))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None
        raise
    return Held(found, entry["ETag"], json.loads(entry["Body"].read()))


def _claim(found: Found, claim: Document, **condition: str) -> bool:
    """Whether it is ours: nobody else has claimed it meanwhile."""
    try:
        _put(_entry("claimed", found), claim, **condition)
    except ClientError as error:
        if error.response["Error"]["Code"] in TAKEN:
            return False
        raise
    return True


def _start(job: str, objects: list[Found]) -> None:
    """The job, over a manifest. Raises ClientError."""
    bucket, ledger = _split("LEDGER")
    _put(f"{ledger}runs/{job}.objects", objects)
    _put(f"{ledger}runs/{job}", [{"prefix": os.environ["INPUT"]}, *(key for key, _ in objects)])
    request = json.loads(os.environ["REQUEST"])
    source = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": f"s3://{bucket}/{ledger}runs/{job}"}}
    given = {**request["TransformInput"], "DataSource": source}
    client("sagemaker").create_transform_job(**{**request, "TransformJobName": job, "TransformInput": given})


def _completed(detail: Document) -> str:
    """Enter what a job has scored."""
    job = detail["TransformJobName"]
    objects: list[Found] = [(key, etag) for key, etag in json.loads(_get(f"{_split('LEDGER')[1]}runs/{job}.objects"))]
    request = json.loads(os.environ["REQUEST"])
    entry = {"job": job, "output": request["TransformOutput"]["S3OutputPath"], "model": request["ModelName"]}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda found: _put(_entry("scored", found), {**entry, "object": found[0]}), objects))
    return f"{job} has scored {len(objects)} object(s)"


def _status(job: str) -> str | None:
    """A job's status; None where there is none."""
    try:
        status: str = client("sagemaker").describe_transform_job(TransformJobName=job)["TransformJobStatus"]
    except ClientError as error:
        if error.response["Error"]["Code"] in {"ValidationException", "ResourceNotFound"}:
            return None
        raise
    return status


def _statuses(jobs: Iterable[str], refused: list[ClientError]) -> dict[str, str | None]:
    """The status of each job that may be asked for; the refusals of the others join `refused`."""
    found = dict[str, str | None]()
    for job in jobs:
        try:
            found[job] = _status(job)
        except ClientError as error:
            log.exception("the status of %s is not known", job)
            refused.append(error)
    return found


def _entries(kind: str) -> set[Found]:
    bucket, ledger = _split("LEDGER")
    keys = (item["Key"].removeprefix(f"{ledger}{kind}/") for item in _listed(bucket, f"{ledger}{kind}/"))
    return {(key, etag) for key, _, etag in (each.rpartition("/") for each in keys)}


def _entry(kind: str, found: Found) -> str:
    return f"{_split('LEDGER')[1]}{kind}/{found[0]}/{found[1]}"


def _counts(key: str, size: int) -> bool:
    return size > 0 and not key.endswith("/") and key.endswith(os.environ.get("SUFFIX", ""))


@cache
def client(service: str) -> Any:
    """Made once: a client takes longer than its call, and threads may share it but not make it."""
    return boto3.client(service, config=Config(max_pool_connections=AT_ONCE))


def _name() -> str:
    return f"{os.environ['PREFIX']}{uuid.uuid4()}"


def _epoch(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _split(name: str) -> tuple[str, str]:
    """Bucket and prefix of an environment variable's URI."""
    bucket, _, prefix = os.environ[name].removeprefix("s3://").partition("/")
    return bucket, prefix


def _listed(bucket: str, prefix: str) -> Iterator[Document]:
    for page in client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get("Contents", [])


def _get(key: str) -> bytes:
    body: bytes = client("s3").get_object(Bucket=_split("LEDGER")[0], Key=key)["Body"].read()
    return body


def _put(key: str, document: Any, **conditions: str) -> None:
    client("s3").put_object(
        Bucket=_split("LEDGER")[0], Key=key, Body=json.dumps(document).encode(), ContentType="application/json", **conditions
    )  # fmt: skip
