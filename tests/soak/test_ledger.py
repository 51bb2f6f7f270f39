"""The ledger itself: it takes every answer that the cloud may give, and no other. A checker that cannot fail would prove nothing."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.ground.aws import LocalClients
from tests.contracts.aws.served import Served
from tests.soak.killing import Killing, Outcome
from tests.soak.ledger import Cell, LostError, ask
from tests.soak.trend import Trend
from tests.soak.writer import Writer


def lost() -> None:
    raise LostError


def refused() -> None:
    raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")


def test_a_fact_is_the_only_thing_that_may_be_there() -> None:
    cell = Cell[str | None]("k", None)
    cell.write("1", lambda: None)

    assert cell.compare("1") == []
    [problem] = cell.compare(None)
    assert problem == "k is None, and was acknowledged as '1'"
    assert len(cell.compare("half")) == 1


def test_what_nobody_answered_may_be_done_or_not_and_is_a_fact_when_it_was_seen() -> None:
    cell = Cell[str | None]("k", "1")
    with pytest.raises(LostError):
        cell.write("2", lost)

    assert len(cell.compare("3")) == 1
    assert cell.compare("2") == []
    assert len(cell.compare("1")) == 1


def test_a_refusal_changes_nothing() -> None:
    cell = Cell[str | None]("k", "1")
    with pytest.raises(ClientError):
        cell.write("2", refused)

    assert len(cell.compare("2")) == 1
    assert cell.compare("1") == []


@contextmanager
def answering(answer: bytes) -> Iterator[Any]:
    """A client of a server that answers so, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield LocalClients(f"http://127.0.0.1:{server.getsockname()[1]}")("sagemaker", "us-east-1")
        thread.join()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [b"", HEAD, HEAD + b'{"Endpoint', HEAD.replace(b"200 OK", b"404 Not Found"), HEAD.replace(b"200 OK", b"500 Oh")],
)
def test_an_answer_that_ends_early_is_a_lost_one(answer: bytes) -> None:
    with answering(answer) as client, pytest.raises(LostError):
        ask(client.describe_endpoint, EndpointName="e")


def test_a_refusal_in_whole_is_a_refusal() -> None:
    body = b'{"__type": "ValidationException", "message": "no"}'
    head = b"HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    with answering(head + body) as client, pytest.raises(ClientError, match="ValidationException"):
        ask(client.describe_endpoint, EndpointName="e")


def test_a_request_that_was_lost_while_the_cloud_was_there_is_told() -> None:
    outcome = Outcome(away=[(10.0, 12.0)], lost=[(9.5, 10.1, "in flight"), (11.0, 11.1, "away"), (13.0, 14.0, "later")])

    assert outcome.lost_without_a_kill() == ["later, 1.00 s"]


class Forgetful(Writer):
    """A writer whose cloud forgets."""

    def step(self) -> None:
        """Nothing."""

    def compare(self) -> list[str]:
        return ["k is lost"]


class Immortal:
    """A cloud whose kills kill nothing."""

    running = True

    def kill(self) -> None:
        """Nothing."""


def test_a_run_ends_with_the_first_problem_and_says_whose_it_is() -> None:
    served: Served = None  # type: ignore[assignment]  # this writer asks nobody
    killing = Killing(Immortal(), [Forgetful(served, random.Random(1))], seed=1)  # type: ignore[arg-type]  # all that is asked of it

    outcome = killing.run(seconds=60, least=1)

    assert outcome.kills < 5
    assert len(outcome.problems) == 1
    assert outcome.problems[0].startswith("Forgetful, after ")
    assert outcome.problems[0].endswith(": k is lost")


def test_a_slope_leaves_out_the_first_third_and_is_by_the_minute() -> None:
    trend = Trend(pid=1)
    for second in range(60):
        trend.times.append(float(second))
        for name, values in trend.values.items():
            values.append(100.0 + (second if name == "MB" else 0) + (50 if second < 20 else 0))

    assert trend.a_minute("MB") == pytest.approx(60.0)
    assert trend.grown("MB") == 20
    assert trend.a_minute("threads") == pytest.approx(0.0, abs=1e-9)
