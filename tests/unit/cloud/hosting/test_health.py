"""A frozen instance is found by its silence and ended; one that only says that it is not ready is not."""

from __future__ import annotations

from fogbank.cloud.hosting.health import Health
from tests.fakes.patient import FakePatient


def test_who_answers_lives_and_who_is_stopped_is_ended() -> None:
    health = Health(patience_s=1000)
    well, busy, frozen = FakePatient(), FakePatient(responds=False), FakePatient(responds=False, stopped=True)
    for instance in (well, busy, frozen):
        health.watch(instance)
    for _ in range(5):
        health.turn()

    assert (well.killed, busy.killed, frozen.killed) == (False, False, True)


def test_who_holds_more_memory_than_it_may_is_ended_however_well_it_answers() -> None:
    health = Health()
    slim, fat = FakePatient(), FakePatient(overfull=True)
    for instance in (slim, fat):
        health.watch(instance)
    health.turn()

    assert (slim.killed, fat.killed) == (False, True)


def test_who_is_silent_for_too_long_is_ended_once_and_who_was_forgotten_is_not() -> None:
    health = Health(patience_s=-1)
    silent, left = FakePatient(responds=False), FakePatient(responds=False)
    health.watch(silent)
    health.watch(left)
    health.forget(left)
    health.turn()
    health.turn()

    assert (silent.killed, left.killed) == (True, False)
