"""What a pack says of a stack, by the configuration that the engine tells it."""

from __future__ import annotations

import json

import pytest

from fogbank.contracts import tokens
from fogbank.contracts.errors import ProjectError
from fogbank.project.declaration import Declared
from fogbank.project.policy_pack import verdicts

BUCKET = Declared(name="b", type=tokens.BUCKET, inputs={"bucket": "n", "tags": {"team": "x"}})


def policy(**said: object) -> dict[str, str]:
    return {"fogbank:policy": json.dumps({"stage": "development", **said})}


def test_a_stack_without_a_policy_has_no_rules() -> None:
    assert verdicts({}, [BUCKET]) == []


def test_what_is_broken_stops_and_what_is_waived_is_advice() -> None:
    [(rule, resource, said, stops)] = verdicts(policy(), [BUCKET])
    assert (rule, resource, stops) == ("public", "b", True)
    assert "or waive 'public b' with a reason" in said

    [waived] = verdicts(policy(waive={"public b": "a site"}), [BUCKET])
    assert waived == ("public", "b", "waived: the bucket may be opened to everybody: a site", False)


def test_a_waiver_that_waives_nothing_is_told_and_stops_nothing() -> None:
    found = verdicts(policy(waive={"public b": "a site", "tags b": "why"}), [BUCKET])

    assert ("the waiver 'tags b' waives nothing any more", False) in [item[2:] for item in found]


def test_tags_that_the_stack_gives_count() -> None:
    config = policy(tags=["team", "cost"], waive={"public b": "a site"})

    assert [item[0] for item in verdicts(config, [BUCKET])] == ["public", "tags"]
    given = {**config, "aws:defaultTags": json.dumps({"tags": {"cost": "1"}})}
    assert [item[0] for item in verdicts(given, [BUCKET])] == ["public"]


def test_a_policy_that_is_none_is_an_error_with_its_problems() -> None:
    with pytest.raises(ProjectError, match="stage must be production or development"):
        verdicts({"fogbank:policy": "{}"}, [BUCKET])
