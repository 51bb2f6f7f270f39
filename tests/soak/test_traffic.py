"""An endpoint under 32 connections while it is updated, scaled in, rolled back by an alarm, and loses workers by `kill -9`: no request
fails but those that a killed worker held, and each answer is that of a version that served then."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from fogbank.ground.processes import children
from fogbank.testing import CloudProcess
from tests.contracts.aws.servers import below, command_line
from tests.contracts.aws.test_rollouts import Account, canary, scale, update
from tests.soak.budget import seed, share
from tests.soak.callers import HANDLER, Caller, Failure, Serving, runtime_of
from tests.soak.killing import LongLived
from tests.waiting import until

CONNECTIONS = 32
SHARE = 0.15
"""A minute of `SOAK_S=400`."""
ALARM = "rolls-back"


class Changes:
    """What is done to the endpoint, one thing after the other; each notes who may answer meanwhile."""

    def __init__(self, account: Account, serving: Serving, chance: random.Random) -> None:
        self._account, self._serving, self._chance = account, serving, chance
        self.version, self._made = "v0", 0
        self.kills: list[tuple[float, float]] = []

    def updated(self) -> None:
        """Another version takes the place of the one that serves."""
        new = self._version()
        self._serving.change(self.version, new)
        update(self._account, f"{self._account.name}-{new}")
        assert self._account.settled()["EndpointConfigName"].endswith(new)
        self.version = new
        self._serving.change(new)

    def scaled(self) -> None:
        """More instances, and fewer again."""
        for count in (3, 1, 2):
            scale(self._account, DesiredInstanceCount=count)
            self._account.settled()

    def rolled_back(self) -> None:
        """Another version gets half of the traffic, until an alarm says that it is not well."""
        new = self._version()
        self._serving.change(self.version, new)
        watched = {**canary(3600), "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": ALARM}]}}
        update(self._account, f"{self._account.name}-{new}", DeploymentConfig=watched)
        until(lambda: self._status() == "Baking", 60)
        self._load(100.0)
        described = self._account.settled()
        assert "ALARM" in described["FailureReason"], described
        assert described["EndpointConfigName"].endswith(self.version)
        self._serving.change(self.version)
        self._load(1.0)

    def killed(self) -> None:
        """A worker is killed."""
        process = self._chance.choice(workers(self._account.cloud))
        sent = time.monotonic()
        with suppress(ProcessLookupError):  # its instance has ended since
            os.kill(process, signal.SIGKILL)
            until(lambda: not runs(process))
            self.kills.append((sent, time.monotonic()))

    def _status(self) -> str:
        summary = self._account.describe().get("PendingDeploymentSummary", {})
        [status] = summary.get("ProductionVariants", [{}])[0].get("VariantStatus", [{}])
        return str(status.get("Status"))

    def _load(self, value: float) -> None:
        """A metric says so, and the clock goes on until the alarm has seen it."""
        cloud = self._account.cloud
        now = datetime.fromisoformat(cloud.admin.call("status")["time"])
        cloud.client("cloudwatch").put_metric_data(
            Namespace="soak", MetricData=[{"MetricName": "load", "Value": value, "Timestamp": now}]
        )
        cloud.advance(120)

    def _version(self) -> str:
        self._made += 1
        version = f"v{self._made}"
        self._account.version(version, count=2, code=HANDLER.format(version=version))
        return version


@pytest.fixture
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    cloud = LongLived(tmp_path_factory.mktemp("traffic"))
    cloud.start()
    account = Account(cloud, "traffic")
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=ALARM, Namespace="soak", MetricName="load", Statistic="Maximum", Period=60, EvaluationPeriods=1, Threshold=50,
        ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching",
    )  # fmt: skip
    account.endpoint(account.version("v0", count=2, code=HANDLER.format(version="v0")))
    yield account
    cloud.stop()


def test_no_request_fails_but_what_a_killed_worker_held(account: Account) -> None:
    moments = seed()
    serving, stop = Serving("v0"), threading.Event()
    changes = Changes(account, serving, random.Random(moments))
    invoke = runtime_of(account.cloud, CONNECTIONS).invoke_endpoint
    ask = partial(invoke, EndpointName=account.name, ContentType="text/csv", Accept="application/json")
    callers = [Caller(number, lambda body: ask(Body=body), serving, stop) for number in range(1, CONNECTIONS + 1)]
    for caller in callers:
        caller.start()
    try:
        until(lambda: all(caller.seen.right for caller in callers), 60)
        ends, rounds = time.monotonic() + share(SHARE), 0
        while not rounds or time.monotonic() < ends:
            for change in (changes.updated, changes.scaled, changes.killed, changes.rolled_back):
                change()
            rounds += 1
    finally:
        stop.set()
        for caller in callers:
            caller.join()

    right = sum((caller.seen.right for caller in callers), Counter[str]())
    failures = [failure for caller in callers for failure in caller.seen.failures]
    about = f"SOAK_SEED={moments}: {rounds} rounds, {right.total()} right, {len(failures)} lost with {len(changes.kills)} killed workers"
    print(about)
    assert [line for caller in callers for line in caller.seen.wrong] == [], about
    assert [str(each) for each in failures if not held_by_a_killed_worker(each, changes.kills)] == [], (
        f"{about}; kills: {changes.kills}"
    )
    assert len(failures) <= len(changes.kills) * CONNECTIONS, about


def held_by_a_killed_worker(failure: Failure, kills: list[tuple[float, float]]) -> bool:
    """AWS answers a ModelError where a container dies with a request."""
    return failure.code == "ModelError" and any(failure.begin <= gone and sent <= failure.end for sent, gone in kills)


def workers(cloud: CloudProcess) -> list[int]:
    """The processes that answer: those of servers that have started none themselves."""
    return [pid for pid in below(cloud) if not children(pid) and b"fogbank.serve" in command_line(pid)]


def runs(process: int) -> bool:
    """Whether it has not ended: one that nobody has waited for has."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
