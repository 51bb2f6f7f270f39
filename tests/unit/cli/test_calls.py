"""The ways to call an endpoint, as text; that they work is seen in tests/journeys/test_first_hour.py."""

from __future__ import annotations

import shlex

import pytest

from fogbank.cli.calls import IMAGE, ROWS, TEXT, Standing, how_to_call, standing, standing_by, ways
from fogbank.contracts.schema import Column


def test_each_way_is_one_line_that_a_shell_takes_apart_as_it_is_meant() -> None:
    lines = ways("http://127.0.0.1:4567", "churn-live", "my rows/sample.csv")

    assert list(lines) == ["fogbank", "curl", "python"]
    assert shlex.split(lines["fogbank"])[-2:] == ["churn-live", "my rows/sample.csv"]
    assert shlex.split(lines["curl"])[-1] == "http://127.0.0.1:4567/endpoints/churn-live/invocations"
    assert "@my rows/sample.csv" in shlex.split(lines["curl"])
    assert 'open("my rows/sample.csv", "rb")' in shlex.split(lines["python"])[2]


def test_without_a_sample_a_request_stands_for_one() -> None:
    lines = ways("http://127.0.0.1:4567", "churn-live", "")

    assert set(lines) == {"fogbank", "curl"}
    assert "'[[...]]'" in lines["curl"]


@pytest.mark.parametrize(
    ("columns", "without"),
    [
        ([], ROWS),
        ([Column(name="a", dtype="string"), Column(name="b", dtype="string")], ROWS),
        ([Column(name="text", dtype="string")], TEXT),
        ([Column(name="image", dtype="string")], IMAGE),
    ],
)
def test_a_request_stands_for_what_the_model_takes(columns: list[Column], without: Standing) -> None:
    lines = ways("http://127.0.0.1:4567", "live", "", standing(columns))

    assert shlex.split(lines["fogbank"])[-1] == shlex.split(without.argument)[0]
    assert f"Content-Type: {without.content_type}" in shlex.split(lines["curl"])
    assert shlex.split(without.data)[0] in shlex.split(lines["curl"])


@pytest.mark.parametrize(
    ("document", "without"),
    [
        ('{"input": {"columns": [{"name": "text", "dtype": "string"}]}}', TEXT),
        ('{"input": {"columns": [{"name": "text", "dtype": "category"}]}}', ROWS),
        ('{"columns": [{"name": "text", "dtype": "string"}]}', ROWS),
        ('{"input": ["text"]}', ROWS),
        ('{"input": {}}', ROWS),
        ("[]", ROWS),
        ("null", ROWS),
        ("{", ROWS),
        ("", ROWS),
    ],
)
def test_a_schema_written_by_hand_is_no_reason_to_fail(document: str, without: Standing) -> None:
    assert standing_by(document.encode()) == without
    assert standing_by(document.encode("utf-16")) == without, "as JSON may be"


def test_the_url_comes_first() -> None:
    first, *rest = how_to_call("http://127.0.0.1:1", "a", "s.csv").splitlines()

    assert first == "a answers at http://127.0.0.1:1/endpoints/a/invocations"
    assert [line.split()[0] for line in rest] == ["fogbank", "curl", "python"]
