"""Where copies have room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.hosting.instance_sizes import Size
from fogbank.cloud.hosting.placement import BINPACK, SPREAD, Need, Room, fits, instances, managed_by

WHOLE = Size(cores=4, memory_mb=4000)


def need(copies: int = 1, cores: float = 1, memory: float = 1000, strategy: str = SPREAD) -> Need:
    return Need(size=Size(cores=cores, memory_mb=memory), copies=copies, strategy=strategy)


def test_all_copies_need_a_place_of_their_own() -> None:
    assert fits(WHOLE, 1, [need(4)])
    assert not fits(WHOLE, 1, [need(5)])
    assert fits(WHOLE, 2, [need(5)])
    assert not fits(WHOLE, 9, [need(1, cores=5)])
    assert fits(WHOLE, 0, [])
    assert not fits(WHOLE, 0, [need()])


def test_copies_that_are_spread_leave_no_whole_instance_and_those_that_are_packed_do() -> None:
    large = need(1, cores=4, memory=4000)
    assert not fits(WHOLE, 2, [need(2), large])
    assert fits(WHOLE, 2, [need(2, strategy=BINPACK), large])


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0.25, 1, 2, 4]), st.sampled_from([SPREAD, BINPACK]))))
def test_the_fewest_instances_are_enough_and_one_less_is_not(drawn: list[tuple[int, float, str]]) -> None:
    needs = [need(copies, cores=cores, memory=100, strategy=strategy) for copies, cores, strategy in drawn]
    found = instances(WHOLE, needs, 0, 40)
    if found is None:
        assert not fits(WHOLE, 40, needs)
    else:
        assert fits(WHOLE, found, needs)
        assert found == 0 or not fits(WHOLE, found - 1, needs)


def test_managed_instances_come_and_go_between_their_limits_and_others_stay() -> None:
    item = {"InstanceType": "ml.m5.large"}
    managed = {**item, "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 3}}
    copies = [need(3, cores=2)]
    assert Room.of(item, 1).count_for(copies) is None
    assert Room.of(managed, 1).count_for(copies) == 3
    assert Room.of(managed, 1).count_for([need(4, cores=2)]) is None
    assert (Room.of(managed, 3).count_for([]), Room.of(managed, 3).fewest([])) == (3, 1)
    assert Room.of(item, 3).fewest([]) == 3
    off = {**managed, "ManagedInstanceScaling": {"Status": "DISABLED", "MinInstanceCount": 0, "MaxInstanceCount": 9}}
    assert managed_by(off) is None
    none = {**item, "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 3}}
    assert Room.of(none, 3).fewest([]) == 0
    endless = {
        **item,
        "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2**31},
    }
    assert Room.of(endless, 1).count_for([need(1000, cores=2)]) == 1000
    assert Room.of(endless, 1).count_for([need(1000, cores=3)]) is None


def test_a_type_of_unknown_size_is_refused_by_name() -> None:
    with pytest.raises(ApiError, match=r"how large an ml\.x1\.large is"):
        Room.of({"InstanceType": "ml.x1.large"}, 1)
