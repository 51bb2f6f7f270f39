"""The verdict of a monitor's run: its status, and what it wrote to S3.

In: how the run ended and the folder of its files; out: a verdict.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from fogbank.contracts.clarify import ANALYSIS
from fogbank.contracts.errors import DataError
from fogbank.contracts.monitoring import CURVES, SHIFTS, STATISTICS, VIOLATIONS
from fogbank.ground.aws import join_key, split_uri
from fogbank.project.calling.clients import Clients

NOTHING = ("no data", "no object", "No S3 objects")
"""What reasons say where nothing was captured: the analyzer's, the local cloud's, SageMaker's."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """What a run wrote, file by file; empty where it wrote none."""

    violations: tuple[Mapping[str, str], ...] = ()
    shifts: Mapping[str, Any] = field(default_factory=dict)
    statistics: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, Any] = field(default_factory=dict)
    analysis: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, clients: Clients, folder: str, *, whole: bool = True) -> Results:
        """Of a folder's S3 URI; without `whole` violations and shifts alone, which are small. Raises ClientError."""
        found = cls(
            violations=tuple(_document(clients, folder, VIOLATIONS).get("violations", [])),
            shifts=_document(clients, folder, SHIFTS),
        )
        if not whole:
            return found
        return replace(
            found,
            statistics=_document(clients, folder, STATISTICS),
            curves=_document(clients, folder, CURVES),
            analysis=_document(clients, folder, ANALYSIS),
        )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How an execution ended; `idle` later ones found nothing to look at. `aside` says which records could not be read."""

    schedule: str
    status: str
    scheduled: datetime
    reason: str
    results: Results = field(default_factory=Results)
    idle: int = 0
    aside: str = ""

    @property
    def violations(self) -> tuple[Mapping[str, str], ...]:
        """SageMaker's own."""
        return self.results.violations

    @property
    def statistics(self) -> Mapping[str, Any]:
        """SageMaker's own."""
        return self.results.statistics

    @property
    def nothing(self) -> bool:
        """Whether the run came to no verdict because there was nothing to look at."""
        return self.status == "Failed" and any(words in self.reason for words in NOTHING)

    def document(self) -> dict[str, Any]:
        """The verdict as JSON has it."""
        document = {"status": self.status, "scheduled": self.scheduled, "violations": list(self.violations)}
        return {**document, "set_aside": self.aside} if self.aside else document


def judged(verdict: Verdict) -> Verdict:
    """A verdict of an execution that came to one. Raises DataError (`monitor-failed`)."""
    if verdict.status == "Failed":
        reason = verdict.reason or "no reason was given"
        raise DataError(
            "monitor-failed",
            f"the execution failed: {reason}",
            "send traffic to the endpoint first" if verdict.nothing else "see `fogbank cloud logs`",
        )
    return verdict


def latest(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Of verdicts, newest first, the first that is one: runs that found no data since then are counted. None where there is none."""
    idle: list[Verdict] = []
    for verdict in verdicts:
        if not verdict.nothing:
            return replace(verdict, idle=len(idle))
        idle.append(verdict)
    return idle[0] if idle else None


def never_ran(schedule: str) -> DataError:
    """The error of a schedule without a run."""
    return DataError(
        "monitor-never-ran",
        f"the monitoring schedule {schedule} has not run yet",
        f"run `fogbank monitor run {schedule}`",
    )


def _document(clients: Clients, folder: str, file: str) -> dict[str, Any]:
    """A JSON document of a folder in S3; empty where it is not there."""
    bucket, prefix = split_uri(folder)
    try:
        reply = clients("s3").get_object(Bucket=bucket, Key=join_key(prefix, file))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return {}
        raise
    document: dict[str, Any] = json.loads(reply["Body"].read())
    return document
