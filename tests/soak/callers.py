"""Callers of one endpoint on connections of their own, and what each answer may say.

In: an endpoint whose models answer `[[version, 2 x]]`; out: every answer that no version that might have answered gives, and
every request that failed.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from fogbank.ground.aws import LOCAL_ACCESS_KEY
from fogbank.testing import CloudProcess

HANDLER = """
def model_fn(folder):
    return {version!r}
def predict_fn(rows, model):
    return [[model, 2 * int(rows[0][0])]]
"""


class Serving:
    """The versions that may answer, from moment to moment: a request may be answered by each that served while it was under way."""

    def __init__(self, *versions: str) -> None:
        self._turns = [(time.monotonic(), frozenset(versions))]

    def change(self, *versions: str) -> None:
        """These may answer from now on."""
        self._turns.append((time.monotonic(), frozenset(versions)))

    def between(self, begin: float, end: float) -> frozenset[str]:
        """Those that might have answered a request."""
        turns = [*self._turns]
        untils = [moment for moment, _ in turns[1:]] + [end + 1]
        those = [
            versions for (since, versions), until in zip(turns, untils, strict=True) if since <= end and until >= begin
        ]
        return frozenset[str]().union(*those)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A request that was not answered by a model: when it was under way, and what came instead."""

    begin: float
    end: float
    code: str
    message: str


@dataclass
class Seen:
    """What callers saw."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def runtime_of(cloud: CloudProcess, connections: int) -> Any:
    """A client that says every failure at once: it asks no second time."""
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=connections, read_timeout=70)
    session = boto3.session.Session(LOCAL_ACCESS_KEY, cloud.secret, region_name="us-east-1")
    return session.client("sagemaker-runtime", endpoint_url=cloud.url, config=config)


class Caller(threading.Thread):
    """Asks without pause until it is told to stop."""

    def __init__(self, number: int, invoke: Callable[[bytes], Any], serving: Serving, stop: threading.Event) -> None:
        super().__init__(name=f"caller-{number}")
        self._number, self._invoke, self._serving, self._ending = number, invoke, serving, stop
        self.seen = Seen()

    def run(self) -> None:
        asked = self._number * 1_000_000
        while not self._ending.is_set():
            asked += 1
            begin = time.monotonic()
            try:
                answer = self._invoke(str(asked).encode())["Body"].read()
            except ClientError as error:
                self._failed(begin, error.response["Error"]["Code"], str(error))
            except BotoCoreError as error:
                self._failed(begin, type(error).__name__, str(error))
            else:
                self._compare(answer, asked, self._serving.between(begin, time.monotonic()))

    def _failed(self, begin: float, code: str, message: str) -> None:
        self.seen.failures.append(Failure(begin=begin, end=time.monotonic(), code=code, message=message[:700]))

    def _compare(self, answer: bytes, asked: int, allowed: frozenset[str]) -> None:
        [[version, doubled]] = json.loads(answer)
        if version not in allowed or doubled != 2 * asked:
            self.seen.wrong.append(f"{asked} was answered {answer!r}, and {sorted(allowed)} served")
            return
        self.seen.right[version] += 1
