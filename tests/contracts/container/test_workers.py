"""The life of workers: ready, busy, dead, replaced, told to leave."""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fogbank.contracts.container import ServeSettings
from tests.contracts.container.conftest import Start
from tests.contracts.container.served import Subprocess, exchange, invoke, with_limits
from tests.packages import script
from tests.waiting import until


def test_ping_answers_while_the_model_is_busy_and_sigterm_finishes_what_is_in_flight(
    start: Start, settings: ServeSettings
) -> None:
    server = start(settings)
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(invoke, server, b"-2,1.0")
        started = time.monotonic()
        while time.monotonic() - started < 0.3:
            assert server.send("GET", "/ping").status == 200
        assert server.stop() == 0

    assert (busy.result().status, busy.result().body) == (200, b"-4.0,2.0\n")
    assert busy.result().headers["connection"] == "close"


def gated(gate: Path, answer: str) -> str:
    """A handler whose model is there once `gate` is."""
    return f"""
import pathlib, time
def model_fn(d):
    while not pathlib.Path({str(gate)!r}).exists():
        time.sleep(0.01)
    return 2.0
def predict_fn(d, m): return {answer}
"""


@pytest.mark.on_host
def test_ping_is_503_until_every_worker_has_its_model(start: Start, settings: ServeSettings) -> None:
    gate = settings.base_dir / "gate"
    code = gated(gate, "d")
    server = start(with_limits(script(settings.base_dir / "slow", code), workers=2), wait=False)

    until(lambda: server.answered("/ping") == 503)
    assert invoke(server, b"1,2").status == 503
    assert invoke(server, b"1,2").headers["retry-after"] == "1"
    gate.touch()
    until(lambda: server.answered("/ping") == 200)
    assert len(server.workers()) == 2


PIDS = "import os, time\ndef model_fn(d): return 1\ndef transform_fn(m, d, c, a):\n    time.sleep(float(d))\n    return str(os.getpid())\n"


def one_for_each_worker(server: Subprocess, workers: int) -> dict[int, http.client.HTTPConnection]:
    """A connection to each worker, by its process id; the server's handler is PIDS."""
    found: dict[int, http.client.HTTPConnection] = {}
    deadline = time.monotonic() + 20
    while len(found) < workers:
        assert time.monotonic() < deadline
        connection = server.connection()
        pid = int(exchange(connection, "POST", "/invocations", b"0").body)
        if pid in found:
            connection.close()
        else:
            found[pid] = connection
    return found


@pytest.mark.on_host
def test_a_dead_worker_is_replaced_and_the_others_requests_are_untouched(start: Start, settings: ServeSettings) -> None:
    server = start(with_limits(script(settings.base_dir / "pids", PIDS), workers=2))
    connections = one_for_each_worker(server, 2)
    killed, spared = server.workers()
    with ThreadPoolExecutor(2) as pool:
        lost = pool.submit(exchange, connections[killed], "POST", "/invocations", b"1")
        kept = pool.submit(exchange, connections[spared], "POST", "/invocations", b"1")
        until(lambda: b"fogbank_requests_held 2" in server.send("GET", "/metrics").body)
        os.kill(killed, signal.SIGKILL)

        assert isinstance(lost.exception(), OSError)
        assert kept.result().body == str(spared).encode()
    until(lambda: server.answered("/ping") == 200)
    assert spared in server.workers()
    assert killed not in server.workers()
    assert b"fogbank_worker_restarts_total 1" in server.send("GET", "/metrics").body
    for connection in connections.values():
        connection.close()
    assert server.stop() == 0


@pytest.mark.on_host
def test_while_the_only_worker_is_replaced_requests_wait_for_its_model(start: Start, settings: ServeSettings) -> None:
    gate = settings.base_dir / "gate"
    code = gated(gate, "d * m")
    gate.touch()
    server = start(with_limits(script(settings.base_dir / "again", code), workers=1))
    gate.unlink()
    [killed] = server.workers()
    os.kill(killed, signal.SIGKILL)
    until(lambda: server.workers() not in ([killed], []) and server.answered("/ping") == 503)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(invoke, server, b"1,2")
        until(lambda: b"fogbank_requests_held 1" in server.send("GET", "/metrics").body)
        gate.touch()

        assert (waiting.result().status, waiting.result().body) == (200, b"2.0,4.0\n")


def test_a_worker_whose_cut_off_handlers_never_end_is_replaced(start: Start, settings: ServeSettings) -> None:
    server = start(with_limits(settings, timeout_s=0.2))
    workers = server.workers()
    for _ in range(4):
        assert invoke(server, b"-2,60").status == 504

    until(lambda: server.workers() not in (workers, []) and server.answered("/ping") == 200)
    assert invoke(server, b"1,2").status == 200


HOLDS_ON = (
    "import re\ndef model_fn(d): return 1\ndef transform_fn(m, d, c, a):\n    return str(re.match('(a+)+$', d))\n"
)


def test_a_worker_that_cannot_even_be_interrupted_is_killed_and_replaced(start: Start, settings: ServeSettings) -> None:
    """A regular expression that runs away holds the interpreter's lock: neither the loop nor the deadline gets a turn."""
    server = start(with_limits(script(settings.base_dir / "holds", HOLDS_ON), timeout_s=0.3))
    [worker] = server.workers()
    with pytest.raises(OSError):  # noqa: PT011 - whichever way the connection breaks
        invoke(server, b"a" * 60 + b"b")

    until(lambda: server.workers() not in ([worker], []) and server.answered("/ping") == 200)
    assert invoke(server, b"b").body == b"None"
    assert "does not answer: it is killed" in server.log.read_text()


@pytest.mark.on_host
def test_connections_are_shared_out_among_the_workers(start: Start, settings: ServeSettings) -> None:
    server = start(with_limits(script(settings.base_dir / "pids", PIDS), workers=2))
    connections = [server.connection() for _ in range(8)]
    answers = [exchange(connection, "POST", "/invocations", b"0").body for connection in connections]
    for connection in connections:
        connection.close()

    assert min(answers.count(str(pid).encode()) for pid in server.workers()) >= 2


@pytest.mark.on_host
def test_the_server_ends_when_its_parent_is_gone(start: Start, settings: ServeSettings) -> None:
    server = start(settings)
    os.close(server.lifeline)
    server.lifeline = -1

    assert server.process.wait(30) == 0


@pytest.mark.on_host
def test_workers_end_when_the_supervisor_is_killed(start: Start, settings: ServeSettings) -> None:
    server = start(with_limits(settings, workers=2))
    workers = server.workers()
    server.process.kill()

    def left() -> list[int]:
        return [pid for pid in workers if Path(f"/proc/{pid}").exists()]

    assert len(workers) == 2
    until(lambda: not left())
    assert left() == []


def test_a_sudden_stop_loses_no_request_that_was_sent(start: Start, settings: ServeSettings) -> None:
    """Clients that send without pause: each gets every answer, until one that says that it is the last."""
    server = start(with_limits(settings, workers=2))
    lost: list[str] = []
    right: list[int] = []

    def client() -> None:
        connection = server.connection()
        connection.connect()
        while True:
            try:
                answer = exchange(
                    connection, "POST", "/invocations", b"1,2", {"Content-Type": "text/csv", "Accept": "text/csv"}
                )
            except OSError as error:
                lost.append(repr(error))
                return
            if answer.body == b"2.0,4.0\n":
                right.append(1)
            else:
                lost.append(repr(answer))
            if answer.headers.get("connection") == "close":
                return

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: len(right) > 500)
    status = server.stop()
    for thread in threads:
        thread.join()

    assert (status, lost) == (0, [])
