"""S3's documents. In: members by name, lists of them, text; out: XML, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f￾￿]")
LONGEST = 4 << 20


class Raw(str):
    """Elements that are written already."""

    __slots__ = ()


class MalformedError(Exception):
    """The document cannot be read."""


def document(root: str, members: Mapping[str, Any], namespace: str = NAMESPACE) -> bytes:
    """A document: a member of None is left out, one that is a list stands once for each of its items."""
    attribute = f' xmlns="{namespace}"' if namespace else ""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}{attribute}>{inner(members)}</{root}>'.encode()


def inner(members: Mapping[str, Any]) -> str:
    """The elements of members, in order; elements that are written already stand under an empty name."""
    return "".join(_element(name, value) for name, value in members.items())


def _element(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, Mapping):
        content = inner({key: item for key, item in value.items() if not key.startswith("@")})
        attributes = "".join(f' {key[1:]}="{item}"' for key, item in value.items() if key.startswith("@"))
        return f"<{name}{attributes}>{content}</{name}>"
    if isinstance(value, Raw):
        return f"<{name}>{value}</{name}>" if name else value
    return f"<{name}>{plain(('true' if value else 'false') if isinstance(value, bool) else str(value))}</{name}>"


def plain(text: str) -> str:
    """Text as an element has it."""
    return CONTROL.sub(_reference, escape(text))


def _reference(match: re.Match[str]) -> str:
    """What XML 1.0 cannot hold, as S3 writes it."""
    return f"&#x{ord(match[0]):x};"


def parse(body: bytes, root: str) -> ET.Element:
    """The root of a document, without namespaces. Raises MalformedError."""
    if len(body) > LONGEST or b"<!DOCTYPE" in body[:4096]:
        raise MalformedError
    try:
        tree = ET.fromstring(body)  # noqa: S314 - no document type is let in, and expat bounds what entities unfold to
    except ET.ParseError as error:
        raise MalformedError from error
    for element in tree.iter():
        element.tag = element.tag.rpartition("}")[2]
    if tree.tag != root:
        raise MalformedError
    return tree


def text(element: ET.Element, path: str) -> str | None:
    """The text at a path below an element; None where nothing is there."""
    child = element.find(path)
    return None if child is None else child.text or ""
