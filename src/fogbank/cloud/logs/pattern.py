"""CloudWatch Logs' filter patterns, pure: terms, phrases, regular expressions, and conditions on JSON.

In: a pattern; out: whether a message matches it. Patterns of space-delimited fields are refused by name. Source: CloudWatch Logs User
Guide, "Filter pattern syntax".
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from fogbank.cloud.logs.expression import Expression, ExpressionError

Matches = Callable[[str], bool]
TERM = re.compile(r'\s*([-?]?)(?:"((?:[^"\\]|\\.)*)"|%([^%]+)%|([^\s"%\[\]{}]+))')
JSON_TOKEN = re.compile(
    r"""\s*(?:(?P<sign>&&|\|\||[()]|!=|<=|>=|=|<|>)|(?P<path>\$(?:\.[\w-]+|\[(?:\d+|\*)\]|\["[^"]+"\])*)"""
    r"""|"(?P<text>(?:[^"\\]|\\.)*)"|%(?P<regex>[^%]+)%|(?P<word>[^\s()&|=<>!"]+))"""
)
STEP = re.compile(r'\.([\w-]+)|\[(\d+|\*)\]|\["([^"]+)"\]')
COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
DEEPEST = 50


class PatternError(Exception):
    """A pattern that is none, or that is not there yet."""


def matcher(pattern: str) -> Matches:
    """What matches a pattern; an empty one matches everything. Raises PatternError."""
    text = pattern.strip()
    if text.startswith("{"):
        return _json(text)
    if text.startswith("["):
        raise PatternError("the local cloud does not have filter patterns of space-delimited fields yet")
    return _terms(text)


def _terms(text: str) -> Matches:
    """Every plain term is in the message, one at least of those that begin with `?`, none of those that begin with `-`."""
    groups: dict[str, list[Matches]] = {"": [], "?": [], "-": []}
    at = 0
    while at < len(text.rstrip()):
        match = TERM.match(text, at)
        if match is None:
            raise PatternError(f"Invalid filter pattern: {text[at:].strip()[:50]!r}")
        at = match.end()
        groups[match[1]].append(_contains(match[2], match[3], match[4]))
    every, some, none = groups[""], groups["?"], groups["-"]
    return lambda message: (
        all(test(message) for test in every)
        and (not some or any(test(message) for test in some))
        and not any(test(message) for test in none)
    )


def _contains(phrase: str | None, regex: str | None, word: str | None) -> Matches:
    if regex is not None:
        return _searched(regex)
    text = re.sub(r"\\(.)", r"\1", phrase) if phrase is not None else word or ""
    return lambda message: text in message


def _searched(regex: str) -> Matches:
    try:
        return Expression(regex).in_
    except ExpressionError as error:
        raise PatternError(f"Invalid regular expression {regex!r}: {error}") from error


def _json(text: str) -> Matches:
    if not text.endswith("}"):
        raise PatternError("Invalid filter pattern: a JSON pattern ends with }")
    test = _JsonReader(text[1:-1]).all()

    def matches(message: str) -> bool:
        try:
            document = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return isinstance(document, dict | list) and test(document)

    return matches


class _JsonReader:
    def __init__(self, text: str) -> None:
        self._tokens, self._at, self._deep = _json_tokens(text), 0, 0

    def all(self) -> Callable[[Any], bool]:
        test = self._any_of()
        if self._at < len(self._tokens):
            raise PatternError(f"Invalid filter pattern: {self._tokens[self._at][1]!r} is not expected")
        return test

    def _any_of(self) -> Callable[[Any], bool]:
        tests = [self._all_of()]
        while self._take("||"):
            tests.append(self._all_of())
        return lambda document: any(test(document) for test in tests)

    def _all_of(self) -> Callable[[Any], bool]:
        tests = [self._one()]
        while self._take("&&"):
            tests.append(self._one())
        return lambda document: all(test(document) for test in tests)

    def _one(self) -> Callable[[Any], bool]:
        self._deep += 1
        if self._deep > DEEPEST:
            raise PatternError("Invalid filter pattern: it is nested too deeply")
        if self._take("("):
            test = self._any_of()
            if not self._take(")"):
                raise PatternError("Invalid filter pattern: a bracket is not closed")
        else:
            test = self._condition()
        self._deep -= 1
        return test

    def _condition(self) -> Callable[[Any], bool]:
        path = self._next("path")
        kind, sign = self._tokens[self._at] if self._at < len(self._tokens) else ("end", "the end")
        self._at += 1
        if kind == "word" and sign.upper() in {"EXISTS", "NOT", "IS"}:
            return self._said(path, sign.upper())
        if kind != "sign":
            raise PatternError(f"Invalid filter pattern: {sign!r} is not expected")
        if self._at >= len(self._tokens):
            raise PatternError("Invalid filter pattern: a value is missing")
        wanted = self._tokens[self._at]
        self._at += 1
        test = _compared(sign, wanted)
        return lambda document: any(test(value) for value in _values(document, path))

    def _said(self, path: str, word: str) -> Callable[[Any], bool]:
        """EXISTS, NOT EXISTS, IS NULL, IS TRUE, IS FALSE."""
        if word == "EXISTS":
            return lambda document: bool(_values(document, path))
        last = self._next("word").upper()
        if (word, last) == ("NOT", "EXISTS"):
            return lambda document: not _values(document, path)
        values = {"NULL": None, "TRUE": True, "FALSE": False}
        if word != "IS" or last not in values:
            raise PatternError(f"Invalid filter pattern: {word} {last}")
        return lambda document: any(value is values[last] for value in _values(document, path))

    def _next(self, kind: str) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != kind:
            raise PatternError(f"Invalid filter pattern: a {kind} is missing")
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _take(self, sign: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == ("sign", sign)
        self._at += found
        return found


def _json_tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(text.rstrip()):
        match = JSON_TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise PatternError(f"Invalid filter pattern: {text[at:].strip()[:50]!r}")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


def _compared(sign: str, wanted: tuple[str, str]) -> Callable[[Any], bool]:
    kind, text = wanted
    if sign in COMPARED:
        number = _number(text)
        if number is None:
            raise PatternError(f"Invalid filter pattern: {text!r} is no number")
        test = COMPARED[sign]
        return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and test(value, number)
    if kind == "regex":
        search = _searched(text)
        equal: Callable[[Any], bool] = lambda value: isinstance(value, str) and search(value)  # noqa: E731 - one of two
    else:
        equal = lambda value: _is(value, text, kind)  # noqa: E731 - the other
    if sign == "=":
        return equal
    if sign == "!=":
        return lambda value: not equal(value)
    raise PatternError(f"Invalid filter pattern: {sign!r} is not expected")


def _is(value: Any, text: str, kind: str) -> bool:
    number = _number(text) if kind == "word" else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number is not None and value == number
    return isinstance(value, str) and fnmatchcase(value, text.replace("[", "[[]"))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _values(document: Any, path: str) -> list[Any]:
    """The values at a path; `[*]` is every item."""
    values = [document]
    for name, index, quoted in STEP.findall(path):
        found: list[Any] = []
        for value in values:
            if (name or quoted) and isinstance(value, dict):
                found += [value[name or quoted]] if (name or quoted) in value else []
            elif index and isinstance(value, list):
                found += value if index == "*" else value[int(index) : int(index) + 1]
        values = found
    return values
