"""Conditional requests and ranges, as RFC 9110 and S3 have them. In: headers and what is there; out: nothing, or the error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from fogbank.cloud.ground.payload import Piece
from fogbank.cloud.objects.errors import NotModifiedError, S3Error

COPY_PREFIX = "x-amz-copy-source-"
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def check_read(headers: Mapping[str, str], etag: str, modified: float, prefix: str = "") -> None:
    """A GET's conditions, or with a prefix those of a copy's source. Raises S3Error, NotModifiedError."""
    seconds = int(modified)
    match, unmodified = headers.get(f"{prefix}if-match"), _moment(headers.get(f"{prefix}if-unmodified-since"))
    if match is not None:
        if not matches(match, etag):
            raise S3Error("PreconditionFailed", Condition=_name(f"{prefix}if-match"))
    elif unmodified is not None and seconds > unmodified:
        raise S3Error("PreconditionFailed", Condition=_name(f"{prefix}if-unmodified-since"))
    none_match, since = headers.get(f"{prefix}if-none-match"), _moment(headers.get(f"{prefix}if-modified-since"))
    if none_match is not None:
        failed, name = matches(none_match, etag), "if-none-match"
    else:
        failed, name = since is not None and seconds <= since, "if-modified-since"
    if failed:
        if prefix:
            raise S3Error("PreconditionFailed", Condition=_name(prefix + name))
        raise NotModifiedError({"ETag": etag})


def check_write(headers: Mapping[str, str], etag: str | None) -> None:
    """A PUT's conditions; `etag` is of what is there, None where nothing is. Raises S3Error."""
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    if none_match is not None and none_match != "*":
        raise S3Error(
            "NotImplemented",
            "A header you provided implies functionality that is not implemented",
            Header="If-None-Match",
        )
    if none_match is not None and etag is not None:
        raise S3Error("PreconditionFailed", Condition="If-None-Match")
    if match is not None and etag is None:
        raise S3Error("NoSuchKey")
    if match is not None and etag is not None and not matches(match, etag):
        raise S3Error("PreconditionFailed", Condition="If-Match")


def matches(condition: str, etag: str) -> bool:
    """Whether a list of entity tags names this one; S3 does not mind missing quotes."""
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in condition.split(",")}
    return "*" in tags or etag.strip('"') in tags


def _moment(text: str | None) -> float | None:
    """A date in a header; one that cannot be read is no condition."""
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _name(header: str) -> str:
    """A condition as S3 spells it: of a copy's source only what is after the prefix is in capitals."""
    name = header.removeprefix(COPY_PREFIX)
    return header[: len(header) - len(name)] + "-".join(word.capitalize() for word in name.split("-"))


def range_of(header: str | None, size: int) -> tuple[int, int] | None:
    """(first, length) of a Range header; None where the whole is meant, as for several ranges. Raises S3Error."""
    match = RANGE.fullmatch(header.strip()) if header else None
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        first, last = max(0, size - int(match[2])), size - 1
        unsatisfiable = int(match[2]) == 0 or size == 0
    else:
        first, last = int(match[1]), min(int(match[2]), size - 1) if match[2] else size - 1
        if match[2] and int(match[2]) < first:
            return None
        unsatisfiable = first >= size
    if unsatisfiable:
        raise S3Error("InvalidRange", RangeRequested=header, ActualObjectSize=size)
    return first, last - first + 1


def cut(pieces: tuple[Piece, ...], first: int, size: int) -> tuple[Piece, ...]:
    """`size` bytes from `first` on, of what the pieces are together."""
    chosen = []
    for piece in pieces:
        start, end = max(first, 0), min(first + size, piece.size)
        if start < end:
            chosen.append(Piece(piece.file, piece.offset + start, end - start))
        first -= piece.size
    return tuple(chosen)


def http_date(moment: float) -> str:
    """As headers have it."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def iso(moment: float) -> str:
    """As documents have it: S3 knows no parts of a second."""
    return _iso(int(moment))


@lru_cache(maxsize=1024)
def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
