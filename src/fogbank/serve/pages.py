"""What a parquet file says that it unfolds to: by its footer, and by the head of every page, read without unfolding any.

In: a file's bytes; out: rows and columns with their bytes. The footer of a file that means harm may say less than its pages do, and
pyarrow ends the process where it is asked about some that are damaged. Source: apache/parquet-format (README.md, parquet.thrift), in
Thrift's compact protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MAGIC = b"PAR1"
FOOTER_LIMIT = 8 << 20
DEEPEST = 16
PAGES_LIMIT = 100_000
TRUE, FALSE = 1, 2
"""Thrift's compact types of a truth, whose value the type says; 3 is a byte, 4 to 6 whole numbers, 7 a double, 8 bytes, 9 and 10 lists,
12 a struct. Maps are in none of these."""
Struct = dict[int, Any]


@dataclass(frozen=True, kw_only=True)
class Described:
    """A file: its rows, and the bytes that each column (by its path's first name) unfolds to."""

    rows: int
    columns: dict[str, int]


def described(data: bytes) -> Described:
    """What a file says of itself. Raises ValueError for what is no parquet file."""
    size = int.from_bytes(data[-8:-4], "little")
    if len(data) < 12 or data[:4] != MAGIC or data[-4:] != MAGIC or not 0 < size <= min(len(data) - 12, FOOTER_LIMIT):
        raise ValueError("it has no footer")
    footer = _Reader(data, len(data) - 8 - size).struct(DEEPEST)
    columns: dict[str, int] = {}
    rows = 0
    for group in _structs(footer, 4):
        rows += _number(group, 3)
        for chunk in _structs(group, 1):
            about = chunk.get(3)
            if not isinstance(about, dict) or 1 in chunk:  # 1: it lies in another file
                raise ValueError("a column's bytes are not in the file")
            path = about.get(3)
            if not isinstance(path, list) or not path or not isinstance(path[0], bytes):
                raise ValueError("a column has no name")
            name = path[0].decode()
            columns[name] = columns.get(name, 0) + max(_number(about, 6), _unfolded(data, about))
    return Described(rows=max(rows, _number(footer, 3)), columns=columns)


def _unfolded(data: bytes, about: Struct) -> int:
    """The bytes that a column chunk's pages say they unfold to."""
    starts = [_number(about, field) for field in (9, 11) if field in about]
    place = min([start for start in starts if start > 0], default=0)
    end, total = place + _number(about, 7), 0
    if not 0 < place <= end <= len(data):
        raise ValueError("a column lies outside of the file")
    for _ in range(PAGES_LIMIT):
        if place >= end:
            return total
        reader = _Reader(data, place)
        head = reader.struct(DEEPEST)
        total += _number(head, 2)
        place = reader.place + _number(head, 3)
    raise ValueError("a column has too many pages")


def _structs(of: Struct, field: int) -> list[Struct]:
    found = of.get(field, [])
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ValueError("its footer is not a footer")
    return found


def _number(of: Struct, field: int) -> int:
    value = of.get(field)
    if type(value) is not int or value < 0:
        raise ValueError("a size or a place is not said")
    return value


class _Reader:
    """Values in Thrift's compact protocol, read from one place on."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data, self.place = data, place

    def struct(self, depth: int) -> Struct:
        """A struct's values by the number of the field. Raises ValueError."""
        found: Struct = {}
        field = 0
        while (head := self._byte()) != 0:
            field = field + (head >> 4) if head >> 4 else self._zigzag()
            kind = head & 0x0F
            found[field] = kind == TRUE if kind in {TRUE, FALSE} else self._value(kind, depth - 1)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if depth <= 0:
            raise ValueError("it is nested too deep")
        match kind:
            case 1 | 2 | 3:  # in a list a truth is a byte
                return self._byte()
            case 4 | 5 | 6:
                return self._zigzag()
            case 7:
                return self._bytes(8)
            case 8:
                return self._bytes(self._varint())
            case 9 | 10:
                return self._list(depth)
            case 12:
                return self.struct(depth)
        raise ValueError(f"it has a field of type {kind}")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count, kind = head >> 4, head & 0x0F
        if count == 15:
            count = self._varint()
        if count > len(self._data) - self.place:
            raise ValueError("a list is longer than the file")
        return [self._value(kind, depth - 1) for _ in range(count)]

    def _bytes(self, size: int) -> bytes:
        self.place += size
        if self.place > len(self._data):
            raise ValueError("it ends too early")
        return self._data[self.place - size : self.place]

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ValueError("a number has no end")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
