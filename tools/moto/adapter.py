"""A pytest plugin in the environment of moto's tests: it brings them to a server on any port, and writes down what came of each.

In: TEST_SERVER_MODE_ENDPOINT, MOTO_TESTS_RESET (a path of that server) and MOTO_TESTS_RESULTS (a file); out: one JSON line a test.
moto's tests have `localhost:5000` written into them, and reset by moto's own path.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import requests.adapters

ENDPOINT = os.environ["TEST_SERVER_MODE_ENDPOINT"]
RESET = os.environ["MOTO_TESTS_RESET"]
RESULTS = Path(os.environ["MOTO_TESTS_RESULTS"])
WRITTEN_IN = re.compile(r"http://(localhost:5000|motoapi\.amazonaws\.com)")


class Adapter(requests.adapters.HTTPAdapter):
    """Sends to the endpoint what is written for moto's usual port."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """One request."""
        url = WRITTEN_IN.sub(ENDPOINT, request.url or "")
        request.url = f"{ENDPOINT}{RESET}" if url == f"{ENDPOINT}/moto-api/reset" else url
        return super().send(request, *args, **options)


class Session(requests.Session):
    """A session that has the adapter."""

    def __init__(self) -> None:
        super().__init__()
        self.mount("http://", Adapter())


requests.Session = requests.sessions.Session = Session  # type: ignore[misc]  # another's library, in its tests' own process


class Results:
    """The worst of a test's phases, written when it is over."""

    def __init__(self) -> None:
        self._outcome = "passed"
        self._reason = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase ended."""
        if report.when == "setup":
            self._outcome, self._reason = "passed", ""
        if report.failed or report.skipped:
            self._outcome = "failed" if report.failed else "skipped"
            crash = getattr(report.longrepr, "reprcrash", None)
            self._reason = str(crash.message if crash else report.longrepr)[:400]
        if report.when == "teardown":
            line = json.dumps({"test": report.nodeid, "outcome": self._outcome, "reason": self._reason})
            with RESULTS.open("a") as file:
                file.write(line + "\n")


def pytest_configure(config: pytest.Config) -> None:
    """Be there."""
    config.pluginmanager.register(Results(), "results")
