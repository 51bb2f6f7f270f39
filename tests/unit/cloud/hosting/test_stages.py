"""Who comes while an endpoint comes up is told so at once; what is emptied stays empty."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fogbank.cloud.hosting.router import Router
from fogbank.cloud.hosting.stages import ComingError, Stages
from fogbank.cloud.hosting.variant import Variant
from tests.waiting import until

NAME = ("us-east-1", "e")


def test_an_endpoint_that_nobody_expects_is_answered_at_once() -> None:
    stages = Stages()
    stages.expect(("us-east-1", "other"))

    assert stages.router(NAME) is None


def test_who_comes_too_early_is_told_and_then_gets_the_router_or_nothing() -> None:
    stages, other = Stages(), ("eu-west-1", "e")
    router: Router[Variant] = Router([])
    for name in (NAME, other):
        stages.expect(name)
        with pytest.raises(ComingError):
            stages.router(name)
    stages.route(stages.stage(NAME), router)
    stages.arrived(other)

    assert (stages.router(NAME), stages.router(other)) == (router, None)


def test_what_is_emptied_takes_nothing_more_and_the_next_of_that_name_is_another() -> None:
    stages = Stages()
    stage = stages.stage(NAME)
    stages.route(stage, Router([]))
    stages.expect(NAME)
    with stages.emptied(1):
        assert not stages.place(stage, live=None, pending=None)
        stages.route(stage, Router([]))
        assert stages.router(NAME) is None
        fresh = stages.stage(NAME)
    assert fresh is not stage
    assert stages.place(fresh, live=None, pending=None)


def test_many_threads_make_one_stage() -> None:
    stages, barrier = Stages(), threading.Barrier(8)

    def make(_: int) -> int:
        barrier.wait(10)
        return id(stages.stage(NAME))

    with ThreadPoolExecutor(8) as makers:
        assert len(set(makers.map(make, range(8)))) == 1
    until(lambda: stages.find(NAME) is not None)
