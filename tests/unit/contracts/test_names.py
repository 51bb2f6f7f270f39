"""Names: two stacks never share one, and each is one that SageMaker takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.contracts.names import LONGEST, PREFIX, SAGEMAKER, check_name, stack_prefix
from tests.drawn import at_most

PROJECTS = st.from_regex(r"[a-z][a-z0-9]{0,14}(-[a-z0-9]{1,7}){0,2}", fullmatch=True).filter(
    lambda name: len(name) <= 30
)
STACKS = st.from_regex(r"[A-Za-z0-9._-]{1,100}", fullmatch=True)


@at_most(30)
@given(PROJECTS, STACKS, STACKS)
def test_two_stacks_of_a_project_have_different_legal_names(project: str, one: str, other: str) -> None:
    first, second = (stack_prefix(project, stack, local=False) for stack in (one, other))

    assert (first.lower() == second.lower()) == (one == other)
    for name in (f"{first}-nightly", f"{first}-quality"):
        assert len(name) <= LONGEST
        assert SAGEMAKER.fullmatch(name)
    assert len(first) <= PREFIX


def test_case_alone_is_another_name() -> None:
    assert stack_prefix("churn", "Prod", local=False) != stack_prefix("churn", "prod", local=False)
    assert stack_prefix("churn", "Prod", local=False).islower()


def test_long_stacks_that_begin_alike_stay_two() -> None:
    first, second = (stack_prefix("churn", f"{'feature-' * 9}{end}", local=False) for end in "ab")

    assert first != second
    assert first[:-7] == second[:-7]


@pytest.mark.parametrize("name", ["nightly_scores", "-a", "a-", "", "a" * 64, "a.b", "a--" * 20 + "abcde", "ä"])
def test_a_name_that_sagemaker_refuses_is_refused_with_the_argument_that_says_it(name: str) -> None:
    with pytest.raises(ValueError, match="schedule_name must be 1 to 63"):
        check_name("schedule_name", name)


def test_other_names_are_taken() -> None:
    assert check_name("endpoint_name", "Churn--live-2") == "Churn--live-2"
