"""A monitor's own scripts: the preprocessor that makes rows of captured records, the postprocessor that runs when all is done.

In: a script and records; out: rows. Each script has a process of its own, bare and with limits: what it does to itself, by its memory,
its time or its exit, ends the analysis with a reason and nothing else. Source: AWS Developer Guide, "Preprocessing and Postprocessing".
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fogbank.contracts.capture import CaptureRecord
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.fields import Fields, flat, read_json
from fogbank.monitor.payloads import Part

CHILD = Path(__file__).with_name("script_child.py")
RECORD_S = 60.0
"""So long a script may think about one record, and about itself when it is loaded."""
LARGEST = 16 << 20
"""Bytes of an answer."""


class ScriptError(Exception):
    """A script that cannot go on; the text is the job's failure reason."""


class Script:
    """The process of a script. Raises ScriptError where it cannot be loaded."""

    def __init__(self, path: Path, work: str, record_s: float = RECORD_S) -> None:
        self._name, self._record_s = path.name, record_s
        self._answers, answers = os.pipe()
        self._read = bytearray()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(CHILD), str(path), work, str(answers)],
                stdin=subprocess.PIPE,
                pass_fds=(answers,),
            )
        except OSError:
            os.close(self._answers)
            raise
        finally:
            os.close(answers)
        try:
            self._done(RECORD_S)
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def ask(self, record: CaptureRecord) -> list[Mapping[str, Any]]:
        """The rows that the script makes of a record. Raises DatasetError where it says that it cannot, ScriptError where it ended."""
        return self.ask_line(record.line().encode())

    def ask_line(self, line: bytes) -> list[Mapping[str, Any]]:
        """Likewise of a captured or merged record's line."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        try:
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise ScriptError(self._ended()) from error
        answer = self._answer(self._record_s)
        if "error" in answer:
            raise DatasetError(f"the script {self._name}: {answer['error']}")
        rows: list[Mapping[str, Any]] = answer["rows"]
        return rows

    def finish(self) -> None:
        """Wait for a handler that is called once, however long that takes: the job has a limit. Raises ScriptError."""
        self._done(None)

    def _done(self, limit_s: float | None) -> None:
        if error := self._answer(limit_s).get("error"):
            raise ScriptError(f"the script {self._name}: {error}")

    def _answer(self, limit_s: float | None) -> dict[str, Any]:
        deadline = None if limit_s is None else time.monotonic() + limit_s
        while b"\n" not in self._read:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self._answers], [], [], left)[0]:
                raise ScriptError(f"the script {self._name} took longer than {limit_s:g} s")
            part = os.read(self._answers, 1 << 16)
            if not part:
                raise ScriptError(self._ended())
            self._read += part
            if len(self._read) > LARGEST:
                raise ScriptError(f"the script {self._name} answered more than {LARGEST >> 20} MB for one record")
        line, _, rest = self._read.partition(b"\n")
        self._read = bytearray(rest)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ended(self) -> str:
        return f"the script {self._name} ended with status {self._process.wait()}"

    def _end(self) -> None:
        self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        os.close(self._answers)


class Preprocessor:
    """A script as the reader of records."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def __call__(self, record: CaptureRecord, names: Sequence[str]) -> list[Part]:
        """A record's rows. Where none of a row's names is one of the baseline's they say its order, as SageMaker takes them.

        Raises DatasetError, ScriptError.
        """
        return [_row(row, names) for row in self._script.ask(record)]


def fields_of(row: Mapping[str, Any]) -> Fields:
    """A script's row by its names, in their order. Raises DatasetError."""
    return flat(read_json(json.dumps(dict(sorted(row.items())))))


def _row(row: Mapping[str, Any], names: Sequence[str]) -> Part:
    fields = fields_of(row)
    if names and not fields.keys() & set(names):
        return [value or "" for value in fields.values()]
    return fields


def postprocess(script: Path) -> None:
    """Run a script's `postprocess_handler`. Raises ScriptError."""
    with Script(script, "postprocess") as running:
        running.finish()
