"""A multi-model container without processes: who waits for what, what goes when there is no room, and what is counted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.hosting.address import TARGET_MODEL
from fogbank.cloud.hosting.instance import Instance
from fogbank.cloud.hosting.lines import InstanceDownError, NoReplyError, RefusedError, Replied, Reply
from fogbank.cloud.hosting.loading import Done, Loader
from fogbank.cloud.hosting.many_models import AT_ONCE, MultiModel
from tests.waiting import until

Answer = Reply | NoReplyError


class Container:
    """The container and who brings models to it: it has room for `room`; `go` holds loading back, `holds` keeps a model's answers."""

    id = "i-1"

    def __init__(self, room: int = 9) -> None:
        self.room = room
        self.loaded: list[str] = []
        self.calls: list[str] = []
        self.go = threading.Event()
        self.go.set()
        self.holds: dict[str, list[Callable[[], None]]] = {}
        self.failure: NoReplyError | None = None

    def id_of(self, name: str) -> str:
        return name

    def bring(self, name: str) -> Done | NoReplyError:
        self.calls.append(f"load {name}")
        assert self.go.wait(20)
        if self.failure is not None:
            return self.failure
        if len(self.loaded) >= self.room:
            return Done(loaded=frozenset(self.loaded), refusal=Reply(507, b"no room", {}))
        self.loaded.append(name)
        return Done(values={"ModelLoadingTime": (1.0, "Microseconds")}, loaded=frozenset(self.loaded))

    def unload(self, name: str) -> Done:
        self.calls.append(f"unload {name}")
        self.loaded.remove(name)
        return Done(values={"ModelUnloadingTime": (1.0, "Microseconds")}, loaded=frozenset(self.loaded))

    def ask(
        self, body: bytes, headers: Mapping[str, str], timeout_s: float, done: Replied, sink: Any, path: str
    ) -> None:
        name = path.removeprefix("/models/").removesuffix("/invoke")
        found = name in self.loaded
        reply = Reply(200, f"{name}:".encode() + body, {}) if found else Reply(404, b"not loaded", {})
        if name in self.holds:
            self.holds[name].append(lambda: done(reply))
        else:
            done(reply)


class Asked:
    """A multi-model container on an event loop, and what it tells CloudWatch."""

    def __init__(self, container: Container, *, cached: bool = True) -> None:
        self.told: list[tuple[str, float]] = []
        self._container = container
        parts = cast(Instance, container), cast(Loader, container)
        self.models = MultiModel(*parts, Runner(), self._tell, cached=cached)

    def _tell(self, values: Mapping[str, tuple[float, str]], container: str = "", namespace: str = "") -> None:
        self.told += [(name, value) for name, (value, _) in values.items()]

    def ask(self, name: str, timeout_s: float = 20.0) -> Awaitable[Answer]:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.models.ask(b"x", {TARGET_MODEL: name}, timeout_s, answer.set_result)
        return answer

    def values(self, metric: str) -> list[float]:
        return [value for name, value in self.told if name == metric]


def text(answer: Answer) -> tuple[int, bytes]:
    assert isinstance(answer, Reply), answer
    return answer.status, answer.data


def test_who_asks_at_once_waits_for_one_load_and_who_comes_later_for_none() -> None:
    container = Container()
    asked = Asked(container)

    async def run() -> list[Answer]:
        at_once = await asyncio.gather(asked.ask("a"), asked.ask("a"))
        return [*at_once, await asked.ask("a")]

    assert [text(answer) for answer in asyncio.run(run())] == [(200, b"a:x")] * 3
    assert container.calls == ["load a"]
    assert asked.values("ModelCacheHit") == [0.0, 0.0, 1.0]
    assert len(asked.values("ModelLoadingWaitTime")) == 2
    assert asked.values("LoadedModelCount") == [1.0]


def test_a_container_loads_a_few_at_once_and_all_in_their_turn() -> None:
    container = Container(room=99)
    asked = Asked(container)

    async def run() -> list[Answer]:
        container.go.clear()
        answers = [asked.ask(str(number)) for number in range(20)]
        await asyncio.to_thread(until, lambda: len(container.calls) == AT_ONCE)
        container.go.set()
        return list(await asyncio.gather(*answers))

    assert {text(answer)[0] for answer in asyncio.run(run())} == {200}
    assert len(container.calls) == 20


def test_where_there_is_no_room_the_one_that_was_asked_longest_ago_goes_but_none_that_answers() -> None:
    container = Container(room=2)
    asked = Asked(container)

    async def run() -> Answer:
        container.holds["a"] = []
        held = asked.ask("a")
        await asyncio.to_thread(until, lambda: container.holds["a"])
        await asked.ask("b")
        third = await asked.ask("c")
        container.holds["a"][0]()
        await held
        return third

    assert text(asyncio.run(run())) == (200, b"c:x")
    assert container.calls == ["load a", "load b", "load c", "unload b", "load c"]
    assert asked.values("ModelUnloadingTime") == [1.0]


def test_where_nothing_can_go_the_containers_refusal_is_the_answer() -> None:
    async def run() -> Answer:
        return await Asked(Container(room=0)).ask("a")

    assert text(asyncio.run(run())) == (507, b"no room")


def test_who_has_waited_as_long_as_he_may_is_told_to_come_again_and_the_model_comes() -> None:
    container = Container()
    asked = Asked(container)

    async def run() -> tuple[Answer, Answer]:
        container.go.clear()
        late = await asked.ask("a", 0.01)
        container.go.set()
        return late, await asked.ask("a")

    late, then = asyncio.run(run())
    assert isinstance(late, RefusedError)
    assert (late.error.code, late.error.status) == ("ModelNotReadyException", 429)
    assert text(then) == (200, b"a:x")
    assert container.calls == ["load a"]


def test_a_model_that_the_container_let_go_comes_again_once() -> None:
    container = Container()
    asked = Asked(container)

    async def run() -> tuple[Answer, Answer]:
        await asked.ask("a")
        container.loaded.clear()
        again = await asked.ask("a")
        container.room = -1  # it takes none, and says that it has it
        container.loaded.clear()
        container.failure = InstanceDownError("gone")
        return again, await asked.ask("a")

    again, lost = asyncio.run(run())
    assert text(again) == (200, b"a:x")
    assert isinstance(lost, InstanceDownError)
    assert container.calls == ["load a"] * 3


def test_where_none_is_kept_a_model_goes_with_its_last_answer() -> None:
    container = Container()
    asked = Asked(container, cached=False)

    async def run() -> None:
        await asyncio.gather(asked.ask("a"), asked.ask("a"))
        await asyncio.to_thread(until, lambda: not container.loaded)
        assert text(await asked.ask("a")) == (200, b"a:x")

    asyncio.run(run())
    assert container.calls[:3] == ["load a", "unload a", "load a"]
    assert asked.values("ModelCacheHit") == [0.0] * 3


def test_a_model_that_came_too_late_for_who_asked_is_not_kept_where_none_is() -> None:
    container = Container()
    asked = Asked(container, cached=False)

    async def run() -> Answer:
        container.go.clear()
        late = await asked.ask("a", 0.01)
        container.go.set()
        await asyncio.to_thread(until, lambda: container.calls == ["load a", "unload a"])
        return late

    assert isinstance(asyncio.run(run()), RefusedError)


def test_what_the_container_let_go_by_itself_is_seen_with_the_next_that_comes() -> None:
    container = Container()
    asked = Asked(container)

    async def run() -> None:
        await asked.ask("a")
        container.loaded.remove("a")
        await asked.ask("b")
        assert text(await asked.ask("a")) == (200, b"a:x")

    asyncio.run(run())
    assert asked.values("ModelCacheHit") == [0.0, 0.0, 0.0]
    assert asked.values("LoadedModelCount") == [1.0, 1.0, 2.0]
