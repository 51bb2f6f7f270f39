"""The records of batch transform jobs' outputs, each with the inference id that GenerateInferenceId gave it.

In: the files that manifests of data capture name; out: records without their ids and times. Source: AWS Developer Guide, "Capture data
from batch transform job": CSV has them in its last two columns, JSON under names.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from fogbank.contracts.quality import lines_of
from fogbank.monitor.dataset import Aside, DatasetError, numbered_rows

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
ID_NAME, TIME_NAME = "SageMakerInferenceId", "SageMakerInferenceTime"
LACKING = "it has no inference id and time: the transform job's DataCaptureConfig needs GenerateInferenceId"


class Answered(NamedTuple):
    """A record of an output; `encoding` is CSV or JSON."""

    id: str
    data: str
    encoding: str


def answered(file: Path, kind: str, options: Mapping[str, object], aside: Aside) -> Iterator[Answered]:
    """The records of a file; one without an id is set aside. Raises DatasetError."""
    if kind == "csv":
        return _csv(file, bool(options.get("header")), aside)
    if kind == "json" and options.get("lines"):
        return _json(file, aside)
    raise DatasetError(f"outputs of batch transform jobs are csv, or json with lines, not {kind} {dict(options)}")


def _csv(file: Path, header: bool, aside: Aside) -> Iterator[Answered]:
    with file.open(encoding="utf-8-sig", errors="backslashreplace", newline="") as stream:
        for place, (number, row) in enumerate(numbered_rows(stream)):
            if header and not place:
                continue
            if len(row) < 3 or not TIME.fullmatch(row[-1].strip()):
                aside.add(file.name, number, LACKING)
                continue
            text = io.StringIO()
            csv.writer(text, lineterminator="").writerow(row[:-2])
            yield Answered(row[-2].strip(), text.getvalue(), "CSV")


def _json(file: Path, aside: Aside) -> Iterator[Answered]:
    for number, line in lines_of(file.read_bytes()):
        try:
            document = json.loads(line)
        except (ValueError, RecursionError) as error:
            aside.add(file.name, number, f"it is not JSON: {error}")
            continue
        name = document.pop(ID_NAME, None) if isinstance(document, dict) else None
        if not isinstance(name, str) or document.pop(TIME_NAME, None) is None:
            aside.add(file.name, number, LACKING)
        else:
            yield Answered(name, json.dumps(document), "JSON")
