"""What a rule's target gets: examples of the EventBridge User Guide, "Input transformation", and what they leave open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.cloud.time.inputs import MISSING, target_input, value_at

EVENT = {
    "id": "e-1",
    "detail-type": "EC2 Instance State-change Notification",
    "time": "2015-11-11T21:29:54Z",
    "source": "aws.ec2",
    "detail": {"instance-id": "i-0123456789", "state": 'RUN"NING', "tags": ["a", "b"], "more": {"n": 1.5}},
}
PATHS = {
    "instance": "$.detail.instance-id",
    "state": "$.detail.state",
    "tags": "$.detail.tags",
    "more": "$.detail.more",
    "no": "$.x",
}


def got(target: dict[str, Any]) -> Any:
    return json.loads(target_input(target, EVENT, "arn:rule", "r"))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, EVENT),
        ({"Input": '{"fixed": 1}'}, {"fixed": 1}),
        ({"InputPath": "$.detail.tags"}, ["a", "b"]),
        ({"InputPath": "$.detail.tags[1]"}, "b"),
        ({"InputPath": "$.nowhere"}, None),
        ({"InputPath": "$"}, EVENT),
    ],
)
def test_all_of_it_a_constant_or_a_part(target: dict[str, Any], expected: Any) -> None:
    assert got(target) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('"instance <instance> is in <state>"', 'instance i-0123456789 is in RUN"NING'),
        ('{"instance": <instance>, "state": <state>}', {"instance": "i-0123456789", "state": 'RUN"NING'}),
        ('{"both": "<instance>/<state>", "tags": <tags>, "more": <more>}',
         {"both": 'i-0123456789/RUN"NING', "tags": ["a", "b"], "more": {"n": 1.5}}),
        ('{"said": "the tags are <tags>"}', {"said": 'the tags are ["a", "b"]'}),
        ('{"none": <no>, "empty": "<no>"}', {"none": None, "empty": ""}),
        ("plain <instance>", "plain i-0123456789"),
        ('{"rule": <aws.events.rule-name>, "arn": "<aws.events.rule-arn>"}', {"rule": "r", "arn": "arn:rule"}),
        ('{"event": <aws.events.event.json>}', {"event": EVENT}),
        ('{"untouched": "<unknown>"}', {"untouched": "<unknown>"}),
    ],
)  # fmt: skip
def test_a_template_is_filled_as_text_in_strings_and_as_json_outside(template: str, expected: Any) -> None:
    assert got({"InputTransformer": {"InputPathsMap": PATHS, "InputTemplate": template}}) == expected


def test_a_template_that_gives_no_json_is_an_error() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        got({"InputTransformer": {"InputPathsMap": PATHS, "InputTemplate": '{"a": <instance>'}})


def test_paths_lead_through_quoted_names_and_lists() -> None:
    assert value_at("$['detail']['more'].n", EVENT) == 1.5
    assert value_at("$.detail.tags[7]", EVENT) is MISSING
    assert value_at("$..tags", EVENT) is MISSING
