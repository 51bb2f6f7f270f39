"""Labels and predictions, row by row: of merged records, or of files whose columns have names.

Source: AWS Developer Guide: attributes are the zero-based index of a CSV column, or the JSONPath of a JSON value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from fogbank.contracts.capture import CapturedPayload
from fogbank.contracts.monitoring import NO_DATA
from fogbank.contracts.quality import Merged, QualitySettings, lines_of, read_merged
from fogbank.monitor.counts import number_text
from fogbank.monitor.dataset import TRUTHS, Aside, DatasetError, csv_rows, header_names, numbered_rows
from fogbank.monitor.fields import Fields, flat, read_json
from fogbank.monitor.numbers import is_number
from fogbank.monitor.scripts import Script, fields_of

STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\['([^']+)'\]")


@dataclass
class Labelled:
    """What was true and what was predicted of each row; `probabilities` are there where an attribute asks for them."""

    labels: list[str] = field(default_factory=list)
    predictions: list[str] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    aside: Aside = field(default_factory=Aside)


def read_labelled(settings: QualitySettings) -> Labelled:
    """Every row. Raises DatasetError where there is none."""
    found = Labelled()
    kind, options = next(iter(settings.analyzer.dataset_format.items()), ("", {}))
    rows = (
        _merged_rows(settings, found.aside)
        if kind == "sagemakerMergeJson"
        else _file_rows(settings, kind, options, found.aside)
    )
    for file, number, label, predicted, probability in rows:
        try:
            _add(found, settings, label, predicted, probability)
        except DatasetError as error:
            found.aside.add(file, number, str(error))
    if not found.labels:
        named = found.aside.named
        raise DatasetError(f"{named[0]} (of {found.aside.count} records none can be read)" if named else NO_DATA)
    return found


Answered = tuple[str | None, str | None, str | None]
Row = tuple[str, int, str | None, str | None, str | None]


def _add(
    found: Labelled, settings: QualitySettings, label: str | None, predicted: str | None, probability: str | None
) -> None:
    truth, guess, score = prediction(settings, label, predicted, probability)
    found.labels.append(truth)
    found.predictions.append(guess)
    if score is not None:
        found.probabilities.append(score)


def prediction(
    settings: QualitySettings, label: str | None, predicted: str | None, probability: str | None
) -> tuple[str, str, float | None]:
    """What was true, what was predicted and how likely it was; a probability alone is cut at the threshold. Raises DatasetError."""
    if label is None:
        raise DatasetError("it has no ground truth")
    score = None
    if settings.probability is not None:
        if probability is None or not is_number(probability):
            raise DatasetError(f"the probability is {probability!r}, no number")
        score = float(probability)
    if settings.inference is None and score is not None:
        predicted = settings.positive if score > settings.threshold else "0" if settings.positive != "0" else "1"
    if predicted is None:
        raise DatasetError("it has no prediction")
    if settings.problem == "Regression" and not (is_number(label) and is_number(predicted)):
        raise DatasetError(f"{label!r} and {predicted!r} are not both numbers")
    return plain(label), plain(predicted), score


def plain(text: str) -> str:
    """A class by one name: `1.0` is `1`, and Python's `True` JSON's `true`.

    >>> plain(" 1.0"), plain("yes"), plain("True")
    ('1', 'yes', 'true')
    """
    text = text.strip()
    return number_text(float(text)) if is_number(text) else TRUTHS.get(text, text)


def _merged_rows(settings: QualitySettings, aside: Aside) -> Iterator[Row]:
    if settings.analyzer.preprocessor is None:
        yield from _rows(settings, aside, rows_and_labels)
        return
    with Script(settings.analyzer.preprocessor, "preprocess") as script:
        yield from _rows(settings, aside, partial(_scripted, script))


def _rows(
    settings: QualitySettings, aside: Aside, read: Callable[[QualitySettings, bytes], list[Answered]]
) -> Iterator[Row]:
    for file in sorted(settings.analyzer.dataset_source.rglob("*.jsonl")):
        for number, line in lines_of(file.read_bytes()):
            try:
                rows = read(settings, line)
            except (ValueError, DatasetError) as error:
                aside.add(file.name, number, str(error))
            else:
                yield from ((file.name, number, *row) for row in rows)


def _scripted(script: Script, settings: QualitySettings, line: bytes) -> list[Answered]:
    """The same of the rows that a script makes of a record: attributes are their names, or places in the order of those.

    Rows have the record's ground truths, in their order, unless those have a name among them. Raises ValueError, DatasetError, ScriptError.
    """
    record = read_merged(line)
    if not _within(settings, record):
        return []
    rows, truth = [fields_of(row) for row in script.ask_line(line)], settings.ground_truth
    own = [fields[truth] for fields in rows if truth is not None and truth in fields]
    labels = own if len(own) == len(rows) else _labels(record.label.payload(), truth)
    if rows and len(labels) != len(rows):
        raise DatasetError(f"the script makes {len(rows)} rows of it, and its ground truth has {len(labels)}")
    return [
        (label, _named(fields, settings.inference), _named(fields, settings.probability))
        for label, fields in zip(labels, rows, strict=False)
    ]


def _named(fields: Fields, attribute: str | None) -> str | None:
    """The value of an attribute in a script's row. Raises DatasetError."""
    if attribute is None or attribute in fields:
        return fields[attribute] if attribute is not None else None
    return _cell([value or "" for value in fields.values()], attribute)


def _within(settings: QualitySettings, record: Merged) -> bool:
    start, end = settings.analyzer.start, settings.analyzer.end
    return record.time is None or not ((start and record.time < start) or (end and record.time >= end))


def rows_and_labels(settings: QualitySettings, line: bytes) -> list[Answered]:
    """Label, prediction and probability of a merged record's rows; none where it is of another window. Raises ValueError, DatasetError."""
    record = read_merged(line)
    if not _within(settings, record):
        return []
    labels = _labels(record.label.payload(), settings.ground_truth)
    if record.output is None:
        raise DatasetError("it has no endpointOutput")
    sides = [_values(record.output, attribute) for attribute in (settings.inference, settings.probability)]
    count = max(len(side) for side in sides)
    if len(labels) != count:
        raise DatasetError(f"the answer has {count} rows and its ground truth {len(labels)}")
    predicted, probabilities = (side or [None] * count for side in sides)
    return list(zip(labels, predicted, probabilities, strict=True))


def _labels(side: CapturedPayload, attribute: str | None) -> list[str | None]:
    """The ground truth; without an attribute it is the first column, or the only value there is. Raises DatasetError."""
    if attribute is None and side.encoding == "JSON":
        document = read_json(side.data)
        if isinstance(document, dict) and len(document) == 1:
            return [_plain(next(iter(document.values())))]
    return _values(side, attribute or "0")


def _values(side: CapturedPayload, attribute: str | None) -> list[str | None]:
    """What an attribute is in each row of a side; nothing without one. Raises DatasetError."""
    if attribute is None:
        return []
    if side.encoding == "CSV":
        return [_cell(row, attribute) for row in csv_rows(side.data)]
    if side.encoding == "BASE64":
        raise DatasetError(
            "the captured data is BASE64; capture text/csv or application/json under CaptureContentTypeHeader"
        )
    value = at_path(read_json(side.data), attribute)
    return [_plain(item) for item in value] if isinstance(value, list) else [_plain(value)]


def _plain(value: object) -> str | None:
    if isinstance(value, list | dict):
        raise DatasetError("an attribute names a value, not an object or a list of lists")
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _cell(row: Sequence[str], attribute: str) -> str | None:
    index = int(attribute) if attribute.isascii() and attribute.isdigit() else -1
    if not 0 <= index < len(row):
        raise DatasetError(
            f"a row of {len(row)} columns has no column {attribute!r}: of CSV an attribute is the index of one"
        )
    return row[index].strip() or None


def at_path(document: object, path: str) -> object:
    """The value at a JSONPath of names and indexes, such as `predictions[0].score` or `$.label`. Raises DatasetError.

    >>> at_path({"predictions": [{"score": "0.5"}]}, "$.predictions[0].score")
    '0.5'
    """
    if path == "0" and not (isinstance(document, dict | list)):
        return document
    for name, index, quoted in _steps(path):
        key = name or quoted
        if index and isinstance(document, list) and int(index) < len(document):
            document = document[int(index)]
        elif not index and isinstance(document, dict) and key in document:
            document = document[key]
        else:
            raise DatasetError(f"there is no {path!r} in it")
    return document


def _steps(path: str) -> Iterator[tuple[str, str, str]]:
    """The steps of a path: a name, an index, or a name in quotes. Raises DatasetError where it is more than those."""
    rest = path.removeprefix("$")
    while rest:
        step = STEP.match(rest)
        if step is None:
            raise DatasetError(
                f"{path!r} is no path of names and indexes, such as $.predictions[0].score: {rest!r} cannot be read"
            )
        yield step[1] or "", step[2] or "", step[3] or ""
        rest = rest[step.end() :]


def _file_rows(settings: QualitySettings, kind: str, options: Mapping[str, object], aside: Aside) -> Iterator[Row]:
    """Rows of a baseline's files, whose columns have names."""
    if settings.ground_truth is None:
        raise DatasetError("the environment variable 'ground_truth_attribute' is missing")
    for file in sorted(path for path in settings.analyzer.dataset_source.rglob("*") if path.is_file()):
        if kind == "csv":
            rows = _csv_fields(file, header=bool(options.get("header", True)), aside=aside)
        elif kind == "json":
            rows = _json_fields(file, lines=bool(options.get("lines")), aside=aside)
        else:
            raise DatasetError(
                f"dataset_format {kind!r} of model quality is not supported: csv, json and sagemakerMergeJson are"
            )
        try:
            for number, fields in rows:
                yield (
                    file.name, number, fields.get(settings.ground_truth), fields.get(settings.inference or ""),
                    fields.get(settings.probability or ""),
                )  # fmt: skip
        except (DatasetError, OSError) as error:
            aside.add(file.name, 0, str(error))


def _csv_fields(file: Path, *, header: bool, aside: Aside) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    with file.open(encoding="utf-8-sig", errors="backslashreplace", newline="") as stream:
        rows = numbered_rows(stream)
        names = header_names(next(rows, (0, []))[1]) if header else None
        for number, row in rows:
            own = names or [str(i) for i in range(len(row))]
            if len(row) == len(own):
                yield number, {name: cell.strip() or None for name, cell in zip(own, row, strict=True)}
            else:
                aside.add(file.name, number, f"a row has {len(row)} columns, the header {len(own)}")


def _whole(file: Path) -> object:
    """A file that is one JSON document. Raises DatasetError."""
    try:
        document: object = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"it is not JSON: {error}") from error
    return document


def _json_fields(file: Path, *, lines: bool, aside: Aside) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    if lines:
        documents: Iterator[tuple[int, bytes]] = lines_of(file.read_bytes())
    else:
        whole = _whole(file)
        documents = (
            (i, json.dumps(item).encode()) for i, item in enumerate(whole if isinstance(whole, list) else [whole], 1)
        )
    for number, line in documents:
        try:
            yield number, flat(read_json(line.decode("utf-8", "replace")))
        except DatasetError as error:
            aside.add(file.name, number, str(error))
