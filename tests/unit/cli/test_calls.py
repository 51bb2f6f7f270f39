"""The ways to call an endpoint, as text; that they work is seen in tests/journeys/test_first_hour.py."""

from __future__ import annotations

import shlex

import pytest

from fogbank.cli.calls import IMAGE, ROWS, TEXT, Standing, how_to_call, standing, ways


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
        ([{"name": "a", "dtype": "string"}, {"name": "b", "dtype": "string"}], ROWS),
        ([{"name": "text", "dtype": "string"}], TEXT),
        ([{"name": "image", "dtype": "string"}], IMAGE),
    ],
)
def test_a_request_stands_for_what_the_model_takes(columns: list[dict[str, str]], without: Standing) -> None:
    lines = ways("http://127.0.0.1:4567", "live", "", standing(columns))

    assert shlex.split(lines["fogbank"])[-1] == shlex.split(without.argument)[0]
    assert f"Content-Type: {without.content_type}" in shlex.split(lines["curl"])
    assert shlex.split(without.data)[0] in shlex.split(lines["curl"])


def test_the_url_comes_first() -> None:
    first, *rest = how_to_call("http://127.0.0.1:1", "a", "s.csv").splitlines()

    assert first == "a answers at http://127.0.0.1:1/endpoints/a/invocations"
    assert [line.split()[0] for line in rest] == ["fogbank", "curl", "python"]
