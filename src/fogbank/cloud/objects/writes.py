"""PUT, copies and forms. In: a call; out: an answer, after the object is kept and whoever listens was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.objects.bodies import Body, receive
from fogbank.cloud.objects.call import Call
from fogbank.cloud.objects.checksums import digest
from fogbank.cloud.objects.conditions import check_read, check_write, iso
from fogbank.cloud.objects.customer_keys import FACT, SOURCE, check_key
from fogbank.cloud.objects.errors import S3Error
from fogbank.cloud.objects.events import Told
from fogbank.cloud.objects.facts import ARCHIVED, checksum_headers, described, encryption_headers, facts_of, tags_of
from fogbank.cloud.objects.forms import Form, read_form
from fogbank.cloud.objects.reads import version_header
from fogbank.cloud.objects.shelf import Shelf
from fogbank.cloud.objects.version import Version
from fogbank.cloud.objects.xml import document

COPY_SOURCE = "x-amz-copy-source"
CHANGES = frozenset({"x-amz-storage-class", "x-amz-server-side-encryption", "x-amz-website-redirect-location"})
"""Headers with which an object may be copied onto itself."""
PLAIN: Mapping[str, str] = {"SSEAlgorithm": "AES256"}
"""The encryption of what nothing else was said of."""


def put(shelf: Shelf, call: Call, tell: Told) -> Answer:
    """PutObject."""
    bucket = shelf.bucket(call.bucket)
    check_write_now(shelf, call)
    named = {name.lower(): value for name, value in call.query.items() if name.lower().startswith("x-amz-")}
    facts = facts_of({**named, **call.headers}, bucket, shelf.now())
    body = receive(call.request, shelf.blobs)
    version = _kept(shelf, call, body, facts)
    tell("ObjectCreated:Put", bucket, version)
    headers = {"ETag": version.etag, **version_header(bucket, version)}
    return Answer(headers=headers | encryption_headers(version.facts) | checksum_headers(version.facts))


def check_write_now(shelf: Shelf, call: Call) -> None:
    """A condition that fails already, before the body is looked at. Raises S3Error."""
    if "if-match" in call.headers or "if-none-match" in call.headers:
        current = shelf.index.current(call.bucket, call.key)
        check_write(call.headers, current.etag if current and not current.marker else None)


def _kept(shelf: Shelf, call: Call, body: Body, facts: dict[str, Any]) -> Version:
    if body.digests.checksums:
        facts["checksums"] = dict(body.digests.checksums)
    version = Version(
        bucket=call.bucket,
        key=call.key,
        id="",
        modified=shelf.now(),
        size=body.digests.size,
        etag=body.etag,
        facts=facts,
    )
    try:
        return shelf.put(version, body, call.headers)
    finally:
        body.draft.close()


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a copy is made of; `named` where the call names the version."""

    version: Version
    versioned: bool
    named: bool


def source_of(shelf: Shelf, call: Call) -> Source:
    """The version that x-amz-copy-source names, its conditions held. Raises S3Error."""
    path, _, query = call.headers[COPY_SOURCE].partition("?")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    if not key:
        raise S3Error("InvalidArgument", "Invalid copy source object key", ArgumentName=COPY_SOURCE)
    name = dict(parse_qsl(query)).get("versionId")
    try:
        version = shelf.find(bucket, key, name)
    except S3Error as error:
        if error.code == "MethodNotAllowed":
            raise S3Error(
                "InvalidRequest",
                "The source of a copy request may not specifically refer to a delete marker by version id.",
            ) from error
        raise
    shelf.check_owner(bucket, call.headers.get("x-amz-source-expected-bucket-owner"))
    check_key(version.facts, call.headers, SOURCE)
    check_read(call.headers, version.etag, version.modified, prefix="x-amz-copy-source-")
    if version.fact("storage") in ARCHIVED and not version.fact("restored"):
        raise S3Error(
            "ObjectNotInActiveTierError", "The source object of the COPY action is not in the active tier", Key=key
        )
    return Source(version=version, versioned=bool(shelf.bucket(bucket).versioning), named=name is not None)


def copy(shelf: Shelf, call: Call, tell: Told) -> Answer:
    """CopyObject: a row over the same files."""
    bucket = shelf.bucket(call.bucket)
    source = source_of(shelf, call)
    facts = _copied_facts(shelf, call, source)
    checksums = source.version.fact("checksums", {})
    algorithm = call.headers.get("x-amz-checksum-algorithm", "").upper()
    if algorithm and algorithm not in checksums:
        payload = shelf.open(source.version)
        try:
            checksums = dict(digest(payload.parts(), [algorithm]).checksums)
        finally:
            payload.close()
        facts["checksum-type"] = "FULL_OBJECT"
    elif "checksum-type" in source.version.facts:
        facts["checksum-type"] = source.version.facts["checksum-type"]
    if checksums:
        facts["checksums"] = checksums
    version = replace(
        source.version, bucket=call.bucket, key=call.key, modified=shelf.now(), latest=True, facts=facts, seq=0
    )
    with shelf.index.change():
        if shelf.index.version(source.version.bucket, source.version.key, source.version.id) is None:
            raise S3Error("NoSuchKey", Key=source.version.key)
        pieces = shelf.index.pieces(source.version.seq)
        version = shelf.write(version, pieces, call.headers)
    tell("ObjectCreated:Copy", bucket, version)
    headers = {"Content-Type": "application/xml", **version_header(bucket, version), **encryption_headers(facts)}
    if source.versioned:
        headers["x-amz-copy-source-version-id"] = source.version.id
    members = {"ETag": version.etag, "LastModified": iso(version.modified)}
    members |= {f"Checksum{name}": value for name, value in checksums.items()}
    return Answer(headers=headers, body=document("CopyObjectResult", members))


def _copied_facts(shelf: Shelf, call: Call, made_of: Source) -> dict[str, Any]:
    """The facts of a copy: its own, and those of the source unless REPLACE says otherwise. Raises S3Error."""
    headers, bucket, source = call.headers, shelf.bucket(call.bucket), made_of.version
    directive = headers.get("x-amz-metadata-directive", "COPY").upper()
    tagging = headers.get("x-amz-tagging-directive", "COPY").upper()
    for name, value in (("x-amz-metadata-directive", directive), ("x-amz-tagging-directive", tagging)):
        if value not in {"COPY", "REPLACE"}:
            raise S3Error("InvalidArgument", f"Unknown {name}.", ArgumentName=name, ArgumentValue=value)
    facts = facts_of(headers, bucket, shelf.now())
    same = (source.bucket, source.key) == (call.bucket, call.key) and not made_of.named
    otherwise = _encrypted(source.facts) != _encrypted(facts)
    if same and otherwise and FACT not in facts:
        facts.setdefault("encryption", PLAIN)  # said of it, since it was encrypted in another way before
    if same and directive == "COPY" and not (otherwise or CHANGES & set(headers) or bucket.encryption):
        raise S3Error(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, "
            "storage class, website redirect location or encryption attributes.",
        )
    if directive == "COPY":
        facts |= {name: source.facts[name] for name in ("metadata", "content") if name in source.facts}
        if "metadata" not in source.facts:
            facts.pop("metadata", None)
    else:
        facts |= described(headers)
    facts.pop("tags", None)
    tags = tags_of(headers.get("x-amz-tagging", "")) if tagging == "REPLACE" else source.fact("tags")
    return {**facts, "tags": tags} if tags else facts


def _encrypted(facts: Mapping[str, Any]) -> tuple[Mapping[str, str], str | None]:
    """How an object is encrypted: by S3, and by a key of a client's."""
    return facts.get("encryption", PLAIN), facts.get(FACT)


def post(shelf: Shelf, call: Call, tell: Told) -> Answer:
    """PostObject: a form that a browser sends."""
    bucket = shelf.bucket(call.bucket)
    form = read_form(call.request, call.bucket, shelf.blobs.incoming)
    try:
        named = _named(call, form)
        facts = facts_of(form.headers(), bucket, shelf.now())
        if tags := form.tags():
            facts["tags"] = tags
        version = _kept(shelf, named, receive(named.request, shelf.blobs), facts)
    finally:
        form.file.close()
    tell("ObjectCreated:Post", bucket, version)
    return _posted(call, form, version, version_header(bucket, version) | checksum_headers(version.facts))


def _named(call: Call, form: Form) -> Call:
    key = form.fields.get("key", "")
    if not key:
        raise S3Error("InvalidArgument", "Bucket POST must contain a field named 'key'.", ArgumentName="key")
    checks = {
        name: value for name, value in form.headers().items() if name.startswith(("x-amz-checksum-", "content-md5"))
    }
    request = Request(
        method="POST",
        path=f"/{quote(call.bucket)}/{quote(key)}",
        query="",
        headers=checks,
        payload=form.file,
    )
    named = Call(request)
    named.check()
    return named


def _posted(call: Call, form: Form, version: Version, headers: Mapping[str, str]) -> Answer:
    said = {"ETag": version.etag, **headers}
    redirect = form.fields.get("success_action_redirect") or form.fields.get("redirect")
    if redirect:
        parts = urlsplit(redirect)
        more = urlencode({"bucket": version.bucket, "key": version.key, "etag": version.etag})
        said["Location"] = urlunsplit(parts._replace(query="&".join(part for part in (parts.query, more) if part)))
        return Answer(status=303, headers=said)
    location = f"http://{call.headers.get('host', '')}/{version.bucket}/{version.key}"
    if form.fields.get("success_action_status") == "201":
        members = {"Location": location, "Bucket": version.bucket, "Key": version.key, "ETag": version.etag}
        body = document("PostResponse", members, namespace="")
        return Answer(status=201, headers={**said, "Location": location, "Content-Type": "application/xml"}, body=body)
    status = 200 if form.fields.get("success_action_status") == "200" else 204
    return Answer(status=status, headers={**said, "Location": location})
