"""A bucket's lifecycle as its owner wrote it: read, checked, kept beside moto's, which leaves out sizes and how many versions stay.

In: calls; out: answers, and rules. Sources: the S3 API reference (LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration), the User
Guide's "Lifecycle configuration elements".
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.objects.bucket import Bucket, Rule
from fogbank.cloud.objects.call import Call
from fogbank.cloud.objects.errors import S3Error
from fogbank.cloud.objects.shelf import Shelf
from fogbank.cloud.objects.xml import NAMESPACE, MalformedError, parse, text

ROOT = "LifecycleConfiguration"
MOST_RULES, LONGEST_ID, MOST_KEPT = 1000, 255, 100
ACTIONS = (
    "Expiration",
    "Transition",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransition",
    "AbortIncompleteMultipartUpload",
)
Ask = Callable[[Request], Answer]


def rules_of(shelf: Shelf, bucket: Bucket) -> Sequence[Rule]:
    """The enabled rules of a bucket; those that moto knows where none were put here (an earlier version's state, CloudFormation)."""
    kept = shelf.index.lifecycle(bucket.name)
    return bucket.rules if kept is None else [_rule(rule) for rule in _enabled(kept)]


def put(shelf: Shelf, call: Call, ask: Ask) -> Answer:
    """PutBucketLifecycleConfiguration: nothing is kept that is refused."""
    shelf.bucket(call.bucket)
    try:
        root = parse(call.request.body, ROOT)
        _check(root)
    except (MalformedError, ValueError) as error:
        raise S3Error("MalformedXML") from error
    answer = ask(call.request)
    if answer.status < 300:
        root.set("xmlns", NAMESPACE)
        shelf.index.put_lifecycle(call.bucket, ET.tostring(root, encoding="unicode"))
    return answer


def get(shelf: Shelf, call: Call, ask: Ask) -> Answer:
    """GetBucketLifecycleConfiguration: as it was put."""
    shelf.bucket(call.bucket)
    kept = shelf.index.lifecycle(call.bucket)
    return (
        ask(call.request) if kept is None else Answer(headers={"Content-Type": "application/xml"}, body=kept.encode())
    )


def delete(shelf: Shelf, call: Call, ask: Ask) -> Answer:
    """DeleteBucketLifecycle."""
    shelf.bucket(call.bucket)
    answer = ask(call.request)
    shelf.index.put_lifecycle(call.bucket, None)
    return answer


def _enabled(kept: str) -> list[ET.Element]:
    return [rule for rule in parse(kept.encode(), ROOT).iterfind("Rule") if text(rule, "Status") == "Enabled"]


def _rule(rule: ET.Element) -> Rule:
    """A rule that was checked, as it is applied."""
    chosen = rule.find("Filter")
    both = chosen.find("And") if chosen is not None else None
    place = both if both is not None else chosen if chosen is not None else rule
    date = text(rule, "Expiration/Date")
    return Rule(
        id=text(rule, "ID") or "",
        prefix=text(place, "Prefix") or "",
        tags={text(tag, "Key") or "": text(tag, "Value") or "" for tag in place.iterfind("Tag")},
        larger=_number(place, "ObjectSizeGreaterThan"),
        smaller=_number(place, "ObjectSizeLessThan"),
        days=_number(rule, "Expiration/Days"),
        date=_moment(date).timestamp() if date else None,
        noncurrent_days=_number(rule, "NoncurrentVersionExpiration/NoncurrentDays"),
        noncurrent_kept=_number(rule, "NoncurrentVersionExpiration/NewerNoncurrentVersions") or 0,
        abort_days=_number(rule, "AbortIncompleteMultipartUpload/DaysAfterInitiation"),
        markers=(text(rule, "Expiration/ExpiredObjectDeleteMarker") or "").lower() == "true",
    )


def _number(element: ET.Element, path: str) -> int | None:
    """Raises ValueError."""
    found = text(element, path)
    return int(found) if found else None


def _moment(date: str) -> datetime:
    moment = datetime.fromisoformat(date)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _check(root: ET.Element) -> None:
    """Refuse what S3 refuses and moto takes; a rule without an ID gets one. Raises S3Error, ValueError."""
    rules = root.findall("Rule")
    if not 0 < len(rules) <= MOST_RULES or any(text(rule, "Status") not in {"Enabled", "Disabled"} for rule in rules):
        raise S3Error("MalformedXML")
    for rule in rules:
        if not text(rule, "ID"):
            _name(rule)
        _check_rule(rule)
    names = [text(rule, "ID") or "" for rule in rules]
    if len(set(names)) < len(names):
        raise S3Error("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")


def _name(rule: ET.Element) -> None:
    element = rule.find("ID")
    if element is None:
        element = ET.Element("ID")
        rule.insert(0, element)
    element.text = secrets.token_urlsafe(36)


def _check_rule(rule: ET.Element) -> None:
    if len(text(rule, "ID") or "") > LONGEST_ID:
        raise S3Error("InvalidArgument", "ID length should not exceed allowed limit of 255")
    if all(rule.find(action) is None for action in ACTIONS):
        raise S3Error("InvalidRequest", "At least one action needs to be specified in a rule")
    read = _rule(rule)
    if read.days is not None and read.days < 1:
        raise S3Error("InvalidArgument", "'Days' for Expiration action must be a positive integer")
    if read.noncurrent_days is not None and read.noncurrent_days < 1:
        message = "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer"
        raise S3Error("InvalidArgument", message)
    if read.date is not None and read.date % 86_400:
        raise S3Error("InvalidArgument", "'Date' must be at midnight GMT")
    if not 0 <= read.noncurrent_kept <= MOST_KEPT:
        message = (
            "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be a positive integer up to 100"
        )
        raise S3Error("InvalidArgument", message)
    if read.abort_days is not None and read.tags:
        raise S3Error("InvalidRequest", "AbortIncompleteMultipartUpload cannot be specified with Tags.")
    if read.larger is not None and read.smaller is not None and read.larger >= read.smaller:
        raise S3Error("InvalidRequest", "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
