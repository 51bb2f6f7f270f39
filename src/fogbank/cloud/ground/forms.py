"""A multipart form as a browser posts it, read as it comes: its fields, and its files wherever the caller lets them go.

In: a request; out: fields and files. Source: RFC 7578.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import IO, Any, cast

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.formparser import MultiPartParser
from werkzeug.http import parse_options_header

from fogbank.cloud.ground.payload import CHUNK
from fogbank.cloud.ground.wire import Request

FORM = "multipart/form-data"
Place = Callable[..., IO[bytes]]


class _Parts:
    """A body as a stream."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts

    def read(self, _: int = -1) -> bytes:
        return next(self._parts, b"")


class _Nowhere(io.BytesIO):
    """Takes a file and keeps nothing."""

    def write(self, data: Any) -> int:
        return len(data)


def is_form(request: Request) -> bool:
    """Whether somebody posts a form."""
    return request.method == "POST" and request.headers.get("content-type", "").startswith(FORM)


def read(request: Request, place: Place) -> tuple[dict[str, str], MultiDict[str, FileStorage]]:
    """The fields, under names in lower case, and the files. Raises ValueError for what is no form."""
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get("boundary", "").encode("latin-1")
    if not boundary:
        raise ValueError("it names no boundary")
    parser = MultiPartParser(stream_factory=place, buffer_size=CHUNK)
    body = cast("IO[bytes]", _Parts(iter(request.payload.parts())))
    fields, files = parser.parse(body, boundary, request.payload.size)
    return {name.lower(): value for name, value in fields.items()}, files


def fields_of(request: Request) -> dict[str, str]:
    """The fields alone; none where it is no form."""
    try:
        return read(request, lambda *_, **__: _Nowhere())[0]
    except ValueError:
        return {}
