"""The JSONPath of SageMaker's filters: a path is parsed once, and picks a part of each record.

In: a path such as `$[0,5:]` or `$['id','SageMakerOutput']`; out: what it picks of a JSON value, or the indexes that it picks of a row.
Source: AWS Developer Guide, "Associate Prediction Results with Input Records" (its table of operators; an end of a slice is included, as
that page says twice), and API reference, DataProcessing (a list of indexes and slices; one beyond the record is an error).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LONGEST = 63
_NAME = re.compile(r"\.([^.\[\]'\"*,:()?@\s]+)")
_BRACKETS = re.compile(r"\.?\[([^\[\]]*)\]")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_RANGE = re.compile(r"\s*(-?\d+)?\s*(:)?\s*(-?\d+)?\s*")


class PathError(Exception):
    """A path that SageMaker does not take, or one that does not fit a record; the text says which."""


@dataclass(frozen=True)
class Range:
    """Elements from `start` to `end`, both included, at least one; a negative one counts from the end. `one` is where a single index stood."""

    start: int | None
    end: int | None
    one: bool = False

    def of(self, width: int) -> Iterator[int]:
        """The indexes of an array of `width` elements. Raises PathError for an index that it has not."""
        if self.one:
            index = self.start or 0
            if not -width <= index < width:
                raise PathError(f"index {index} does not lie within the {width} elements of the record")
            yield index % width
            return
        start, end = (0 if self.start is None else self.start), (-1 if self.end is None else self.end)
        for bound in (self.start, self.end):
            if bound is not None and not -width <= bound < width:
                raise PathError(f"index {bound} does not lie within the {width} elements of the record")
        chosen = range(start + width if start < 0 else start, (end + width if end < 0 else end) + 1)
        if not chosen:
            raise PathError(f"a slice picks nothing of the {width} elements of the record")
        yield from chosen


@dataclass(frozen=True)
class Names:
    """Members of an object."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Indexes:
    """Elements of an array."""

    ranges: tuple[Range, ...]

    def of(self, width: int) -> tuple[int, ...]:
        """Those of an array of `width` elements. Raises PathError."""
        return tuple(index for each in self.ranges for index in each.of(width))


@dataclass(frozen=True)
class Every:
    """The wildcard."""


Step = Names | Indexes | Every


@dataclass(frozen=True)
class Path:
    """A parsed path. `text` is how it was written."""

    text: str
    steps: tuple[Step, ...]

    @property
    def whole(self) -> bool:
        """Whether it is `$`: all of a record."""
        return not self.steps

    def indexes(self) -> Indexes | None:
        """What it picks of a row of cells; None for all of it. Raises PathError where it does not go by indexes alone."""
        if self.whole:
            return None
        if self.steps == (Every(),):
            return Indexes((Range(None, None),))
        if len(self.steps) == 1 and isinstance(self.steps[0], Indexes):
            return self.steps[0]
        raise PathError(
            f"{self.text} does not fit CSV, whose rows are arrays: only paths by index do, such as $[0] or $[1:]"
        )

    def pick(self, value: Any) -> Any:
        """What it picks of a JSON value. Raises PathError where there is no such part."""
        values, many = [value], False
        for step in self.steps:
            found = [_step(step, each) for each in values]
            if isinstance(step, Every) or (
                isinstance(step, Indexes) and not (len(step.ranges) == 1 and step.ranges[0].one)
            ):
                values, many = [item for each in found for item in each], True
            else:
                values = found
        return values if many else values[0]


def parse(text: str) -> Path:
    """A path. Raises PathError for what SageMaker's subset has not.

    >>> parse("$[0,5:]").steps
    (Indexes(ranges=(Range(start=0, end=0, one=True), Range(start=5, end=None, one=False))),)
    """
    if len(text) > LONGEST:
        raise PathError(f"a path has at most {LONGEST} characters")
    if not text.startswith("$"):
        raise PathError(f"{text!r} does not begin with $")
    at, steps = 1, list[Step]()
    while at < len(text):
        if steps and isinstance(steps[-1], Names) and len(steps[-1].names) > 1:
            raise PathError(f"{text!r}: nothing can follow several names")
        if name := _NAME.match(text, at):
            steps.append(Names((name.group(1),)))
            at = name.end()
        elif text.startswith(".*", at):
            steps.append(Every())
            at += 2
        elif brackets := _BRACKETS.match(text, at):
            steps.append(_bracketed(brackets.group(1), text))
            at = brackets.end()
        else:
            raise PathError(f"{text!r} has an operator that is not supported at {text[at:]!r}")
    return Path(text, tuple(steps))


def _bracketed(inner: str, text: str) -> Step:
    if inner.strip() == "*":
        return Every()
    names = [_QUOTED.fullmatch(part.strip()) for part in inner.split(",")]
    if all(names):
        return Names(tuple(found.group(1) or found.group(2) or "" for found in names if found))
    return Indexes(tuple(_range(part, text) for part in inner.split(",")))


def _range(part: str, text: str) -> Range:
    found = _RANGE.fullmatch(part)
    if found is None or not part.strip() or (found.group(3) and not found.group(2)):
        raise PathError(f"{text!r} has an operator that is not supported: [{part}]")
    start, colon, end = found.groups()
    if colon:
        return Range(int(start) if start else None, int(end) if end else None)
    return Range(int(start), int(start), one=True)


def _step(step: Step, value: Any) -> Any:
    """One step down. Several elements come as a list, several members as an object of them. Raises PathError."""
    if isinstance(step, Names):
        if not isinstance(value, dict) or any(name not in value for name in step.names):
            raise PathError(f"the record has no {', '.join(map(repr, step.names))}")
        return value[step.names[0]] if len(step.names) == 1 else {name: value[name] for name in step.names}
    if isinstance(step, Every):
        if not isinstance(value, dict | list):
            raise PathError("* needs an object or an array")
        return list(value.values()) if isinstance(value, dict) else value
    if not isinstance(value, list):
        raise PathError("an index needs an array")
    picked = [value[index] for index in step.of(len(value))]
    return picked[0] if len(step.ranges) == 1 and step.ranges[0].one else picked
