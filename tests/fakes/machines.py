"""A container (`fogbank.cloud.hosting.pipeline.Machine`) without a process: it answers as a function says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fogbank.cloud.hosting.instance import Instance
from fogbank.cloud.hosting.lines import NoReplyError, Replied, Reply, Sink

Answer = Callable[[bytes], Reply | NoReplyError]


class FakeMachine:
    """Answers a body; `heard` is the headers of each request, `sinks` who would have taken its pieces."""

    def __init__(self, answer: Answer, name: str = "m") -> None:
        self.id, self.answer = name, answer
        self.heard: list[Mapping[str, str]] = []
        self.sinks: list[Sink | None] = []
        self.dead = False

    @property
    def instances(self) -> Sequence[Instance]:
        return ()

    def alive(self) -> bool:
        return not self.dead

    def ask(
        self, body: bytes, headers: Mapping[str, str], timeout_s: float, done: Replied, sink: Sink | None = None
    ) -> None:
        self.heard.append(headers)
        self.sinks.append(sink)
        done(self.answer(body))

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Reply:
        self.heard.append(headers)
        reply = self.answer(body)
        if isinstance(reply, NoReplyError):
            raise reply
        return reply

    def get(self, path: str) -> Reply:
        return Reply(200, f"{self.id}{path}".encode(), {})

    def kill(self) -> None:
        self.dead = True
