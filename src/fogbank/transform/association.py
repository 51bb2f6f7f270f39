"""What a transform job does to records around the model: InputFilter before it; JoinSource, OutputFilter and inference ids after it.

In: the body of a mini-batch and the reply to it; out: the body that the model gets, and the output. Nothing is kept between calls.
Source: AWS Developer Guide, "Associate Prediction Results with Input Records"; for ids "Capture data from batch transform job".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from fogbank.contracts.transform import DataProcessing
from fogbank.transform.jsonpath import Indexes, Path, PathError, parse
from fogbank.transform.rows import Picker, RowError, cells, line, lines_of, plain

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
OUTPUT, INPUT = "SageMakerOutput", "SageMakerInput"
INFERENCE_ID, INFERENCE_TIME = "SageMakerInferenceId", "SageMakerInferenceTime"


class AssociationError(Exception):
    """Records that cannot be filtered or joined; the text is what the job's log says. `record` counts from 0 in its mini-batch."""

    def __init__(self, text: str, record: int | None = None) -> None:
        super().__init__(text)
        self.record = record


@dataclass(frozen=True, kw_only=True)
class Association:
    """What is to be done: two paths, and whether the input is joined. `stamp` makes what ids are added to each record, if any are:
    an id, and the job's time."""

    input: Path
    output: Path
    join: bool
    stamp: Callable[[], tuple[str, str]] | None = None

    @classmethod
    def of(cls, processing: DataProcessing | None, stamp: Callable[[], tuple[str, str]] | None = None) -> Association:
        """As a request has it. Raises PathError."""
        said = processing or DataProcessing()
        return cls(
            input=parse(said.input_filter or "$"),
            output=parse(said.output_filter or "$"),
            join=said.join_source == "Input",
            stamp=stamp,
        )

    @property
    def reads(self) -> bool:
        """Whether records are taken apart at all: otherwise bodies and replies pass as they are."""
        return not self.input.whole or self.after

    @property
    def after(self) -> bool:
        """Whether replies are taken apart."""
        return self.join or not self.output.whole or self.stamp is not None


class Associated(Protocol):
    """The records of one media type under an association."""

    def request(self, body: bytes) -> bytes:
        """What the model gets of a mini-batch; empty where it has no record. Raises AssociationError."""

    def output(self, body: bytes, reply: bytes) -> bytes:
        """What is written for it, each record with its newline. Raises AssociationError."""


def associated(association: Association, media_type: str, *, lines: bool) -> Associated:
    """For records of a media type; `lines` is whether each is a line. Raises PathError for a path that does not fit the type."""
    if not association.reads:
        return AsItIs()
    if media_type == CSV:
        return CsvRecords(association)
    return JsonRecords(association, lines=lines or media_type == JSON_LINES)


class LineRecords(Associated, Protocol):
    """Records that are a line each: what is done to some of them is what is done to them among others."""

    after: bool
    """Whether replies are taken apart."""
    joins: bool

    def split(self, body: bytes) -> list[bytes]:
        """The records of whole lines, without their newlines; empty lines are none."""

    def is_value(self, record: bytes) -> bool:
        """Whether a line of a reply is a record."""


def by_lines(associated: Associated) -> LineRecords | None:
    """What is done to records, if they are a line each and taken apart."""
    if isinstance(associated, CsvRecords) or (isinstance(associated, JsonRecords) and associated.lines):
        return associated
    return None


class AsItIs:
    """Nothing is done."""

    def request(self, body: bytes) -> bytes:
        """The body."""
        return body

    def output(self, body: bytes, reply: bytes) -> bytes:
        """The reply."""
        return reply


class CsvRecords:
    """Rows of cells."""

    def __init__(self, association: Association) -> None:
        self._association = association
        self.after, self.joins = association.after, association.join
        self._before, self._after = (_picker(path.indexes()) for path in (association.input, association.output))

    def request(self, body: bytes) -> bytes:
        """Rows with the cells of InputFilter."""
        rows = lines_of(body)
        if self._before is None:
            return b"".join([row + b"\n" for row in rows])
        return b"\n".join([*_picked(rows, self._before, "input as CSV", raw=plain(body)), b""])

    def output(self, body: bytes, reply: bytes) -> bytes:
        """The input's cells, then the reply's, of these those of OutputFilter, then the ids."""
        if not self._association.after:
            return reply
        theirs, raw = lines_of(reply), plain(reply)
        if self._association.join:
            ours = lines_of(body)
            _same_count(len(ours), len(theirs))
            if not (raw and plain(body)):
                ours, theirs, raw = (
                    _clean(ours, "input as CSV"),
                    _clean(theirs, "output from the algorithm as CSV"),
                    False,
                )
            theirs = list(map(b",".join, zip(ours, theirs, strict=True)))
        elif not raw:
            theirs = _clean(theirs, "output from the algorithm as CSV")
        if self._after is not None:
            theirs = _picked(theirs, self._after, "output from the algorithm as CSV", raw=raw)
        if self._association.stamp is not None:
            theirs = [b"%b,%b" % (row, ",".join(self._association.stamp()).encode()) for row in theirs]
        return b"\n".join([*theirs, b""])

    def split(self, body: bytes) -> list[bytes]:
        """The lines without their ends."""
        return lines_of(body)

    def is_value(self, record: bytes) -> bool:
        """It is."""
        del record
        return True


class JsonRecords:
    """JSON values: a line each, or the whole body."""

    def __init__(self, association: Association, *, lines: bool) -> None:
        self._association, self.lines = association, lines
        self.after, self.joins = association.after, association.join

    def request(self, body: bytes) -> bytes:
        """What InputFilter picks of each."""
        if self._association.input.whole:
            return body if not self.lines else b"".join([item + b"\n" for item in self.split(body)])
        return self._written(
            _pick(self._association.input, value, number) for number, value in enumerate(self._values(body, "input"))
        )

    def output(self, body: bytes, reply: bytes) -> bytes:
        """The input with the reply in it, of this what OutputFilter picks, with the ids."""
        if not self._association.after:
            return reply
        values = self._values(reply, "output from the algorithm")
        if self._association.join:
            ours = self._values(body, "input")
            if len(ours) == 1 and len(values) > 1:  # one answer over several lines
                values = [_loaded(reply, "output from the algorithm", 0)]
            _same_count(len(ours), len(values))
            values = [_joined(own, value) for own, value in zip(ours, values, strict=True)]
        picked = (_pick(self._association.output, value, number) for number, value in enumerate(values))
        return self._written(self._stamped(value) for value in picked)

    def split(self, body: bytes) -> list[bytes]:
        """The lines without what is around them."""
        return [item for item in (part.strip() for part in body.split(b"\n")) if item]

    def is_value(self, record: bytes) -> bool:
        """Whether it is JSON."""
        try:
            _loaded(record, "output from the algorithm", 0)
        except AssociationError:
            return False
        return True

    def _values(self, body: bytes, what: str) -> list[Any]:
        parts = self.split(body) if self.lines else [body]
        try:
            return [_loaded(part, what, number) for number, part in enumerate(parts)]
        except AssociationError:
            if self.lines and what != "input":
                with suppress(AssociationError):
                    return [_loaded(body, what, 0)]  # one value over several lines
            raise

    def _written(self, values: Iterator[Any]) -> bytes:
        end = b"\n" if self.lines else b""
        return b"".join([_dumped(value, number) + end for number, value in enumerate(values)])

    def _stamped(self, value: Any) -> Any:
        if self._association.stamp is None:
            return value
        identifier, time = self._association.stamp()
        return {
            **(value if isinstance(value, dict) else {OUTPUT: value}),
            INFERENCE_ID: identifier,
            INFERENCE_TIME: time,
        }


def _joined(own: Any, reply: Any) -> dict[str, Any]:
    return {**own, OUTPUT: reply} if isinstance(own, dict) else {INPUT: own, OUTPUT: reply}


def _loaded(body: bytes, what: str, number: int) -> Any:
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise AssociationError(f"Failed to parse {what} as JSON: {error}", number) from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _dumped(value: Any, number: int) -> bytes:
    try:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise AssociationError(f"Failed to write JSON: {error}", number) from error
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can name and UTF-8 cannot
        return json.dumps(value, separators=(",", ":")).encode()


def _pick(path: Path, value: Any, number: int) -> Any:
    try:
        return path.pick(value)
    except PathError as error:
        raise AssociationError(f"{path.text}: {error}", number) from error


def _picker(indexes: Indexes | None) -> Picker | None:
    return None if indexes is None else Picker(indexes)


def _picked(rows: Sequence[bytes], pick: Picker, what: str, *, raw: bool) -> list[bytes]:
    """Rows with the cells that are picked. `raw`: no cell is quoted, nor has to be."""
    if raw:
        with suppress(PathError):  # which row it was is found out below
            return pick.plainly(rows)
    number = 0
    try:
        made = list[bytes]()
        for number, row in enumerate(rows):  # noqa: B007 - it names the row
            made.append(line(pick(cells(row))))
        return made
    except RowError as error:
        raise AssociationError(f"Failed to parse {what}: {error}", number) from error
    except PathError as error:
        raise AssociationError(str(error), number) from error


def _clean(rows: Sequence[bytes], what: str) -> list[bytes]:
    """Rows with quotes where there have to be some, and nowhere else."""
    number, made = 0, []
    try:
        for number, row in enumerate(rows):  # noqa: B007 - it names the row
            made.append(line(cells(row)))
    except RowError as error:
        raise AssociationError(f"Failed to parse {what}: {error}", number) from error
    return made


def _same_count(ours: int, theirs: int) -> None:
    if ours != theirs:
        raise AssociationError(f"the model answered {ours} records with {theirs}: they cannot be joined")
