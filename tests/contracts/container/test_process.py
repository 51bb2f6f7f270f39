"""What only a server in a process of its own can show: workers, signals, limits of time and number, logs, HTTP itself."""

from __future__ import annotations

import http.client
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier

from fogbank.contracts.container import ServeSettings
from fogbank.pack.compile import prove
from tests.contracts.container.conftest import HANDLER, Start
from tests.contracts.container.served import Subprocess, exchange, invoke, with_limits
from tests.packages import script, signed

HEAD = b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\naccept: text/csv\r\n"


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Return when the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


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


def test_ping_is_503_until_every_worker_has_its_model(start: Start, settings: ServeSettings) -> None:
    gate = settings.base_dir / "gate"
    code = f"""
import pathlib, time
def model_fn(d):
    while not pathlib.Path({str(gate)!r}).exists():
        time.sleep(0.01)
    return 2.0
def predict_fn(d, m): return d
"""
    server = start(with_limits(script(settings.base_dir / "slow", code), workers=2), wait=False)

    until(lambda: answered(server, "/ping") == 503)
    assert invoke(server, b"1,2").status == 503
    assert invoke(server, b"1,2").headers["retry-after"] == "1"
    gate.touch()
    until(lambda: answered(server, "/ping") == 200)
    assert len(server.workers()) == 2


def answered(server: Subprocess, path: str) -> int:
    try:
        return server.send("GET", path).status
    except OSError:
        return 0


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
    until(lambda: answered(server, "/ping") == 200)
    assert spared in server.workers()
    assert killed not in server.workers()
    assert b"fogbank_worker_restarts_total 1" in server.send("GET", "/metrics").body
    for connection in connections.values():
        connection.close()
    assert server.stop() == 0


@pytest.mark.parametrize("body", [b"-3,0", b"-2,30"])
def test_a_handler_that_runs_too_long_is_cut_off_and_its_worker_stays(
    start: Start, settings: ServeSettings, body: bytes
) -> None:
    server = start(with_limits(settings, timeout_s=0.5))
    workers = server.workers()
    started = time.monotonic()

    answer = invoke(server, body)

    assert (answer.status, b"cut off" in answer.body) == (504, True)
    assert time.monotonic() - started < 3
    assert invoke(server, b"1,2").status == 200
    assert server.workers() == workers
    assert b"fogbank_handler_cut_off_total 1" in server.send("GET", "/metrics").body


def test_a_worker_whose_cut_off_handlers_never_end_is_replaced(start: Start, settings: ServeSettings) -> None:
    server = start(with_limits(settings, timeout_s=0.2))
    workers = server.workers()
    for _ in range(4):
        assert invoke(server, b"-2,60").status == 504

    until(lambda: server.workers() not in (workers, []) and answered(server, "/ping") == 200)
    assert invoke(server, b"1,2").status == 200


HOLDS_ON = "import re\ndef model_fn(d): return 1\ndef transform_fn(m, d, c, a):\n    return str(re.match('(a+)+$', d.decode()))\n"


def test_a_worker_that_cannot_even_be_interrupted_is_killed_and_replaced(start: Start, settings: ServeSettings) -> None:
    """A regular expression that runs away holds the interpreter's lock: neither the loop nor the deadline gets a turn."""
    server = start(with_limits(script(settings.base_dir / "holds", HOLDS_ON), timeout_s=0.3))
    [worker] = server.workers()
    with pytest.raises(OSError):  # noqa: PT011 - whichever way the connection breaks
        invoke(server, b"a" * 60 + b"b")

    until(lambda: server.workers() not in ([worker], []) and answered(server, "/ping") == 200)
    assert invoke(server, b"b").body == b"None"
    assert "does not answer: it is killed" in server.log.read_text()


def test_more_requests_than_the_queue_holds_are_503(start: Start, settings: ServeSettings) -> None:
    server = start(with_limits(settings, queue_size=2))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: invoke(server, b"-2,0.5"), range(6)))

    refused = [answer for answer in answers if answer.status == 503]
    assert [answer.status for answer in answers].count(200) == 2
    assert len(refused) == 4
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}


def test_a_model_that_runs_on_the_event_loop_leaves_turns_to_others(start: Start, settings: ServeSettings) -> None:
    """Nearest neighbours by brute force: some milliseconds a call, all of it the server's own code, so run at once."""
    rows = np.random.default_rng(0).random((100_000, 2))
    out = io.BytesIO()
    joblib.dump(KNeighborsClassifier(algorithm="brute").fit(rows, rows[:, 0] > 0.5), out)
    server = start(signed(settings.base_dir / "near", model=("model.joblib", out.getvalue())))
    for _ in range(5):
        assert invoke(server, b"0.9,0.5").body == b"True\n"
    peers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(400)]
    for peer in peers:
        peer.sendall(HEAD + b"content-length: 7\r\n\r\n0.9,0.5")
    assert server.send("GET", "/ping").status == 200
    answered_before, _, _ = select.select(peers, [], [], 0)
    answers = [peer.recv(1000) for peer in peers]
    for peer in peers:
        peer.close()

    assert len(answered_before) < 200
    assert all(answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 503")) for answer in answers)


def test_requests_that_share_a_run_get_the_answers_that_each_gets_alone(start: Start, settings: ServeSettings) -> None:
    rows = np.random.default_rng(1).random((600, 2))
    compiled = prove(RandomForestClassifier(50, random_state=0).fit(rows, rows.sum(axis=1) > 1), rows, 1e-6)
    assert compiled.onnx is not None
    package = signed(
        settings.base_dir / "exact",
        model=("model.onnx", compiled.onnx),
        kind="onnx",
        method="predict_proba",
        compilation=compiled.compilation,
    )
    together, alone = start(package), start(with_limits(package, batch_size=1))
    bodies = [f"{a!r},{b!r}\n".encode() for a, b in rows.tolist()] + [b"1,two\n"]
    expected = {body: invoke(alone, body).body for body in bodies}

    def client(number: int) -> list[bool]:
        connection = together.connection()
        headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
        order = bodies[number::2] + bodies[:number:2]
        right = [exchange(connection, "POST", "/invocations", body, headers).body == expected[body] for body in order]
        connection.close()
        return right

    with ThreadPoolExecutor(16) as pool:
        assert all(all(right) for right in pool.map(client, range(16)))
    metrics = together.send("GET", "/metrics").body.decode()
    runs, calls = (
        float(
            next(line for line in metrics.splitlines() if line.startswith(f"fogbank_batch_requests_{name} ")).split()[1]
        )
        for name in ("count", "sum")
    )
    assert calls > runs  # some did share


def test_the_server_ends_when_its_parent_is_gone(start: Start, settings: ServeSettings) -> None:
    server = start(settings)
    os.close(server.lifeline)
    server.lifeline = -1

    assert server.process.wait(30) == 0


def test_workers_end_when_the_supervisor_is_killed(start: Start, settings: ServeSettings) -> None:
    server = start(with_limits(settings, workers=2))
    workers = server.workers()
    server.process.kill()

    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def run(settings: ServeSettings, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(settings.base_dir), "SAGEMAKER_BIND_TO_PORT": "0", **env}
    command = [sys.executable, "-P", "-m", "fogbank.serve", "serve"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_a_model_that_cannot_load_exits_with_one_cause(settings: ServeSettings) -> None:
    (settings.code_dir / "inference.py").write_text(HANDLER + "\n# changed\n")
    done = run(settings, SAGEMAKER_BIND_TO_PORT=free_port(), SAGEMAKER_MODEL_SERVER_WORKERS="2")

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 3
    assert [line["level"] for line in lines] == ["ERROR"]
    assert "code/inference.py is not the file that was packed" in lines[0]["message"]


def test_a_model_that_does_not_load_in_time_exits_with_the_variables_name(settings: ServeSettings) -> None:
    slow = script(settings.base_dir / "slow", "import time\ndef model_fn(d): time.sleep(60)\n")
    done = run(slow, SAGEMAKER_BIND_TO_PORT=free_port(), SAGEMAKER_STARTUP_TIMEOUT="1")

    assert (done.returncode, "SAGEMAKER_STARTUP_TIMEOUT" in done.stderr) == (3, True)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SAGEMAKER_MODEL_SERVER_WORKERS", "none", "SAGEMAKER_MODEL_SERVER_WORKERS must be a number"),
        ("SAGEMAKER_SUBMIT_DIRECTORY", "s3://b/sourcedir.tar.gz", "put it in model.tar.gz"),
        ("SAGEMAKER_SAFE_PORT_RANGE", "9000", "must be like 9000-9999"),
        ("SAGEMAKER_CONTAINER_LOG_LEVEL", "loud", "LOUD"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "this server knows otlp, console and none"),
    ],
)
def test_a_wrong_variable_is_named(settings: ServeSettings, name: str, value: str, said: str) -> None:
    done = run(settings, **{"SAGEMAKER_BIND_TO_PORT": free_port(), "SAGEMAKER_MODEL_SERVER_WORKERS": "1", name: value})

    assert (done.returncode, said in done.stderr) == (3, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_one_cause(settings: ServeSettings) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run(settings, SAGEMAKER_BIND_TO_PORT=port)

    assert (done.returncode, f"cannot listen on port {port}" in done.stderr) == (3, True)


def test_wrong_usage() -> None:
    done = subprocess.run([sys.executable, "-m", "fogbank.serve"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (2, "usage: python -m fogbank.serve serve | check\n")


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


def raw(server: Subprocess, *sent: bytes, close: bool = False) -> bytes:
    """Send bytes as they are; everything that comes back until the server closes or is silent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=3) as peer:
        for piece in sent:
            peer.sendall(piece)
        if close:
            peer.shutdown(socket.SHUT_WR)
        found = b""
        try:
            while piece := peer.recv(65536):
                found += piece
        except TimeoutError:
            pass
        return found


def test_http_as_the_standard_has_it(start: Start, settings: ServeSettings) -> None:
    server = start(settings)
    last = b"connection: close\r\n"

    assert raw(server, HEAD + last + b"content-length: 3\r\n\r\n", b"1,", b"2").endswith(b"\r\n\r\n2.0,4.0\n")
    assert raw(server, HEAD + last + b"transfer-encoding: chunked\r\n\r\n1\r\n1\r\n2\r\n,2\r\n0\r\n\r\n").endswith(
        b"2.0,4.0\n"
    )
    expects = raw(server, HEAD + last + b"expect: 100-continue\r\ncontent-length: 3\r\n\r\n", b"1,2")
    assert expects.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    too_large = raw(server, HEAD + last + b"expect: 100-continue\r\ncontent-length: 99999\r\n\r\n", close=True)
    assert b"100 Continue" not in too_large
    assert raw(server, b"HEAD /ping HTTP/1.1\r\nhost: x\r\n" + last + b"\r\n").endswith(
        b"content-length: 1\r\nconnection: close\r\n\r\n"
    )
    assert b"connection: close" in raw(server, b"GET /ping HTTP/1.0\r\n\r\n")
    one, two, three = (HEAD + b"content-length: 3\r\n\r\n%d,2" % n for n in (1, 2, 3))
    pipelined = raw(server, one + two + three.replace(b"host: x", b"host: x\r\nconnection: close"))
    assert pipelined.index(b"2.0,4.0") < pipelined.index(b"4.0,4.0\n") < pipelined.index(b"6.0,4.0\n")
    assert pipelined.count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /ping HTTP/9.9\r\n\r\n", 400),
        (HEAD + b"content-length: abc\r\n\r\n", 400),
        (HEAD + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        (HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (HEAD + b"x-long: " + b"y" * 70_000 + b"\r\n\r\n", 431),
        (b"GET /ping HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", 200),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"400\r\n" + b"1" * 1024 + b"\r\n0\r\n\r\n", 413),
    ],
)
def test_what_is_not_http_is_answered_and_closed(
    start: Start, settings: ServeSettings, sent: bytes, status: int
) -> None:
    server = start(settings)

    answer = raw(server, sent, close=True)

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert invoke(server, b"1,2").status == 200


def test_a_peer_that_sends_half_a_request_is_let_go(start: Start, settings: ServeSettings) -> None:
    server = start(with_limits(settings, timeout_s=0.5))

    assert raw(server, HEAD + b"content-length: 3\r\n\r\n1").startswith(b"HTTP/1.1 408 ")
    assert raw(server, b"POST /invocations HTTP/1.1\r\nhos").startswith(b"HTTP/1.1 408 ")


STREAM = """
def model_fn(model_dir): return 1
def predict_fn(data, model):
    for number in range(int(data[0][0])):
        if number == data[0][1]:
            raise RuntimeError("in the middle")
        yield b"x" * 65536
"""


def test_a_stream_heeds_the_peers_pace_and_a_broken_one_is_seen(start: Start, settings: ServeSettings) -> None:
    server = start(signed(settings.base_dir / "stream", STREAM))
    before = resident(server)
    connection = server.connection()
    connection.request("POST", "/invocations", b"2000,-1", {"Content-Type": "text/csv"})
    slow = connection.getresponse()
    assert slow.read(65536) == b"x" * 65536
    assert invoke(server, b"1,-1").status == 200  # another call, between two pieces of the stream
    assert resident(server) - before < 40 << 20  # of 125 MiB
    assert len(slow.read()) == 1999 * 65536
    connection.close()
    with pytest.raises(http.client.IncompleteRead):
        invoke(server, b"10,5")
    assert invoke(server, b"1,-1").status == 200


def resident(server: Subprocess) -> int:
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 for pid in server.workers())


def test_a_peer_that_leaves_in_the_middle_of_a_stream_stops_it(start: Start, settings: ServeSettings) -> None:
    marker = settings.base_dir / "closed"
    code = f"""
import pathlib
def model_fn(model_dir): return 1
def predict_fn(data, model):
    try:
        while True:
            yield b"x" * 65536
    finally:
        pathlib.Path({str(marker)!r}).touch()
"""
    server = start(signed(settings.base_dir / "stream", code))
    with socket.create_connection(("127.0.0.1", server.port)) as peer:
        peer.sendall(HEAD + b"content-length: 3\r\n\r\n1,2")
        assert peer.recv(100).startswith(b"HTTP/1.1 200")

    until(marker.exists)
    assert invoke(server, b"1,2,3").status == 400


def test_connections_are_shared_out_among_the_workers(start: Start, settings: ServeSettings) -> None:
    server = start(with_limits(script(settings.base_dir / "pids", PIDS), workers=2))
    connections = [server.connection() for _ in range(8)]
    answers = [exchange(connection, "POST", "/invocations", b"0").body for connection in connections]
    for connection in connections:
        connection.close()

    assert min(answers.count(str(pid).encode()) for pid in server.workers()) >= 2


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
