"""Measures that are not of every invocation: how long a model took to load, when the first piece of a stream came, how busy a container is.

In: a value with its unit; out: points of CloudWatch's metrics, a minute at a time. Each is a line in a file before `add` returns, which a
`kill -9` leaves to the next process.
"""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.observe.points import MINUTE, Point, Series
from fogbank.cloud.observe.summary import Summary
from fogbank.ground.aws import LOCAL_ACCOUNT

log = logging.getLogger("fogbank.cloud")
NAMESPACE, INSTANCES = "AWS/SageMaker", "/aws/sagemaker/Endpoints"
SUFFIX = ".measures"
Dimensions = tuple[tuple[str, str], ...]
Values = Mapping[str, tuple[float, str]]
"""Metric name to a value and CloudWatch's name of its unit."""


class Measures:
    """Lines that wait to be summed up; safe from many threads."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock
        self._lock = threading.Lock()
        self._written = sorted(folder.glob(f"*{SUFFIX}"))
        self._file: IO[bytes] | None = None

    def add(self, region: str, namespace: str, dimensions: Dimensions, values: Values, at: float | None = None) -> None:
        """Take values of one moment of the cloud's time, or of now; a full disk stops measures, and nothing else."""
        line = (
            json.dumps([int(self._clock.epoch() if at is None else at), region, namespace, dimensions, values]) + "\n"
        )
        with self._lock:
            try:
                if self._file is None:
                    path = self._folder / f"{uuid.uuid4().hex}{SUFFIX}"
                    self._file = path.open("ab", buffering=0)
                    self._written.append(path)
                self._file.write(line.encode())
            except OSError as error:
                log.warning("measures are not taken: %s", error)

    def written(self) -> list[Path]:
        """The files that there are; what is added from now on goes to another one."""
        with self._lock:
            self._close()
            return list(self._written)

    def close(self) -> None:
        """Nothing more is added; the files stay."""
        with self._lock:
            self._close()

    def forget(self, path: Path) -> None:
        """A file that is summed up."""
        path.unlink(missing_ok=True)
        with self._lock:
            self._written.remove(path)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def points_in(path: Path) -> Iterator[Point]:
    """What a file says; a last line that a killed process did not finish says nothing. Raises OSError."""
    text = path.read_text()
    return _points(json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines())


def _points(lines: Iterable[list[object]]) -> Iterator[Point]:
    values: dict[tuple[Series, int], list[float]] = {}
    for second, region, namespace, dimensions, measured in lines:
        for name, (value, unit) in measured.items():  # type: ignore[attr-defined]  # as `add` wrote it
            series = Series(
                account=LOCAL_ACCOUNT,
                region=str(region),
                namespace=str(namespace),
                name=name,
                dimensions=tuple(sorted((key, text) for key, text in dimensions)),  # type: ignore[attr-defined]  # as above
                unit=unit,
            )
            values.setdefault((series, int(str(second)) // MINUTE), []).append(value)
    for (series, minute), those in values.items():
        yield Point(series=series, seconds=MINUTE, start=minute * MINUTE, summary=Summary.of(those))
