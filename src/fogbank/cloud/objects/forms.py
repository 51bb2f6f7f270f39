"""A form that a browser posts: fields, then a file, which may be long.

In: a multipart/form-data body; out: its fields and its file as a payload; and S3's check of the policy that was signed with it.
"""

from __future__ import annotations

import base64
import binascii
import json
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from werkzeug.formparser import MultiPartParser
from werkzeug.http import parse_options_header

from fogbank.cloud.ground.payload import CHUNK, SPOOL_OVER, Payload, parts_of, spool
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.objects.errors import S3Error
from fogbank.cloud.objects.facts import checked_tags
from fogbank.cloud.objects.xml import MalformedError, parse, text

UNCHECKED = frozenset({"awsaccesskeyid", "signature", "x-amz-signature", "file", "policy"})


@dataclass(frozen=True, kw_only=True)
class Form:
    """The fields, under names in lower case, and the file."""

    fields: dict[str, str]
    file: Payload
    filename: str

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


def read_form(request: Request, incoming: Path) -> Form:
    """The form of a request, its policy held. Raises S3Error."""
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get("boundary", "").encode("latin-1")
    if not boundary:
        raise S3Error("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")
    with tempfile.TemporaryFile(dir=incoming) as whole:
        for part in request.payload.parts():
            whole.write(part)
        whole.seek(0)
        try:
            parser = MultiPartParser(stream_factory=partial(_upload, incoming), buffer_size=CHUNK)
            fields, files = parser.parse(whole, boundary, request.payload.size)
        except ValueError as error:
            raise S3Error(
                "MalformedPOSTRequest", f"The body is not well-formed multipart/form-data: {error}"
            ) from error
    named = {name.lower(): value for name, value in fields.items()}
    upload = files.get("file")
    if upload is None and "file" not in named:
        raise S3Error("InvalidArgument", "POST requires exactly one file upload per request.", ArgumentName="file")
    if upload is None:
        file, filename = Payload.of(named.pop("file").encode()), ""
    else:
        with upload.stream:
            file, filename = spool(parts_of(upload.stream), incoming), Path(upload.filename or "").name
    form = Form(fields=named, file=file, filename=filename)
    try:
        _check_policy(form)
    except BaseException:
        form.file.close()
        raise
    return form


def _upload(incoming: Path, *_: object, **__: object) -> IO[bytes]:
    """A place for one part of the form."""
    return cast("IO[bytes]", tempfile.SpooledTemporaryFile(SPOOL_OVER, dir=str(incoming)))


def _check_policy(form: Form) -> None:
    """What the signed policy asks for holds. Raises S3Error."""
    encoded = form.fields.get("policy")
    if encoded is None:
        return
    try:
        policy = json.loads(base64.b64decode(encoded))
        ends = datetime.fromisoformat(policy["expiration"]).timestamp()
        conditions = list(policy.get("conditions", []))
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise S3Error("InvalidPolicyDocument", f"Invalid Policy: {error!r}") from error
    if ends < time.time():
        raise S3Error("AccessDenied", "Invalid according to Policy: Policy expired.")
    for condition in conditions:
        if not _holds(condition, form):
            raise S3Error(
                "AccessDenied", f"Invalid according to Policy: Policy Condition failed: {json.dumps(condition)}"
            )


def _holds(condition: Any, form: Form) -> bool:
    if isinstance(condition, dict):
        return all(_field(form, name) in {str(value), None} for name, value in condition.items())
    verb, name, value = condition
    if verb == "content-length-range":
        if form.file.size > int(value):
            raise S3Error("EntityTooLarge", ProposedSize=form.file.size, MaxSizeAllowed=value)
        if form.file.size < int(name):
            raise S3Error("EntityTooSmall", ProposedSize=form.file.size, MinSizeAllowed=name)
        return True
    said = _field(form, str(name).removeprefix("$"))
    if said is None:
        return True
    return said.startswith(str(value)) if verb == "starts-with" else said == str(value)


def _field(form: Form, name: str) -> str | None:
    """A field's value; None where nothing is to be compared."""
    name = name.lower()
    return None if name == "bucket" or name in UNCHECKED else form.fields.get(name, "")
