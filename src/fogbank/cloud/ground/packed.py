"""A body that its client has compressed, as SDKs do with long ones (Content-Encoding: gzip), opened as far as a body may be long.

In: a request; out: its body, or a PackedError. A few bytes can hold any number of them: none is opened further than the limit.
"""

from __future__ import annotations

import zlib

from fogbank.cloud.ground.wire import Request

LARGEST = 80 << 20
"""Bytes: more takes no API but S3's, whose bodies are kept as they come."""
GZIP = 31
"""zlib's word for a gzip header and trailer."""


class PackedError(Exception):
    """It is no gzip, or holds too much; `status` is HTTP's, `code` AWS's word."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def is_packed(request: Request) -> bool:
    """Whether the body is compressed on its way alone, and not an object that is."""
    return request.headers.get("content-encoding") == "gzip" and request.service not in {"s3", ""}


def opened(request: Request, largest: int = LARGEST) -> bytes:
    """The body as it was meant; nothing, of nothing. Raises PackedError."""
    if not is_packed(request):
        return request.body
    stream, found, begun = zlib.decompressobj(GZIP), bytearray(), False
    try:
        for part in request.payload.parts():
            left = part
            while left:
                if stream.eof:  # zeros fill up what is behind a member (the gzip manual, "Using gzip on tapes")
                    left = left.lstrip(b"\0")
                    if not left:
                        break
                    stream = zlib.decompressobj(GZIP)
                begun = True
                found += stream.decompress(left, largest + 1 - len(found))
                if len(found) > largest:
                    raise PackedError(413, "RequestEntityTooLarge", f"the body holds more than {largest} bytes")
                left = stream.unused_data if stream.eof else stream.unconsumed_tail
    except zlib.error as error:
        raise PackedError(400, "SerializationException", f"the body is no gzip: {error}") from error
    if begun and not stream.eof:
        raise PackedError(400, "SerializationException", "the body is no whole gzip")
    return bytes(found)
