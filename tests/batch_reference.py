"""Batch transform as AWS's documents tell it, written a second time, from them alone: what jobs are compared with.

All of an object is in memory, letter by letter, and nothing of the product is used. Sources: the API reference (CreateTransformJob,
TransformInput, TransformOutput, DataProcessing), the Developer Guide ("Batch Transform", "Associate Prediction Results with Input
Records"), RFC 4180, MXNet's recordio.h, TensorFlow's "TFRecord". Where they are silent, docs/parity.md says what was taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Model = Callable[[bytes], bytes]


class NoOutputError(Exception):
    """The object has no output."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a request says, with the API's defaults."""

    split: str = "None"
    strategy: str = "MultiRecord"
    limit: int = 6 << 20
    assemble: str = "None"
    media: str = "text/csv"
    join: bool = False
    before: str = "$"
    after: str = "$"


def output_of(body: bytes, asked: Asked, model: Model) -> tuple[bytes, list[bytes]]:
    """The output object, and the bodies that the model was asked with. Raises NoOutputError."""
    requests, output = list[bytes](), b""
    for batch in _batched(_records(body, asked.split), asked):
        if _touched(asked):
            ours = [record for record in batch if asked.split != "Line" or not _is_blank(record, asked)]
            if not ours:
                continue
            request = b"".join(_before(record, asked) for record in ours)
            if len(request) > asked.limit:
                raise NoOutputError
        else:
            ours, request = batch, b"".join(batch)
        requests.append(request)
        reply = _after(ours, model(request), asked)
        output += reply
        if asked.assemble == "Line" and not reply.endswith(b"\n"):
            output += b"\n"
    return output, requests


def _touched(asked: Asked) -> bool:
    return asked.join or asked.before != "$" or asked.after != "$"


def _records(body: bytes, split: str) -> list[bytes]:
    """Whole records, lines with their newline, others with their frames."""
    if split == "None":
        return [body]
    found = list[bytes]()
    if split == "Line":
        for letter in body:
            if not found or found[-1].endswith(b"\n"):
                found.append(b"")
            found[-1] += bytes([letter])
        return found
    while body:
        if split == "TFRecord":
            size = 8 + 4 + int.from_bytes(body[:8], "little") + 4
        else:
            size = 8 + int.from_bytes(body[4:8], "little")
            size += -size % 4
        found.append(body[:size])
        body = body[size:]
    return found


def _batched(records: list[bytes], asked: Asked) -> list[list[bytes]]:
    """One record a request, or as many as fit."""
    made = list[list[bytes]]()
    for record in records:
        if len(record) > asked.limit:
            raise NoOutputError
        full = made and sum(map(len, made[-1])) + len(record) > asked.limit
        if not made or full or asked.strategy == "SingleRecord":
            made.append([])
        made[-1].append(record)
    return made


def _line(record: bytes) -> bytes:
    """Without its end, which is a newline with or without one carriage return."""
    return record.removesuffix(b"\n").removesuffix(b"\r")


def _is_blank(record: bytes, asked: Asked) -> bool:
    return not (record.strip() if "json" in asked.media else _line(record))


def _before(record: bytes, asked: Asked) -> bytes:
    end = b"\n" if asked.split == "Line" else b""
    if "json" in asked.media:
        if asked.before == "$":
            return record if asked.split != "Line" else record.strip() + end
        return _json(picked(_value(record), asked.before)) + end
    line = _line(record)
    if asked.before == "$":
        return line + b"\n"
    return _csv(picked(_cells(line.decode("latin-1")), asked.before)) + b"\n"


def _after(ours: list[bytes], reply: bytes, asked: Asked) -> bytes:
    if not asked.join and asked.after == "$":
        return reply
    if "json" in asked.media:
        parts = [part.strip() for part in reply.split(b"\n") if part.strip()] if asked.split == "Line" else [reply]
        values = [_value(part) for part in parts]
        if asked.join:
            if len(values) != len(ours):
                raise NoOutputError
            inputs = [_value(record) for record in ours]
            values = [
                {**own, "SageMakerOutput": value} if isinstance(own, dict) else {"SageMakerInput": own, "SageMakerOutput": value}
                for own, value in zip(inputs, values, strict=True)
            ]  # fmt: skip
        end = b"\n" if asked.split == "Line" else b""
        return b"".join(_json(picked(value, asked.after)) + end for value in values)
    rows = [_cells(line) for line in reply.decode("latin-1").replace("\r\n", "\n").split("\n") if line]
    if asked.join:
        if len(rows) != len(ours):
            raise NoOutputError
        lines = [record.decode("latin-1").removesuffix("\n").removesuffix("\r") for record in ours]
        rows = [_cells(line) + row for line, row in zip(lines, rows, strict=True)]
    return b"".join(_csv(picked(row, asked.after)) + b"\n" for row in rows)


def _cells(line: str) -> list[str]:
    """RFC 4180's grammar, letter by letter."""
    found, state = [""], "start"
    for letter in line:
        if state == "quoted":
            if letter == '"':
                state = "quote"
            else:
                found[-1] += letter
        elif letter == ",":
            found.append("")
            state = "start"
        elif letter == '"':
            if state == "plain":
                raise NoOutputError
            if state == "quote":
                found[-1] += '"'
            state = "quoted"
        else:
            if state == "quote":
                raise NoOutputError
            found[-1] += letter
            state = "plain"
    if state == "quoted":
        raise NoOutputError
    return found


def _csv(row: Any) -> bytes:
    cells = row if isinstance(row, list) else [row]
    quoted = [cell if not re.search('[",\r\n]', cell) else '"' + cell.replace('"', '""') + '"' for cell in cells]
    return (",".join(quoted) or '""').encode("latin-1")


def _value(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise NoOutputError from None


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def picked(value: Any, path: str) -> Any:
    """What a JSONPath of the guide's table picks, one operator after the other."""
    values, several = [value], False
    for operator in re.findall(r"\.\w+|\.\*|\.?\[[^\]]*\]", path):
        inner = operator.lstrip(".").strip("[]")
        following = list[Any]()
        for each in values:
            if inner == "*":
                several = True
                following += each.values() if isinstance(each, dict) else each
            elif operator.startswith(".") and "[" not in operator:
                following.append(_member(each, inner))
            elif "'" in inner:
                names = [name.strip().strip("'") for name in inner.split(",")]
                members = {name: _member(each, name) for name in names}
                following.append(members if len(names) > 1 else members[names[0]])
            else:
                several = several or "," in inner or ":" in inner
                for part in inner.split(","):
                    following += _elements(each, part)
        values = following
    return values if several else values[0]


def _member(value: Any, name: str) -> Any:
    if not isinstance(value, dict) or name not in value:
        raise NoOutputError
    return value[name]


def _elements(value: Any, part: str) -> list[Any]:
    """One index, or a slice with both ends in it: `$[1:4]` specifies the second through fifth columns."""
    if not isinstance(value, list):
        raise NoOutputError
    start, _, end = part.partition(":") if ":" in part else (part, "", part)
    first, last = (_place(int(text or default), len(value)) for text, default in ((start, "0"), (end, "-1")))
    if first > last:
        raise NoOutputError
    return value[first : last + 1]


def _place(index: int, width: int) -> int:
    if not -width <= index < width:
        raise NoOutputError
    return index if index >= 0 else index + width
