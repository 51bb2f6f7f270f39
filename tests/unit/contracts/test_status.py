"""Status machines: closed tables, and a step that they lack is refused."""

from __future__ import annotations

import pytest

from fogbank.contracts import status


def test_every_status_table_is_closed_and_refuses_what_it_lacks() -> None:
    for table in (status.ENDPOINT, status.TRANSFORM_JOB, status.MONITORING_SCHEDULE, status.MONITORING_EXECUTION):
        assert all(then in table for follow in table.values() for then in follow)
    with pytest.raises(status.IllegalTransitionError):
        status.step(status.TRANSFORM_JOB, "Completed", "Failed")


TABLES = {name: table for name, table in vars(status).items() if name.isupper() and isinstance(table, dict)}


@pytest.mark.parametrize("name", TABLES)
def test_every_state_is_reached_and_leads_to_an_end(name: str) -> None:
    table = TABLES[name]
    followed = {then for follow in table.values() for then in follow}
    first = next(iter(table))
    reached, waiting = set(), [first]
    while waiting:
        state = waiting.pop()
        if state not in reached:
            reached.add(state)
            waiting += table[state]

    assert reached == set(table), "a state that nothing leads to"
    assert followed <= set(table)
    for state in table:
        assert status.ended(table, state) is (not table[state])


@pytest.mark.parametrize(
    ("table", "now", "then", "right"),
    [
        (status.ENDPOINT, "Creating", "InService", True),
        (status.ENDPOINT, "Creating", "Updating", False),
        (status.TRANSFORM_JOB, "InProgress", "Stopped", False),
        (status.TRANSFORM_JOB, "Completed", "InProgress", False),
        (status.MONITORING_EXECUTION, "InProgress", "CompletedWithViolations", True),
    ],
)
def test_a_step_is_taken_or_refused(table: status.Transitions, now: str, then: str, right: bool) -> None:
    if right:
        assert status.step(table, now, then) == then
    else:
        with pytest.raises(status.IllegalTransitionError, match=f"{now} -> {then}"):
            status.step(table, now, then)
