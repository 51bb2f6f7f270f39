"""Containers as one server: what each is asked, whose answer it is, and what is counted of whom."""

from __future__ import annotations

from typing import Any

from fogbank.cloud.hosting.lines import InstanceDownError, InstanceTimeoutError, NoReplyError, Reply
from fogbank.cloud.hosting.pipeline import TARGET_CONTAINER, Pipeline
from tests.fakes.machines import Answer, FakeMachine

ASKED = {"content-type": "text/csv", "accept": "application/json", "x-amzn-sagemaker-inference-id": "i"}


def adds(word: str, kind: str = "text/plain") -> Answer:
    return lambda body: Reply(200, body + word.encode(), {"content-type": kind})


class Piped:
    """A pipeline of fakes, and what came of each request."""

    def __init__(self, *, direct: bool = False, **answers: Answer) -> None:
        self.parts = {name: FakeMachine(answer, name) for name, answer in answers.items()}
        self.told: list[tuple[str, dict[str, float]]] = []
        self.pipeline = Pipeline("i-1", self.parts, self._tell, direct=direct)

    def _tell(self, values: Any, container: str = "", namespace: str = "") -> None:
        self.told.append((container, {name: value for name, (value, _) in values.items()}))

    def ask(self, headers: dict[str, str] = ASKED, timeout_s: float = 60.0, sink: Any = None) -> Reply | NoReplyError:
        replies: list[Reply | NoReplyError] = []
        self.pipeline.ask(b"x", headers, timeout_s, replies.append, sink)
        [reply] = replies
        return reply


def test_an_answer_is_the_next_ones_request_with_its_type_and_accept_is_for_the_last() -> None:
    piped = Piped(a=adds("1", "application/x-npy"), b=adds("2", "text/csv"), c=adds("3", "application/json"))
    reply = piped.ask()

    assert isinstance(reply, Reply)
    assert (reply.data, reply.headers["content-type"], reply.container) == (b"x123", "application/json", "c")
    heard = [part.heard[0] for part in piped.parts.values()]
    assert [headers["content-type"] for headers in heard] == ["text/csv", "application/x-npy", "text/csv"]
    assert ["accept" in headers for headers in heard] == [False, False, True]
    assert all(headers["x-amzn-sagemaker-inference-id"] == "i" for headers in heard)
    assert [(name, list(values)) for name, values in piped.told] == [(name, ["ContainerLatency"]) for name in "abc"]


def test_the_first_that_fails_is_the_answer_and_named() -> None:
    piped = Piped(a=adds("1"), b=lambda _: Reply(400, b"no", {}), c=adds("3"))
    refused = piped.ask()
    assert isinstance(refused, Reply)
    assert (refused.status, refused.container, piped.parts["c"].heard) == (400, "b", [])
    dead = Piped(a=adds("1"), b=lambda _: InstanceDownError("reset")).ask()
    assert isinstance(dead, InstanceDownError)
    assert dead.container == "b"


def test_time_is_for_all_containers_together_and_pieces_are_the_lasts() -> None:
    sink = object()
    piped = Piped(a=adds("1"), b=adds("2"))
    piped.ask(sink=sink)
    assert [part.sinks for part in piped.parts.values()] == [[None], [sink]]
    late = piped.ask(timeout_s=0)
    assert isinstance(late, InstanceTimeoutError)
    assert late.container == "a"


def test_a_container_that_is_named_answers_alone_and_is_counted() -> None:
    piped = Piped(direct=True, a=adds("1"), b=lambda _: Reply(503, b"", {}))
    reply = piped.ask({**ASKED, TARGET_CONTAINER: "a"})
    piped.ask({**ASKED, TARGET_CONTAINER: "b"})

    assert isinstance(reply, Reply)
    assert (reply.data, reply.container) == (b"x1", "a")
    assert TARGET_CONTAINER not in piped.parts["a"].heard[0]
    assert piped.parts["a"].heard[0]["accept"] == "application/json"
    errors = {name: values["Invocation5XXErrors"] for name, values in piped.told}
    assert errors == {"a": 0.0, "b": 1.0}


def test_who_waits_gets_the_same_and_the_first_says_how_it_is_asked() -> None:
    piped = Piped(a=adds("1", "application/x-npy"), b=adds("2"))
    assert piped.pipeline.invoke(b"x", {"Content-Type": "text/csv", "Accept": "text/csv"}, 60).data == b"x12"
    assert piped.parts["b"].heard[0] == {"Accept": "text/csv", "content-type": "application/x-npy"}
    assert piped.pipeline.get("/execution-parameters").data == b"a/execution-parameters"
    piped.parts["a"].answer = lambda _: Reply(400, b"no", {})
    assert piped.pipeline.invoke(b"x", {}, 60).status == 400


def test_it_lives_as_long_as_all_of_it() -> None:
    piped = Piped(a=adds("1"), b=adds("2"))
    assert piped.pipeline.alive()
    piped.parts["b"].dead = True
    assert not piped.pipeline.alive()
