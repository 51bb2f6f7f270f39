"""Media types: what a Content-Type says, and which type an Accept header wants (RFC 9110, sections 8.3 and 12.5.1)."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from functools import lru_cache

from fogbank.serve.problems import RequestError

CSV, JSON, JSONLINES, NPY = "text/csv", "application/json", "application/jsonlines", "application/x-npy"
NPZ = "application/x-npz"
PARQUET, TEXT = "application/x-parquet", "text/plain"
CHARSETS = frozenset(
    {
        "ascii", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
        *(f"iso8859-{number}" for number in (*range(1, 12), *range(13, 17))), *(f"cp{number}" for number in range(1250, 1259)),
        "cp437", "cp850", "cp852", "cp866", "cp932", "cp949", "cp950", "koi8-r", "koi8-u", "mac-roman",
        "shift_jis", "euc_jp", "iso2022_jp", "euc_kr", "gb2312", "gbk", "gb18030", "big5",
    }
)  # fmt: skip
"""Python's names of the charsets that a body may be written in: Python knows more, and not all of those are charsets."""
ALIASES = {
    "application/x-jsonlines": JSONLINES,
    "application/jsonl": JSONLINES,
    "application/vnd.apache.parquet": PARQUET,
    "application/csv": CSV,
}


@lru_cache(256)
def content_type(header: str) -> tuple[str, str]:
    """Media type in lower case, and charset. Raises RequestError 415 for a charset that is not one of CHARSETS.

    >>> content_type("Text/CSV; charset=latin-1")
    ('text/csv', 'iso8859-1')
    """
    kind, parameters = _parts(header)
    charset = parameters.get("charset", "utf-8")
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):  # ValueError: a NUL in it
        name = ""
    if name not in CHARSETS:
        raise RequestError(415, f"charset {charset[:40]!r} is not known; send UTF-8")
    return kind, name


@lru_cache(256)
def parameter(header: str, name: str) -> str:
    """One parameter of a content type or of the only type that an Accept header names; empty where it has none of that name.

    >>> parameter("text/csv; header=Present", "header")
    'present'
    """
    return _parts(header)[1].get(name, "").lower()


STYLES = {"answer": ("labelled",), "header": ("present", "absent")}
"""Parameters of an Accept header that say how an answer is written, and what they may be."""


@lru_cache(256)
def styled(accept: str, offered: tuple[str, ...], default: str) -> str | None:
    """What `negotiate` says, with the parameters of the type that won which say how the answer is written; those of the
    default where the caller has no wish. Raises RequestError 406 for one that is not known.

    >>> styled("application/json; answer=labelled;q=0.9", ("application/json",), "text/csv")
    'application/json;answer=labelled'
    >>> styled("*/*", ("text/csv", "application/json"), "text/csv; header=present")
    'text/csv;header=present'
    """
    kind = negotiate(accept, offered)
    if kind is None:
        return None
    parts = [part for part in accept.split(",") if _parts(part)[0] == kind]
    parameters = _parts(parts[0])[1] if parts else _parts(default)[1] if kind == _parts(default)[0] else {}
    wishes = {name: value.lower() for name, value in parameters.items() if name in STYLES}
    for name, value in wishes.items():
        if value not in STYLES[name]:
            raise RequestError(406, f"{name}={value[:40]} is not known; it may be {' or '.join(STYLES[name])}")
    styles = [f"{name}={value}" for name, value in sorted(wishes.items()) if value != "absent"]
    return ";".join([kind, *styles])


@lru_cache(256)
def negotiate(accept: str, offered: tuple[str, ...]) -> str | None:
    """The offered type that an Accept header wants most, None where it wants none; the first offered wins a tie.

    >>> negotiate("text/csv;q=0.5, application/json", ("text/csv", "application/json"))
    'application/json'
    """
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    if not ranges:
        return offered[0]
    best, best_quality = None, 0.0
    for candidate in offered:
        quality = _quality(candidate, ranges)
        if quality > best_quality:
            best, best_quality = candidate, quality
    return best


@lru_cache(256)
def first_choice(accept: str, default: str) -> str:
    """What a handler that writes its own output is asked for: the most wanted type as the caller wrote it, or the default."""
    ranges = sorted((_range(part) for part in accept.split(",") if part.strip()), key=lambda item: -item[1])
    first = next((kind for kind, quality in ranges if quality > 0), "*/*")
    return default if "*" in first else first


def _quality(candidate: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The q of the most specific range that covers the candidate."""
    group = candidate.partition("/")[0] + "/*"
    for pattern in (candidate, group, "*/*"):
        qualities = [quality for kind, quality in ranges if kind == pattern]
        if qualities:
            return qualities[0]
    return 0.0


def _range(part: str) -> tuple[str, float]:
    kind, parameters = _parts(part)
    if parameters.get("charset", "utf-8").lower() not in {"utf-8", "utf8", "us-ascii", "*"}:
        return kind, 0.0
    try:
        quality = float(parameters.get("q", "1"))
    except ValueError:
        quality = 0.0
    return ("*/*" if kind == "*" else kind), quality if 0 <= quality <= 1 else 0.0


def _parts(header: str) -> tuple[str, dict[str, str]]:
    kind, *rest = header.split(";")
    pairs = (item.partition("=") for item in rest)
    kind = kind.strip().lower()
    return ALIASES.get(kind, kind), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
