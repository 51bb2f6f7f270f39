"""The records wire: one captured request as SageMaker writes it, a JSON object a line.

A line is ASCII and ends at a newline, whatever text was captured: no reader can break it elsewhere. A line that is no record is
a value too, so that whoever reads many of them can name it and go on.
Source: AWS Developer Guide "Capture data from real-time endpoint"; recorded files in aws/amazon-sagemaker-examples.
"""

from __future__ import annotations

import base64
import codecs
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, get_args

Encoding = Literal["CSV", "JSON", "BASE64"]
Mode = Literal["INPUT", "OUTPUT"]
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
QUOTE = json.encoder.encode_basestring_ascii
"""A string as JSON, in ASCII: a record is made for each invocation, and dictionaries of its parts would cost more than the rest of it."""


@dataclass(frozen=True, kw_only=True)
class CapturedPayload:
    """One direction of a captured call. `data` is text, or base64 where `encoding` says so."""

    content_type: str
    mode: Mode
    data: str
    encoding: Encoding


@dataclass(frozen=True, kw_only=True)
class CaptureRecord:
    """One captured invocation; `time` is in UTC and is written in whole seconds."""

    event_id: str
    time: datetime
    input: CapturedPayload | None = None
    output: CapturedPayload | None = None
    inference_id: str | None = None
    custom_attributes: str | None = None

    def line(self) -> str:
        """The record as one compact JSON line, without the newline."""
        second = int(self.time.timestamp())
        sides = (_text(self.input), _text(self.output))
        return record_line(self.event_id, second, sides[0], sides[1], self.inference_id, self.custom_attributes)


def record_line(
    event_id: str,
    second: int,
    input_text: str | None,
    output_text: str | None,
    inference_id: str | None,
    custom_attributes: str | None,
) -> str:
    """One record from its parts, sides as `side_text` has them: no object is made for each of many records."""
    sides = [f'"endpointInput":{input_text}'] if input_text else []
    if output_text:
        sides.append(f'"endpointOutput":{output_text}')
    meta = f'"eventId":{QUOTE(event_id)}'
    if inference_id:
        meta += f',"inferenceId":{QUOTE(inference_id)}'
    if custom_attributes:
        meta += f',"customAttributes":[{QUOTE(custom_attributes)}]'
    data = ",".join(sides)
    return f'{{"captureData":{{{data}}},"eventMetadata":{{{meta},"inferenceTime":"{_second(second)}"}},"eventVersion":"0"}}'


def side_text(data: str, content_type: str, mode: Mode, encoding: Encoding) -> str:
    """One direction as compact JSON."""
    return (
        f'{{"observedContentType":{QUOTE(content_type)},"mode":"{mode}","data":{QUOTE(data)},"encoding":"{encoding}"}}'
    )


def _text(side: CapturedPayload | None) -> str | None:
    return side_text(side.data, side.content_type, side.mode, side.encoding) if side else None


@lru_cache(maxsize=16)
def _second(epoch: int) -> str:
    """A second as records have it: many records are of the same one."""
    return datetime.fromtimestamp(epoch, UTC).strftime(TIME_FORMAT)


@dataclass(frozen=True, kw_only=True)
class CapturedLine:
    """A line of a capture file by its number from 1: its record, or the problem with it."""

    number: int
    record: CaptureRecord | None = None
    problem: str = ""


def read_lines(body: bytes) -> Iterator[CapturedLine]:
    """Every line of a capture file but the blank ones; what is no record is told in its `problem`."""
    for number, line in enumerate(body.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            yield CapturedLine(number=number, record=read_line(line))
        except ValueError as error:
            yield CapturedLine(number=number, problem=str(error))


def read_line(line: str | bytes) -> CaptureRecord:
    """A record from its JSON line. Raises ValueError where it is not one."""
    try:
        document = json.loads(line if isinstance(line, str) else line.decode())
        data, meta = document["captureData"], document["eventMetadata"]
        attributes = meta.get("customAttributes")
        time = datetime.fromisoformat(meta["inferenceTime"])
        return CaptureRecord(
            event_id=_id(meta["eventId"], "eventId"),
            inference_id=None if meta.get("inferenceId") is None else _id(meta["inferenceId"], "inferenceId"),
            custom_attributes=attributes[0] if isinstance(attributes, list) and attributes else attributes or None,
            time=time if time.tzinfo else time.replace(tzinfo=UTC),
            input=_payload(data.get("endpointInput")),
            output=_payload(data.get("endpointOutput")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a captured record: {error!r}") from error


def _id(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text, not {value!r:.80}")
    return value


def _payload(document: Mapping[str, object] | None) -> CapturedPayload | None:
    if document is None:
        return None
    mode, data, encoding = document["mode"], document["data"], document["encoding"]
    if not isinstance(data, str) or mode not in get_args(Mode) or encoding not in get_args(Encoding):
        raise ValueError(f"mode {mode!r}, encoding {encoding!r} and {type(data).__name__} data are no captured payload")
    return CapturedPayload(
        content_type=str(document.get("observedContentType", "")),
        mode=mode,  # type: ignore[arg-type]  # one of the two
        data=data,
        encoding=encoding,  # type: ignore[arg-type]  # one of the three
    )


def media_type(content_type: str) -> str:
    """The media type alone, without parameters, in lower case.

    >>> media_type("text/csv; charset=utf-8")
    'text/csv'
    """
    return content_type.partition(";")[0].strip().lower()


def captured(
    body: bytes, content_type: str, mode: Mode, csv: Sequence[str], json_types: Sequence[str]
) -> CapturedPayload:
    """A payload encoded by SageMaker's rule: a listed CSV or JSON media type stays text, everything else is BASE64."""
    data, encoding = _encoded(body, _encoding(content_type, tuple(csv), tuple(json_types)))
    return CapturedPayload(content_type=content_type, mode=mode, data=data, encoding=encoding)


def side_of(body: bytes, content_type: str, mode: Mode, csv: tuple[str, ...], json_types: tuple[str, ...]) -> str:
    """The same as compact JSON."""
    data, encoding = _encoded(body, _encoding(content_type, csv, json_types))
    return side_text(data, content_type, mode, encoding)


def _encoded(body: bytes, encoding: Encoding) -> tuple[str, Encoding]:
    if encoding != "BASE64":
        try:
            return body.decode(), encoding
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), "BASE64"


@lru_cache(maxsize=256)
def _encoding(content_type: str, csv: tuple[str, ...], json_types: tuple[str, ...]) -> Encoding:
    kind = media_type(content_type)
    return "CSV" if kind in csv else "JSON" if kind in json_types else "BASE64"


def hour_prefix(endpoint: str, variant: str, hour: datetime) -> str:
    """Key prefix of one hour's records below the capture destination, with a final slash."""
    return f"{endpoint}/{variant}/{hour.astimezone(UTC):%Y/%m/%d/%H}/"


def object_key(endpoint: str, variant: str, time: datetime, unique: str) -> str:
    """Key of a capture file below the destination: `<ep>/<variant>/yyyy/mm/dd/HH/MM-SS-mmm-<uuid>.jsonl`."""
    utc = time.astimezone(UTC)
    return hour_prefix(endpoint, variant, utc) + f"{utc:%M-%S}-{utc.microsecond // 1000:03d}-{unique}.jsonl"
