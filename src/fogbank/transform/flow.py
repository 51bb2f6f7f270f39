"""Lines of an object around one request of any size: what the model gets of them, and what is written of its answer, as both come.

In: an object's bytes, the answer's, and what is done to records; out: the same bytes as in one piece, in flat memory. An error has the
number of its record in the object, from 0, empty lines left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from fogbank.transform.association import AssociationError, LineRecords

BLOCK = 1 << 18
"""Bytes of lines that are looked at at once, about."""
ROWS = 4096
"""Records of an answer that are looked at at once: short ones are many in a block."""


@dataclass(frozen=True)
class Flow:
    """One object's records under an association; `parts` gives its bytes from the beginning, each time that it is called."""

    records: LineRecords
    parts: Callable[[], Iterator[bytes]]

    def request(self) -> Iterator[bytes]:
        """What the model gets; nothing where there is no record. Raises AssociationError."""
        before = 0
        for block in blocks(self.parts()):
            with _behind(before):
                body = self.records.request(block)
            before += body.count(b"\n")
            if body:
                yield body

    def output(self, reply: Iterable[bytes]) -> Iterator[bytes]:
        """What is written of the answer. Raises AssociationError."""
        if not self.records.after:
            yield from reply
            return
        answered = 0
        for own, theirs in self._paired(self._values(blocks(reply))):
            with _behind(answered):
                made = self.records.output(_lines(own), _lines(theirs))
                if made.count(b"\n") != len(theirs):  # several lines that are one value
                    raise AssociationError("Failed to parse output from the algorithm as JSON: not a value a line", 0)
            yield made
            answered += len(theirs)

    def _paired(self, values: Iterator[list[bytes]]) -> Iterator[tuple[list[bytes], list[bytes]]]:
        """Records of the answer, each with the input's where they are joined: of either a block's at most, however long they are. Raises
        AssociationError where they are not as many."""
        if not self.records.joins:
            yield from (([], theirs) for theirs in values)
            return
        ours, own, paired = filter(None, map(self.records.split, blocks(self.parts()))), list[bytes](), 0
        for theirs in values:
            while theirs:
                own = own or next(ours, [])
                count = min(len(own), len(theirs))
                if not count:
                    raise _not_as_many(paired, paired + len(theirs) + sum(map(len, values)))
                yield own[:count], theirs[:count]
                del own[:count], theirs[:count]
                paired += count
        if left := len(own) + sum(map(len, ours)):
            raise _not_as_many(paired + left, paired)

    def _values(self, replies: Iterator[bytes]) -> Iterator[list[bytes]]:
        """The answer's records, some at a time. If the first line is no value, all of them are to be one, which needs one piece."""
        begun = False
        for block in replies:
            values = self.records.split(block)
            if values and not begun and not self.records.is_value(values[0]):
                yield [b"".join([block, *replies])]
                return
            begun = begun or bool(values)
            for start in range(0, len(values), ROWS):
                yield values[start : start + ROWS]

    def line(self, record: int) -> int:
        """The number of a record's line in the object, from 1."""
        lines = (line for block in blocks(self.parts()) for line in block.removesuffix(b"\n").split(b"\n"))
        numbers = (number for number, line in enumerate(lines, 1) if self.records.split(line))
        return next(islice(numbers, record, None), record + 1)


def blocks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts as blocks of whole lines, of BLOCK bytes or more; the last may have no newline.

    >>> list(blocks([b"1,2\\n3", b",4\\n5"]))
    [b'1,2\\n3,4\\n5']
    """
    held, size = list[bytes](), 0
    for part in parts:
        end = part.rfind(b"\n") + 1
        if end and size + end >= BLOCK:
            yield b"".join([*held, part[:end]])
            held, size, part = [], 0, part[end:]
        if part:
            held.append(part)
            size += len(part)
    if held:
        yield b"".join(held)


def _lines(records: list[bytes]) -> bytes:
    """Lines of which the same records are read: a carriage return before a newline is part of the line's end."""
    return b"".join([record + (b"\r\n" if record.endswith(b"\r") else b"\n") for record in records])


def _not_as_many(ours: int, theirs: int) -> AssociationError:
    return AssociationError(f"the model answered {ours} records with {theirs}: they cannot be joined")


@contextmanager
def _behind(before: int) -> Iterator[None]:
    """Errors of records get the number of the record in its object."""
    try:
        yield
    except AssociationError as error:
        raise AssociationError(str(error), None if error.record is None else before + error.record) from error
