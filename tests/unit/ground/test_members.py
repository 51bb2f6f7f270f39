"""Documents and frozen values, both ways; nothing of a document is lost without a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from fogbank.ground.members import MemberError, decode, encode, member


@dataclass(frozen=True, kw_only=True)
class Inner:
    size: int = member("Size", required=True)


@dataclass(frozen=True, kw_only=True)
class Outer:
    uri: str = member("Source.S3.Uri", required=True)
    inner: Inner | None = member("Inner", Inner)
    inners: tuple[Inner, ...] = member("All.Inners", Inner, required=True)
    names: dict[str, str] | None = member("Names")
    derived: int = 7


DOCUMENT: dict[str, Any] = {
    "Source": {"S3": {"Uri": "s3://b"}},
    "Inner": {"Size": 0},
    "All": {"Inners": [{"Size": 1}, {"Size": 2}]},
    "Names": {"a.b": "c"},
}


def test_a_value_is_its_document() -> None:
    value = decode(Outer, DOCUMENT)

    assert value == Outer(uri="s3://b", inner=Inner(size=0), inners=(Inner(size=1), Inner(size=2)), names={"a.b": "c"})
    assert encode(value) == DOCUMENT


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"Inner": {}}, "Size is missing"),
        ({"Source": {"S3": {"Url": "s3://b"}}}, "Source.S3.Uri is missing"),
        ({"Inner": {"Size": 1, "Colour": "red"}}, "Colour: there is no such member"),
        ({"All": {"Inners": [{"Size": 1, "Colour": "red"}]}}, "Colour: there is no such member"),
        ({"Brandnew": [1]}, "Brandnew: there is no such member"),
        ({"Source": {"S3": {"Uri": "s3://b", "Kind": "x"}}}, "Source.S3.Kind: there is no such member"),
        ({"Source": "s3://b"}, "Source.S3.Uri: there is no such member"),
    ],
)
def test_what_is_missing_or_unknown_is_named(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(MemberError) as refusal:
        decode(Outer, {**DOCUMENT, **change})

    assert str(refusal.value) == problem


def test_a_part_of_a_larger_document_can_be_read() -> None:
    assert decode(Outer, {**DOCUMENT, "Status": "x"}, whole=False) == decode(Outer, DOCUMENT)
