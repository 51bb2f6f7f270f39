"""A body as it came, checked against everything that the request says of it, and ready to be kept.

In: a call with a payload; out: a temporary file and its digests, or S3's refusal, and then nothing is left.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from fogbank.cloud.ground.payload import Payload, spool
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.objects.blobs import Blobs
from fogbank.cloud.objects.checksums import ALGORITHMS, DEFAULT, PREFIX, Digests, digest
from fogbank.cloud.objects.chunked import Chunked, ChunkError
from fogbank.cloud.objects.errors import S3Error

LARGEST = 5 * 1024**3
"""Bytes of one PUT, and of one part."""
STREAMING = "STREAMING-"
UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True, kw_only=True)
class Body:
    """A body: a draft beside the blobs, its digests, and the checksum that the client asked for (algorithm, or empty)."""

    draft: Payload
    digests: Digests
    algorithm: str = ""

    @property
    def etag(self) -> str:
        """The quoted MD5."""
        return f'"{self.digests.md5}"'


def receive(request: Request, blobs: Blobs, wanted: str = "") -> Body:
    """The request's body. `wanted` is the algorithm that its upload has. Raises S3Error, OSError."""
    headers = request.headers
    chunked = _chunked(request)
    body = request.payload if chunked is None else _decoded(chunked, headers, blobs)
    try:
        trailers = chunked.trailers if chunked else {}
        _check_trailers(headers, trailers)
        _check_size(body.size)
        said = {name: value for name, value in {**headers, **trailers}.items() if name.startswith(PREFIX)}
        checksums = {name: said[PREFIX + name.lower()] for name in ALGORITHMS if PREFIX + name.lower() in said}
        algorithm = _algorithm(headers, checksums, wanted)
        digests = digest(body.parts(), {*checksums, algorithm, wanted} - {""})
        _check(headers, digests, checksums)
        return Body(draft=blobs.draft(body), digests=digests, algorithm=algorithm)
    except BaseException:
        body.close()
        raise


def _check_trailers(headers: Mapping[str, str], trailers: Mapping[str, str]) -> None:
    """Refuse a body whose trailers are not those that its head announces: a checksum that was promised was to be looked at."""
    announced = {name.strip().lower() for name in headers.get("x-amz-trailer", "").split(",")} - {""}
    if not announced <= trailers.keys():
        raise S3Error(
            "MalformedTrailerError",
            "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        )


def _is_checksum(value: str, other: str) -> bool:
    """Whether a value is one of an algorithm, of which another one is at hand."""
    try:
        return len(base64.b64decode(value, validate=True)) == len(base64.b64decode(other))
    except (binascii.Error, ValueError):
        return False


def _check_size(size: int) -> None:
    if size > LARGEST:
        raise S3Error("EntityTooLarge", ProposedSize=size, MaxSizeAllowed=LARGEST)


def _chunked(request: Request) -> Chunked | None:
    sent = request.headers.get("x-amz-content-sha256", "")
    encoded = sent.startswith(STREAMING) or "aws-chunked" in request.headers.get("content-encoding", "")
    return Chunked(request.payload.parts()) if encoded else None


def _decoded(chunked: Chunked, headers: Mapping[str, str], blobs: Blobs) -> Payload:
    try:
        payload = spool(chunked.parts(), blobs.incoming)
    except ChunkError as error:
        raise S3Error("IncompleteBody", f"The request body is not what its encoding says: {error}") from error
    declared = headers.get("x-amz-decoded-content-length", "")
    if declared and declared != str(payload.size):
        payload.close()
        raise S3Error(
            "IncompleteBody", "You did not provide the number of bytes specified by x-amz-decoded-content-length"
        )
    return payload


def _algorithm(headers: Mapping[str, str], checksums: Mapping[str, str], wanted: str) -> str:
    """Which checksum is kept. Raises S3Error."""
    if len(checksums) > 1:
        raise S3Error(
            "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    name = next(iter(checksums), "") or headers.get("x-amz-sdk-checksum-algorithm", "").upper() or wanted or DEFAULT
    if name not in ALGORITHMS:
        raise S3Error(
            "InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of the valid types"
        )
    return name


def _check(headers: Mapping[str, str], digests: Digests, checksums: Mapping[str, str]) -> None:
    """Refuse a body that is not what the request says that it is. Raises S3Error."""
    if md5 := headers.get("content-md5"):
        try:
            given = base64.b64decode(md5, validate=True).hex()
        except (binascii.Error, ValueError) as error:
            raise S3Error("InvalidDigest") from error
        if len(given) != 32:
            raise S3Error("InvalidDigest")
        if given != digests.md5:
            raise S3Error("BadDigest", ExpectedDigest=md5)
    sha256 = headers.get("x-amz-content-sha256", UNSIGNED)
    if sha256 != UNSIGNED and not sha256.startswith(STREAMING) and sha256.lower() != digests.sha256:
        raise S3Error(
            "XAmzContentSHA256Mismatch", ClientComputedContentSHA256=sha256, S3ComputedContentSHA256=digests.sha256
        )
    for name, value in checksums.items():
        if not _is_checksum(value, digests.checksums[name]):
            raise S3Error("InvalidRequest", f"Value for {PREFIX}{name.lower()} header is invalid.")
        if value != digests.checksums[name]:
            raise S3Error("BadDigest", f"The {name} you specified did not match the calculated checksum.")
