"""The JSONPath of filters, as the Developer Guide has it."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.transform.jsonpath import PathError, parse

RECORD = {"id": 7, "features": [1, 2, 3, 4, 5, 6], "deep": {"a": {"x": 1}, "b": {"x": 2}}, "SageMakerOutput": 0.5}


@pytest.mark.parametrize(
    ("path", "picked"),
    [
        ("$", RECORD),
        ("$.id", 7),
        ("$['id']", 7),
        ('$["id"]', 7),
        ("$.features", [1, 2, 3, 4, 5, 6]),
        ("$['id','SageMakerOutput']", {"id": 7, "SageMakerOutput": 0.5}),
        ("$.deep.['a','b']", {"a": {"x": 1}, "b": {"x": 2}}),
        ("$.deep.*.x", [1, 2]),
        ("$.deep[*]", [{"x": 1}, {"x": 2}]),
        ("$.features[1]", 2),
        ("$.features[-1]", 6),
        ("$.features[1,3,5]", [2, 4, 6]),
        ("$.features[1:4]", [2, 3, 4, 5]),  # the second through fifth columns
        ("$.features[5:]", [6]),  # from the sixth through the last
        ("$.features[:5]", [1, 2, 3, 4, 5, 6]),  # from the first through the sixth
        ("$.features[0,4:]", [1, 5, 6]),
        ("$.features[-2:]", [5, 6]),
        ("$.features[*]", [1, 2, 3, 4, 5, 6]),
    ],
)
def test_what_is_picked(path: str, picked: Any) -> None:
    assert parse(path).pick(RECORD) == picked


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("$.nothing", "has no 'nothing'"),
        ("$['id','nothing']", "has no"),
        ("$.id.x", "has no 'x'"),
        ("$.features[6]", "index 6 does not lie within the 6 elements"),
        ("$.features[0,-7]", "index -7 does not lie"),
        ("$.features[2:9]", "index 9 does not lie"),
        ("$.features[3:2]", "picks nothing"),
        ("$[0]", "an index needs an array"),
        ("$.id.*", "needs an object or an array"),
    ],
)
def test_what_a_record_has_not(path: str, text: str) -> None:
    with pytest.raises(PathError, match=text):
        parse(path).pick(RECORD)


@pytest.mark.parametrize(
    "path",
    ["", "id", "$..id", "$[?(@.x)]", "$.", "$x", "$[", "$[]", "$['a'", "$[1:2:3]", "$['a',1]", "$[1 2]", "$['a','b'].c", "$." + "a" * 62],
)  # fmt: skip
def test_operators_that_are_not_supported(path: str) -> None:
    with pytest.raises(PathError):
        parse(path)


def test_rows_go_by_index_alone() -> None:
    found = parse("$[0,-1]").indexes()
    assert found is not None
    assert found.of(5) == (0, 4)
    every = parse("$[*]").indexes()
    assert every is not None
    assert every.of(3) == (0, 1, 2)
    assert parse("$").indexes() is None
    for path in ("$.id", "$['id']", "$[0][1]", "$[*][0]"):
        with pytest.raises(PathError, match="only paths by index"):
            parse(path).indexes()
