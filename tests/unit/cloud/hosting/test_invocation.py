"""An invocation's way: to an instance that lives, once more where it died, waiting without a thread where none is there yet."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.unit.cloud.hosting.conftest import REQUEST, Hosting
from tests.waiting import until


def test_a_request_to_an_instance_that_dies_goes_to_its_replacement(hosting: Hosting) -> None:
    hosting.endpoint()
    first = hosting.hosts.running[0]
    first.hold.clear()
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(hosting.ask, REQUEST)
        until(lambda: first.asked)
        first.die()
        first.hold.set()
        assert answer.result(20).body == b"old:x"

    assert hosting.hosts.running[0] is not first
    until(lambda: hosting.changes("instance") == ["Started", "Died", "Replaced"])


def test_a_connection_that_breaks_while_the_instance_lives_is_the_callers_to_hear(hosting: Hosting) -> None:
    hosting.endpoint()
    [instance] = hosting.hosts.running
    instance.resets = True
    answer = hosting.ask(REQUEST)

    assert (answer.status, instance.asked) == (424, 1)
    assert "the container died while it answered: connection reset" in json.loads(answer.body)["message"]


def test_who_waits_for_an_instance_holds_no_thread_and_all_get_their_answer(hosting: Hosting) -> None:
    hosting.endpoint()
    host = hosting.hosts.of("old")
    host.go.clear()
    host.running[0].die()
    before = set(threading.enumerate())
    with ThreadPoolExecutor(8) as callers:
        answers = [callers.submit(hosting.ask, REQUEST) for _ in range(8)]
        until(lambda: host.attempts == 2)
        names = {thread.name for thread in set(threading.enumerate()) - before}
        host.go.set()
        assert {answer.result(20).body for answer in answers} == {b"old:x"}

    assert not [name for name in names if "request" in name]
    assert host.attempts == 2


def test_where_it_cannot_be_replaced_the_caller_hears_why(hosting: Hosting) -> None:
    hosting.endpoint()
    host = hosting.hosts.of("old")
    host.failure = "no space left"
    host.running[0].die()
    answer = hosting.ask(REQUEST)

    assert (answer.status, json.loads(answer.body)["OriginalStatusCode"]) == (424, 0)
    assert "cannot be replaced: no space left" in json.loads(answer.body)["message"]
