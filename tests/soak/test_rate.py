"""An endpoint at the rate that it can: every invocation is captured once and counted once, and the cloud's process does not grow."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

from tests.contracts.aws.served import Served
from tests.soak.budget import LONG, share
from tests.soak.flood import Flood
from tests.soak.hosted import counted, create_config
from tests.soak.test_steady import SPARE
from tests.soak.trend import Trend

SHARE = 0.15
PERIOD_S, DRAIN_EVERY = 0.5, 4
MEGABYTES_A_MINUTE = 1.0


def test_at_full_rate_every_invocation_is_captured_and_counted_once_in_flat_memory(served: Served) -> None:
    served.sagemaker.create_endpoint(
        EndpointName=served.name, EndpointConfigName=create_config(served, "-rate", (1.0, 1.0))
    )
    served.settled()
    since = datetime.now(UTC)
    flood = Flood(served)
    trend = Trend(served.cloud.address.pid)
    begun = time.monotonic()
    pause = threading.Event()
    while time.monotonic() < begun + share(SHARE):
        for _ in range(DRAIN_EVERY):
            pause.wait(PERIOD_S)
            trend.sample()
        flood.drain()
    flood.end()

    about = f"{flood.answered} invocations, {flood.answered / (time.monotonic() - begun):.0f} a second\n{trend.lines()}"
    print(about)
    assert flood.problems == [], about
    assert counted(served, since) == flood.answered, about
    assert trend.grown("descriptors") <= SPARE, about
    assert trend.grown("threads") <= SPARE, about
    assert not LONG or trend.a_minute("MB") <= MEGABYTES_A_MINUTE, about
