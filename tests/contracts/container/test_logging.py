"""What the server says on stderr, and what happens when nobody listens."""

from __future__ import annotations

import json
import os

import pytest

from fogbank.contracts.container import ServeSettings
from tests.contracts.container.conftest import Start
from tests.contracts.container.served import exchange, invoke


def test_logs_are_json_with_the_requests_id_and_never_a_payload(start: Start, settings: ServeSettings) -> None:
    server = start(settings)
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    invoke(server, b"-4,7.0625", x_request_id="r-1", traceparent=trace)
    invoke(server, b"-1,7.0625", x_request_id="r-2")
    server.stop()

    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    access = {line["request_id"]: line for line in lines if line["logger"] == "fogbank.access"}
    assert (access["r-1"]["status"], access["r-1"]["trace_id"]) == (200, "4bf92f3577b34da6a3ce929d0e0e4736")
    assert (access["r-2"]["status"], access["r-2"]["bytes_in"]) == (500, 9)
    assert [line["request_id"] for line in lines if line["logger"] == "mine"] == ["r-1"]
    assert [line["level"] for line in lines if line["logger"] == "fogbank.serve"] == ["ERROR"]
    assert "7.0625" not in server.log.read_text()
    assert "14.125" not in server.log.read_text()


@pytest.mark.on_host
def test_a_log_that_nobody_reads_holds_up_no_answer(start: Start, settings: ServeSettings) -> None:
    unread, stderr = os.pipe()
    server = start(settings, stderr=stderr)
    connection = server.connection()
    for number in range(2000):  # 300 KB of log into a pipe of 64
        assert (
            exchange(
                connection, "POST", "/invocations", b"1,2", {"Content-Type": "text/csv", "X-Request-Id": f"r-{number}"}
            ).status
            == 200
        )
    connection.close()
    assert server.send("GET", "/ping").status == 200
    assert server.stop() == 0
    os.close(stderr)
    with os.fdopen(unread, "rb") as log:
        assert log.readline().endswith(b"}\n")
