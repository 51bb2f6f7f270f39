"""Filter patterns as the CloudWatch Logs User Guide's "Filter pattern syntax" explains them."""

from __future__ import annotations

import pytest

from fogbank.cloud.logs.pattern import PatternError, matcher

LINE = "2026-11-26 ERROR could not read row 7: 404"
EVENT = (
    '{"level": "ERROR", "status": 404, "path": "/invocations/x", "tags": ["a", "b"], "user": {"id": null, "ok": true}}'
)


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("", True),
        ("ERROR", True),
        ("error", False),
        ("ERROR 404", True),
        ("ERROR 500", False),
        ("?WARN ?ERROR", True),
        ("?WARN ?INFO", False),
        ("ERROR -404", False),
        ("ERROR -500", True),
        ('"could not read"', True),
        ('"not could"', False),
        ("%row [0-9]+%", True),
        ("%row [a-z]+%", False),
    ],
)
def test_terms(pattern: str, matches: bool) -> None:
    assert matcher(pattern)(LINE) is matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ('{ $.level = "ERROR" }', True),
        ('{ $.level = "WARN" }', False),
        ('{ $.level != "WARN" }', True),
        ("{ $.status >= 400 }", True),
        ("{ $.status > 404 }", False),
        ("{ $.status = 404 }", True),
        ('{ $.path = "/invocations/*" }', True),
        ("{ $.path = %^/invocations% }", True),
        ('{ $.tags[1] = "b" }', True),
        ('{ $.tags[*] = "b" }', True),
        ("{ $.user.id IS NULL }", True),
        ("{ $.user.ok IS TRUE }", True),
        ("{ $.user.name NOT EXISTS }", True),
        ("{ $.user.ok EXISTS }", True),
        ('{ $.status = 500 || ($.status = 404 && $.level = "ERROR") }', True),
        ('{ ($.status = 500 || $.status = 404) && $.level = "WARN" }', False),
    ],
)
def test_json(pattern: str, matches: bool) -> None:
    assert matcher(pattern)(EVENT) is matches
    assert matcher(pattern)(LINE) is False


@pytest.mark.parametrize(
    "pattern", ["[ip, user]", "{ $.a = }", "{ $.a", '{ a = "b" }', "%(%", "{ $.a < word }", '"open', "{ ($.a = 1 }"]
)
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(PatternError):
        matcher(pattern)
