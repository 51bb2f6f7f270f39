"""The regular expressions of CloudWatch Logs' filter patterns, in time that grows with a message and no faster.

In: an expression; out: whether a text has a part that it matches. Python's own engine tries again what it has tried, takes for ever over some
expressions and keeps the whole process meanwhile; the syntax has no groups, so that all ways through it are followed at once, one bit for each
place in it. Source: CloudWatch Logs User Guide, "Supported regular expressions (regex) syntax".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

ATOM = re.compile(
    r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\x[0-9A-Fa-f]{2}|\\[dDsSwW]|\\[^A-Za-z0-9]|[A-Za-z0-9 .:_#=@/;,-]",
    re.ASCII | re.DOTALL,
)
"""One character, or a class of them; spaces are not on AWS's list, and are taken."""
REPEAT = re.compile(r"[*+?]|\{(\d{1,4})(,?)(\d{0,4})\}")
SET_SIGNS = re.compile(r"(?<!\\)([\[&~|])")
"""What Python may read as an operation on sets one day."""
MOST, KEPT = 2000, 20_000
Test = Callable[[str], object]


class ExpressionError(Exception):
    """It is none, or has what the syntax has not."""


@dataclass(frozen=True)
class _Item:
    """One place: which characters lead on from it, whether none need, and whether one leads back to it."""

    test: Test
    skips: bool = False
    loops: bool = False


@dataclass(frozen=True)
class _Way:
    """One of the alternatives; from the text's start, to its end, or anywhere."""

    items: tuple[_Item, ...]
    from_start: bool
    to_end: bool


class Expression:
    """One expression; `in_` says whether a text has what it matches. Raises ExpressionError."""

    def __init__(self, text: str) -> None:
        self._skips = self._loops = self._anywhere = self._ends = 0
        self._tests: list[Test] = []
        started = anchored = 0
        for way in _ways(text):
            first = 1 << len(self._tests)
            started |= first
            anchored |= first if way.from_start else 0
            for item in way.items:
                self._skips |= item.skips << len(self._tests)
                self._loops |= item.loops << len(self._tests)
                self._tests.append(item.test)
            end = 1 << len(self._tests)
            self._tests.append(lambda _: False)
            self._ends |= end
            self._anywhere |= 0 if way.to_end else end
        self._first, self._again = self._closed(started), self._closed(started & ~anchored)
        self._masks: dict[str, int] = {}
        self._steps: dict[tuple[int, str], int] = {}

    def in_(self, text: str) -> bool:
        """Whether some part of the text matches."""
        places = self._first
        for character in text:
            if places & self._anywhere:
                return True
            known = self._steps.get((places, character))
            places = self._step(places, character) if known is None else known
        return bool(places & self._ends)

    def _step(self, places: int, character: str) -> int:
        mask = self._masks.get(character)
        if mask is None:
            mask = sum(1 << at for at, test in enumerate(self._tests) if test(character))
            self._masks[character] = mask
        on = places & mask
        after = self._closed(((on & ~self._loops) << 1) | (on & self._loops)) | self._again
        if len(self._steps) >= KEPT:
            self._steps.clear()
        self._steps[places, character] = after
        return after

    def _closed(self, places: int) -> int:
        """With the places behind those that may be skipped: a sum carries through a row of them in one step, however long it is."""
        return places | (((places & self._skips) + self._skips) ^ self._skips)


def _ways(text: str) -> list[_Way]:
    ways: list[_Way] = []
    at = size = 0
    while True:
        from_start = text.startswith("^", at)
        at += from_start
        items: list[_Item] = []
        while at < len(text) and text[at] not in "|$":
            repeated, at = _repeated(text, at)
            items += repeated
            size += len(repeated)
            if size > MOST:
                raise ExpressionError(f"it has more than {MOST} places")
        to_end = text.startswith("$", at)
        at += to_end
        ways.append(_Way(tuple(items), from_start, to_end))
        if at >= len(text):
            return ways
        if text[at] != "|":
            raise ExpressionError("$ stands at the end")
        at += 1


def _repeated(text: str, at: int) -> tuple[list[_Item], int]:
    """The places of one atom with its repetition, and where the text goes on."""
    atom = ATOM.match(text, at)
    if atom is None:
        raise ExpressionError(f"{text[at]!r} is not supported here{_instead(text[at])}")
    test, end = _test(atom[0]), atom.end()
    repeat = REPEAT.match(text, end)
    if repeat is None:
        return [_Item(test)], end
    least, most = _bounds(repeat)
    if max(least, most or 0) > MOST:
        raise ExpressionError(f"it has more than {MOST} places")
    rest = [_Item(test, skips=True, loops=True)] if most is None else [_Item(test, skips=True)] * (most - least)
    return [_Item(test)] * least + rest, repeat.end()


def _instead(character: str) -> str:
    """What to write for a sign that stands for itself."""
    is_sign = character.isascii() and character.isprintable() and not character.isalnum() and character != "\\"
    return f": write \\{character} for the character itself" if is_sign else ""


def _bounds(repeat: re.Match[str]) -> tuple[int, int | None]:
    """How often at least, and at most; None for any number of times."""
    signs: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
    if repeat[0] in signs:
        return signs[repeat[0]]
    least = int(repeat[1])
    most = (int(repeat[3]) if repeat[3] else None) if repeat[2] else least
    if (most is not None and most < least) or (repeat[3] and not repeat[2]):
        raise ExpressionError(f"{repeat[0]} are no bounds")
    return least, most


def _test(atom: str) -> Test:
    if atom.startswith("["):
        atom = "[" + SET_SIGNS.sub(r"\\\1", atom[1:])
    try:
        return re.compile(atom, re.ASCII).match
    except re.error as error:
        raise ExpressionError(str(error)) from error
