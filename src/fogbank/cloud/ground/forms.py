"""A multipart form as a browser posts it, read as it comes: its fields, and its file wherever the caller lets it go.

In: a request; out: fields and the file, which is the last: S3 ignores what comes after it, such as a page's submit button. Sources: RFC 7578;
S3 API reference, "POST Object": "The file or content must be the last field in the form".
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePath
from typing import IO

from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from fogbank.cloud.ground.wire import Request

FORM = "multipart/form-data"
FILE = "file"
Place = Callable[[], IO[bytes]]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A form's file, from its start on, and what the browser calls it."""

    stream: IO[bytes]
    filename: str


class _Nowhere(io.BytesIO):
    """Takes a file and keeps nothing."""

    def write(self, data: object) -> int:
        del data
        return 0


class _Parts:
    """The parts of a form, up to its file."""

    def __init__(self, place: Place) -> None:
        self.fields: dict[str, str] = {}
        self.upload: Upload | None = None
        self._place, self._name, self._over = place, "", False
        self._into: IO[bytes] = _Nowhere()

    def take(self, event: Event) -> None:
        """A part that begins, or bytes of it."""
        if isinstance(event, Field | File):
            self._begin(event)
        elif isinstance(event, Data):
            self._into.write(event.data)
            if not event.more_data:
                self._end()

    def _begin(self, event: Field | File) -> None:
        self._name = "" if self._over or not event.name else event.name.lower()
        if self._name and isinstance(event, Field):
            self._into = io.BytesIO()
        elif self._name == FILE and isinstance(event, File):
            self._into = self._place()
            self.upload = Upload(stream=self._into, filename=event.filename)
        else:
            self._name, self._into = "", _Nowhere()

    def _end(self) -> None:
        self._over = self._over or self._name == FILE
        if not self._name:
            return
        self._into.seek(0)
        if self.upload is None or self._into is not self.upload.stream:
            self.fields[self._name] = self._into.read().decode("utf-8", "replace")


def is_form(request: Request) -> bool:
    """Whether somebody posts a form."""
    return request.method == "POST" and request.headers.get("content-type", "").startswith(FORM)


def read(request: Request, place: Place) -> tuple[dict[str, str], Upload | None]:
    """The fields, under names in lower case, and the file, unless it is a field as well. Raises ValueError for what is no form."""
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get("boundary", "").encode("latin-1")
    if not boundary:
        raise ValueError("it names no boundary")
    decoder, parts = MultipartDecoder(boundary), _Parts(place)
    try:
        for data in chain(request.payload.parts(), [None]):
            decoder.receive_data(data)
            while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
                parts.take(event)
    except BaseException:
        if parts.upload is not None:
            parts.upload.stream.close()
        raise
    return parts.fields, parts.upload


def key_of(fields: Mapping[str, str], upload: Upload | None) -> str:
    """The key of a form's object: `${filename}` in it stands for the file's own name, without folders; of a file that is a field there is none."""
    return fields.get("key", "").replace("${filename}", PurePath(upload.filename).name if upload else "")


def posted_key(request: Request) -> str:
    """The key that a form names; none where it is no form."""
    try:
        return key_of(*read(request, _Nowhere))
    except ValueError:
        return ""


def fields_of(request: Request) -> dict[str, str]:
    """The fields alone; none where it is no form."""
    try:
        return read(request, _Nowhere)[0]
    except ValueError:
        return {}
