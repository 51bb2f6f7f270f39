from __future__ import annotations

import pytest

from fogbank.cloud.alarms.rule import RuleError, read

STATES = {"a": "ALARM", "b": "OK", "c": "INSUFFICIENT_DATA", "an alarm": "ALARM"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("ALARM(a)", True),
        ('ALARM("an alarm") AND OK(b)', True),
        ("ALARM(b) OR INSUFFICIENT_DATA(c)", True),
        ("NOT ALARM(a)", False),
        ("ALARM(b) OR ALARM(a) AND NOT ALARM(c)", True),
        ("(ALARM(b) OR ALARM(a)) AND ALARM(c)", False),
        ("TRUE AND NOT FALSE", True),
        ("OK(arn:aws:cloudwatch:us-east-1:123456789012:alarm:b)", True),
    ],
)
def test_rules(text: str, holds: bool) -> None:
    assert read(text).holds(STATES.__getitem__) is holds


def test_the_alarms_that_it_names() -> None:
    assert read("ALARM(a) AND (OK(b) OR NOT ALARM(a))").names == ("a", "b")


@pytest.mark.parametrize(
    "text",
    ["", "ALARM(a) AND", "ALARM(a) OK(b)", "(ALARM(a)", "AT_LEAST(1, ALARM, (a, b))", "a", "NOT " * 200 + "TRUE"],
)
def test_what_is_no_rule(text: str) -> None:
    with pytest.raises(RuleError):
        read(text)
