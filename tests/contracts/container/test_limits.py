"""Limits of time and number: handlers that run too long, more requests than there is room for, requests that share a run."""

from __future__ import annotations

import http.client
import io
import json
import select
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from fogbank.contracts.container import PING_TIMEOUT_S, ServeSettings
from fogbank.ground.processes import memory
from fogbank.pack.proof import Wish, prove
from tests.contracts.container.conftest import Start
from tests.contracts.container.served import HEAD, Server, exchange, invoke, with_limits
from tests.packages import signed
from tests.waiting import until


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
    compiled = prove(
        RandomForestClassifier(50, random_state=0).fit(rows, rows.sum(axis=1) > 1), rows, Wish(tolerance=1e-6)
    )
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


OWN_CONTEXT = """
import time
def model_fn(model_dir): return 1
def predict_fn(data, model, context):
    time.sleep(0.01)
    return [[context.get_request_id()]] * len(data)
"""


def test_a_prediction_that_sees_a_requests_context_is_never_shared(start: Start, settings: ServeSettings) -> None:
    server = start(with_limits(signed(settings.base_dir / "context", OWN_CONTEXT), batch_size=8, batch_wait_us=5000))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: invoke(server, b"1,2", x_request_id=f"r-{n}").body, range(40)))

    assert answers == [f"r-{n}\n".encode() for n in range(40)]


SLOW_PARAMETERS = """
import time
def model_fn(model_dir): return 1
def predict_fn(data, model): return data
def execution_parameters_fn():
    time.sleep(1)
    return {"MaxPayloadInMB": 1}
"""


def test_no_function_of_the_users_holds_up_ping(start: Start, settings: ServeSettings) -> None:
    server = start(signed(settings.base_dir / "slow", SLOW_PARAMETERS))

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(server.send, "GET", "/execution-parameters")
        pings = 0
        while not slow.done():
            assert server.send("GET", "/ping").status == 200
            pings += 1

    assert (slow.result().status, json.loads(slow.result().body)) == (200, {"MaxPayloadInMB": 1})
    assert pings > 20


ROWS = 22 << 20
LARGE = [
    ("application/json", b"[" + b"{}," * (ROWS // 3) + b"{}]", 400),
    ("application/json", b'{"instances":[' + b"[]," * (ROWS // 3) + b"[]]}", 400),
    ("application/json", b"[[" + b"[]," * (ROWS // 3) + b"[]]]", 400),
    ("application/jsonlines", b"{}\n" * (ROWS // 3), 400),
    ("text/csv", b'"x",1\n' * (ROWS // 6), 400),
    ("application/json", b"[" + b"[1.5, 2.5]," * 400_000 + b"[1, 2]]", 200),
]


def test_ping_is_answered_in_time_while_any_body_is_read_and_what_it_took_is_given_back(
    start: Start, settings: ServeSettings
) -> None:
    out = io.BytesIO()
    joblib.dump(LogisticRegression().fit([[0.0, 0.0], [1.0, 1.0]], [0, 1]), out)
    server = start(signed(settings.base_dir / "large", model=("model.joblib", out.getvalue())))
    assert invoke(server, b"1,2").status == 200
    [worker] = server.workers()

    def held() -> int:
        return memory(worker) >> 20

    before = held()
    with ThreadPoolExecutor(1) as pool:
        for kind, body, status in LARGE:
            asked = pool.submit(invoke, server, body, kind)
            while not asked.done():
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PING_TIMEOUT_S)
                connection.request("GET", "/ping")
                assert connection.getresponse().status == 200
                connection.close()
            assert asked.result().status == status, asked.result().body[:300]
    until(lambda: held() < before + 100, 60)


@pytest.mark.parametrize("charset", ["undefined", "punycode", "idna", "unicode_escape", "rot13", "zlib", "klingon"])
def test_a_charset_that_is_none_is_415(server: Server, charset: str) -> None:
    assert invoke(server, b"1,2", f"text/csv; charset={charset}").status == 415
