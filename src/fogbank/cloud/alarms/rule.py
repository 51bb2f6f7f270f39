"""The rule of a composite alarm, pure: ALARM(), OK() and INSUFFICIENT_DATA() of other alarms under AND, OR, NOT, TRUE and FALSE.

In: a rule's text, and the states of alarms by name; out: whether it holds, and which alarms it names. Source: CloudWatch API Reference,
PutCompositeAlarm.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

TOKEN = re.compile(r"""\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]+)"|'(?P<single>[^']+)'|(?P<bare>[^\s"'()]+))\s*\)"""
                   r"""|(?P<word>AND|OR|NOT|TRUE|FALSE)\b|(?P<sign>[()]))""")  # fmt: skip
ARN = re.compile(r"arn:aws[a-z-]*:cloudwatch:[^:]*:[^:]*:alarm:(.+)")
DEEPEST = 100
StateOf = Callable[[str], str]
Test = Callable[[StateOf], bool]


class RuleError(Exception):
    """A rule that is none."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule that was read: the alarms that it names, in order, and its test."""

    names: tuple[str, ...]
    holds: Test


def read(text: str) -> Rule:
    """Read a rule. Raises RuleError."""
    reader = _Reader(text)
    test = reader.any_of()
    if not reader.is_at_end():
        raise RuleError("the rule goes on after its end")
    return Rule(names=tuple(dict.fromkeys(reader.names)), holds=test)


class _Reader:
    def __init__(self, text: str) -> None:
        self.names: list[str] = []
        self._tokens, self._at, self._deep = _tokens(text), 0, 0

    def is_at_end(self) -> bool:
        return self._at == len(self._tokens)

    def any_of(self) -> Test:
        tests = [self._all_of()]
        while self._take("OR"):
            tests.append(self._all_of())
        return lambda state: any(test(state) for test in tests)

    def _all_of(self) -> Test:
        tests = [self._one()]
        while self._take("AND"):
            tests.append(self._one())
        return lambda state: all(test(state) for test in tests)

    def _one(self) -> Test:
        self._deep += 1
        if self._deep > DEEPEST:
            raise RuleError("the rule is nested too deeply")
        try:
            return self._primary()
        finally:
            self._deep -= 1

    def _primary(self) -> Test:
        if self._take("NOT"):
            denied = self._one()
            return lambda state: not denied(state)
        if self._take("("):
            inner = self.any_of()
            if not self._take(")"):
                raise RuleError("a bracket is not closed")
            return inner
        if self.is_at_end():
            raise RuleError("the rule ends too early")
        kind, name = self._tokens[self._at]
        self._at += 1
        if kind in {"TRUE", "FALSE"}:
            return lambda _: kind == "TRUE"
        if name is None:
            raise RuleError(f"{kind} is not expected")
        self.names.append(name)
        return lambda state: state(name) == kind

    def _take(self, word: str) -> bool:
        found = not self.is_at_end() and self._tokens[self._at] == (word, None)
        self._at += found
        return found


def _tokens(text: str) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise RuleError(f"the local cloud cannot read {text[at : at + 40].strip()!r}")
        name = match["quoted"] or match["single"] or match["bare"]
        found.append((match["state"] or match["word"] or match["sign"], _name(name) if name else None))
        at = match.end()
    return found


def _name(text: str) -> str:
    match = ARN.fullmatch(text)
    return match[1] if match else text
