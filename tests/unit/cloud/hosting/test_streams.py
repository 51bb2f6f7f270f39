"""The answer of a stream: whole, in pieces, broken off, and nobody there any more."""

from __future__ import annotations

from botocore.eventstream import EventStreamBuffer

from fogbank.cloud.ground.wire import Answer
from fogbank.cloud.hosting.lines import InstanceDownError, InstanceTimeoutError
from fogbank.cloud.hosting.streams import LARGEST_PART, Stream, measures

WELL = Answer(headers={"Content-Type": "text/plain"})


class Container:
    """Where the pieces come from; `said` is what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def pause(self) -> None:
        self.said.append("pause")

    def resume(self) -> None:
        self.said.append("resume")

    def leave(self) -> None:
        self.said.append("leave")


def begun() -> tuple[Stream, Container, list[Answer]]:
    answers: list[Answer] = []
    stream, container = Stream(answers.append), Container()
    stream.begins(200, {"content-type": "text/plain"}, container)
    return stream, container, answers


def messages(data: bytes) -> list[tuple[str, bytes]]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [(m.headers.get(":event-type") or m.headers[":exception-type"], m.payload) for m in buffer]


def test_an_answer_as_one_is_one_part_and_a_very_long_one_is_cut() -> None:
    answers: list[Answer] = []
    Stream(answers.append)(Answer(headers={"Content-Type": "text/plain"}, body=b"whole"))
    Stream(answers.append)(Answer(headers={"Content-Type": "text/plain"}, body=b"x" * (LARGEST_PART + 1)))
    refused = Answer(status=424, body=b"no")
    Stream(answers.append)(refused)

    assert messages(answers[0].body) == [("PayloadPart", b"whole")]
    assert answers[0].headers["X-Amzn-SageMaker-Content-Type"] == "text/plain"
    assert [len(payload) for _, payload in messages(answers[1].body)] == [LARGEST_PART, 1]
    assert answers[2] is refused


def test_what_ends_in_mid_stream_is_told_by_its_cause() -> None:
    broken, slow = InstanceDownError("reset"), InstanceTimeoutError("480 s")
    for code, failure in (("StreamBroken", broken), ("ModelInvocationTimeExceeded", slow)):
        stream, _, [answer] = begun()
        stream.piece(b"a")
        stream.ends(failure)
        stream(WELL)
        assert answer.live is not None
        first, (kind, document) = messages(b"".join(answer.live.held))
        assert first == ("PayloadPart", b"a")
        assert (kind, code.encode() in document) == ("ModelStreamError", True)
    stream, _, [answer] = begun()
    stream.ends(None)
    stream(Answer(status=500))
    assert answer.live is not None
    assert messages(b"".join(answer.live.held))[0][0] == "InternalStreamFailure"


def test_a_caller_who_goes_ends_the_container_and_is_no_error_of_the_models() -> None:
    stream, container, [answer] = begun()
    assert answer.live is not None
    answer.live.pause()
    answer.live.resume()
    answer.live.end()
    stream.ends(InstanceDownError("nobody takes the answer any more"))
    answer.live.end()
    stream.pause()

    assert container.said == ["pause", "resume", "leave"]
    assert measures(stream, 0, 0)["MidStreamErrors"] == (0.0, "None")


def test_a_container_that_has_ended_is_not_told_that_the_caller_has_gone() -> None:
    stream, container, [answer] = begun()
    stream.ends(None)
    assert answer.live is not None
    answer.live.end()

    assert container.said == []


def test_measures_are_of_the_first_piece() -> None:
    stream, _, _ = begun()
    stream.first = 3.0
    values = {name: value for name, (value, _) in measures(stream, 1.0, 2.5).items()}

    assert values["FirstChunkLatency"] == 2e6
    assert values["FirstChunkModelLatency"] + values["FirstChunkOverheadLatency"] == 2e6
