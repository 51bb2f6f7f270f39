"""A definition that is no machine of steps is refused before anything is made, by what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.provider.services.sfn import MACHINE
from fogbank.provider.shapes import UNKNOWN
from tests.unit.provider.asking import difference, refused

DONE = {"Type": "Succeed"}


def machine(definition: Any, **more: Any) -> dict[str, Any]:
    text = definition if isinstance(definition, str) else json.dumps(definition)
    return {"name": "m", "roleArn": "r", "definition": text, **more}


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        ("{", "is not JSON"),
        ("[]", "must have StartAt"),
        ({"States": {"A": DONE}}, "must have StartAt"),
        ({"StartAt": "B", "States": {"A": DONE}}, "the name of one of its States"),
        ({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}, "goes on to B, which is none of its States"),
    ],
)
def test_what_is_no_machine(definition: Any, reason: str) -> None:
    assert reason in refused(MACHINE, machine(definition))["definition"]


def test_a_machine_and_one_that_is_not_known_yet_are_taken() -> None:
    assert refused(MACHINE, machine({"StartAt": "A", "States": {"A": DONE}}, type="STANDARD", publish=False)) == {}
    assert refused(MACHINE, machine(UNKNOWN)) == {}


def test_what_a_machine_that_is_not_run_cannot_do_is_refused() -> None:
    said = refused(MACHINE, machine({"StartAt": "A", "States": {"A": DONE}}, publish=True))

    assert "does not run them" in said["publish"]


def test_the_order_of_choices_is_a_change() -> None:
    """They are tried one by one."""
    one, two = {"Next": "A"}, {"Next": "B"}
    states = {"A": DONE, "B": DONE}

    def choosing(*choices: Any) -> dict[str, Any]:
        return machine({"StartAt": "C", "States": {**states, "C": {"Type": "Choice", "Choices": [*choices]}}})

    assert difference(MACHINE, choosing(one, two), choosing(two, one)).changed == ("definition",)
