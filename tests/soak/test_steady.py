"""Steady traffic on one cloud: invocations that are captured, objects written over, transform jobs; what the cloud's process holds
does not grow with what was asked of it."""

from __future__ import annotations

import random
import threading
import time

from tests.contracts.aws.served import Served
from tests.soak.budget import LONG, seed, share
from tests.soak.hosted import Invocations, create_config
from tests.soak.jobs import Transforms
from tests.soak.objects import Objects
from tests.soak.trend import Trend
from tests.soak.writer import Writer

SHARE = 0.2
PERIOD_S = 0.5
KILOBYTES_AN_INVOCATION = 10.0
"""Captured records and metrics are data, and are kept; this is several times what they are."""
SPARE = 6
"""Descriptors and threads that come and go: connections, a job's pool."""


class Rate:
    """A writer at a steady rate, in a thread of its own; the first problem ends it."""

    def __init__(self, writer: Writer, a_second: float) -> None:
        self.writer, self.problems = writer, list[str]()
        self._period_s, self._stop = 1 / a_second, threading.Event()
        self._thread = threading.Thread(target=self._run, name=writer.name)
        self._thread.start()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += self._period_s
            self.writer.steps += 1
            try:
                self.writer.step()
            except Exception as error:  # noqa: BLE001 - told with the test's outcome, not in a thread that nobody looks at
                self.problems.append(f"{self.writer.name}, step {self.writer.steps}: {type(error).__name__}: {error}")
                return

    def stop(self) -> None:
        """Stop, and compare."""
        self._stop.set()
        self._thread.join()
        if not self.problems:
            self.problems += self.writer.finish()


def test_what_the_cloud_holds_does_not_grow_with_what_was_asked_of_it(served: Served) -> None:
    chance = random.Random(seed())
    served.sagemaker.create_endpoint(
        EndpointName=served.name, EndpointConfigName=create_config(served, "-steady", (1.0, 1.0))
    )
    served.settled()
    rates = [
        Rate(Invocations(served, chance), 20), Rate(Objects(served, chance), 5), Rate(Transforms(served, chance), 0.5),
    ]  # fmt: skip
    trend = Trend(served.cloud.address.pid)
    ends = time.monotonic() + share(SHARE)
    pause = threading.Event()
    while time.monotonic() < ends:
        pause.wait(PERIOD_S)
        trend.sample()
    for rate in rates:
        rate.stop()

    invocations = rates[0].writer.steps
    minutes = (trend.times[-1] - trend.times[0]) / 60
    kilobytes = trend.a_minute("MB") * 1024 * minutes / invocations
    about = f"{invocations} invocations, {kilobytes:.1f} kB for each\n{trend.lines()}"
    print(about)
    assert [problem for rate in rates for problem in rate.problems] == [], about
    assert trend.grown("descriptors") <= SPARE, about
    assert trend.grown("threads") <= SPARE, about
    assert not LONG or kilobytes <= KILOBYTES_AN_INVOCATION, about
