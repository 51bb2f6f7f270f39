"""A form that a browser posts: fields, then a file, which may be long.

In: a multipart/form-data body; out: its fields and its file as a payload; and S3's check of the policy that was signed with it (who signed
is the gate's to see). Source: S3 API reference, "POST policy", "Browser-based uploads using POST".
"""

from __future__ import annotations

import base64
import binascii
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from fogbank.cloud.ground.forms import key_of, read
from fogbank.cloud.ground.payload import SPOOL_OVER, Payload, parts_of, spool
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.objects.errors import S3Error
from fogbank.cloud.objects.facts import checked_tags
from fogbank.cloud.objects.xml import MalformedError, parse, text

UNCHECKED = frozenset({"awsaccesskeyid", "signature", "x-amz-signature", "file", "policy"})
IGNORED = "x-ignore-"
"""Fields that no policy need name."""
VERBS = frozenset({"eq", "starts-with", "content-length-range"})


Condition = tuple[str, Any, Any]
"""An operator, a field in lower case, what it is compared with; or `content-length-range` and its bounds."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """The fields, under names in lower case, the key with the file's name in it, and the file."""

    fields: dict[str, str]
    file: Payload

    def headers(self) -> dict[str, str]:
        """The fields that a PUT would have as headers."""
        named = {name: value for name, value in self.fields.items() if name != "acl"}
        return {**named, "x-amz-acl": self.fields["acl"]} if "acl" in self.fields else named

    def tags(self) -> dict[str, str]:
        """The tags of the `tagging` field. Raises S3Error."""
        if "tagging" not in self.fields:
            return {}
        try:
            root = parse(self.fields["tagging"].encode(), "Tagging")
        except MalformedError as error:
            raise S3Error("MalformedXML") from error
        return checked_tags([(text(tag, "Key") or "", text(tag, "Value") or "") for tag in root.iterfind("TagSet/Tag")])


def read_form(request: Request, bucket: str, incoming: Path) -> Form:
    """The form of a request to a bucket, its policy held. Raises S3Error."""
    try:
        named, upload = read(request, partial(_upload, incoming))
    except ValueError as error:
        raise S3Error(
            "MalformedPOSTRequest", f"The body of your POST request is not well-formed multipart/form-data: {error}"
        ) from error
    if upload is None and "file" not in named:
        raise S3Error("InvalidArgument", "POST requires exactly one file upload per request.", ArgumentName="file")
    if upload is None:
        file = Payload.of(named.pop("file").encode())
    else:
        with upload.stream:
            file = spool(parts_of(upload.stream), incoming)
    if "key" in named:  # before the policy is looked at, says the reference
        named["key"] = key_of(named, upload)
    form = Form(fields=named, file=file)
    try:
        _check_policy(form, bucket)
    except BaseException:
        form.file.close()
        raise
    return form


def _upload(incoming: Path) -> IO[bytes]:
    """A place for the file."""
    return cast("IO[bytes]", tempfile.SpooledTemporaryFile(SPOOL_OVER, dir=str(incoming)))


def _check_policy(form: Form, bucket: str) -> None:
    """What the signed policy asks for holds, and it names every field that there is. Raises S3Error."""
    encoded = form.fields.get("policy")
    if encoded is None:
        return
    ends, conditions = _policy(encoded)
    if ends < time.time():
        raise S3Error("AccessDenied", "Invalid according to Policy: Policy expired.")
    said = {**form.fields, "bucket": bucket}
    for condition in conditions:
        if not _holds(condition, said, form.file.size):
            verb, name, value = condition
            told = json.dumps([verb, f"${name}", value])
            raise S3Error("AccessDenied", f"Invalid according to Policy: Policy Condition failed: {told}")
    named = {name for _, name, _ in conditions} | UNCHECKED
    if extra := sorted(name for name in form.fields if name not in named and not name.startswith(IGNORED)):
        raise S3Error("AccessDenied", f"Invalid according to Policy: Extra input fields: {', '.join(extra)}")


def _policy(encoded: str) -> tuple[float, list[Condition]]:
    """When a policy ends, and its conditions; a range's bounds stand where others have a field and its value. Raises S3Error."""
    try:
        policy = json.loads(base64.b64decode(encoded, validate=True))
        ends = datetime.fromisoformat(policy["expiration"])
        conditions: list[Condition] = []
        for item in policy["conditions"]:
            pairs = [("eq", name, value) for name, value in item.items()] if isinstance(item, dict) else [tuple(item)]
            conditions += [(verb.lower(), _plain(name), value) for verb, name, value in pairs]
        for condition in conditions:
            _check_condition(condition)
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise S3Error("InvalidPolicyDocument", f"Invalid Policy: {error}") from error
    return (ends if ends.tzinfo else ends.replace(tzinfo=UTC)).timestamp(), conditions


def _check_condition(condition: Condition) -> None:
    """Raises ValueError, TypeError for one that says nothing."""
    verb, low, high = condition
    if verb not in VERBS:
        raise ValueError(f"unknown operator {verb}")
    if verb == "content-length-range":
        int(low), int(high)
    elif not isinstance(low, str):
        raise TypeError(f"{low!r} names no field")


def _plain(name: Any) -> Any:
    """A field's name as fields are kept; a bound as it is."""
    return name.removeprefix("$").lower() if isinstance(name, str) and not name.isdecimal() else name


def _holds(condition: Condition, said: Mapping[str, str], size: int) -> bool:
    """Whether a condition holds of the fields and of the file's size. Raises S3Error for a file of another size."""
    verb, name, value = condition
    if verb == "content-length-range":
        if size > int(value):
            raise S3Error("EntityTooLarge", ProposedSize=size, MaxSizeAllowed=value)
        if size < int(name):
            raise S3Error("EntityTooSmall", ProposedSize=size, MinSizeAllowed=name)
        return True
    given = said.get(name, "")
    return given.startswith(str(value)) if verb == "starts-with" else given == str(value)
