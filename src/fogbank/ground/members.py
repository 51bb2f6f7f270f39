"""Frozen values as AWS's documents: a dataclass's fields by the members they stand for.

In: a document, such as a request; out: a frozen value, and the same document again. A member that the value does not have is an
error that names it: nothing of a document is lost on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any, TypeVar

V = TypeVar("V")
PATH, INNER = "path", "inner"


class MemberError(ValueError):
    """A document that is not of the shape of a value: a member that is missing, or one that the value does not have."""


def member(path: str, inner: type | None = None, *, required: bool = False, default: object = None) -> Any:
    """A field that stands for the member at a path, such as `DataSource.S3DataSource.S3Uri`; `inner` is the value, or one of the values, that it holds."""
    metadata = {PATH: path, INNER: inner}
    return field(metadata=metadata) if required else field(default=default, metadata=metadata)


def encode(value: object) -> dict[str, Any]:
    """The document of a value; what is None is not in it."""
    document: dict[str, Any] = {}
    for each in _members(type(value)):
        content = getattr(value, each.name)
        if content is not None:
            if each.metadata[INNER]:
                content = [encode(item) for item in content] if isinstance(content, tuple) else encode(content)
            _put(document, each.metadata[PATH].split("."), content)
    return document


def decode(kind: type[V], document: Mapping[str, Any], *, whole: bool = True) -> V:
    """The value of a document; with `whole`, all of the document is in the value. Raises MemberError."""
    contents: dict[str, Any] = {}
    for each in _members(kind):
        content = _get(document, each.metadata[PATH].split("."))
        inner = each.metadata[INNER]
        if content is not None:
            contents[each.name] = _inner(inner, content, whole=whole) if inner else content
        elif each.default is MISSING:
            raise MemberError(f"{each.metadata[PATH]} is missing")
    value = kind(**contents)
    if whole and (strangers := sorted(_leaves(document) - _leaves(encode(value)))):
        raise MemberError(f"{', '.join(strangers)}: there is no such member")
    return value


def _inner(kind: type, content: Any, *, whole: bool) -> Any:
    """A value, or a tuple of values where the document has a list."""
    if isinstance(content, list):
        return tuple(decode(kind, item, whole=whole) for item in content)
    return decode(kind, content, whole=whole)


def _members(kind: type) -> list[Field[Any]]:
    return [each for each in fields(kind) if PATH in each.metadata]


def _put(document: dict[str, Any], path: list[str], content: Any) -> None:
    *folders, name = path
    for folder in folders:
        document = document.setdefault(folder, {})
    document[name] = content


def _get(document: Any, path: list[str]) -> Any:
    for name in path:
        if not isinstance(document, Mapping):
            raise MemberError(f"{'.'.join(path)}: there is no such member")
        document = document.get(name)
        if document is None:
            return None
    return document


def _leaves(document: Any, path: str = "") -> set[str]:
    """The paths of all members that hold something else than members."""
    if not isinstance(document, Mapping) or not document:
        return {path} if document is not None else set()
    return {leaf for name, content in document.items() for leaf in _leaves(content, f"{path}.{name}" if path else name)}
