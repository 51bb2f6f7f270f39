"""Members of another kind than Lambda's are its refusal, and no exception of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.functions.checks import check_function, members_of
from fogbank.cloud.ground.wire import Request


def checked(body: bytes) -> None:
    request = Request(method="POST", path="/2015-03-31/functions", query="", headers={}, body=body)
    check_function(request, members_of(request))


@pytest.mark.parametrize(
    "members",
    [
        {"Code": "x"},
        {"Code": []},
        {"Environment": "x"},
        {"Environment": []},
        {"Environment": {"Variables": []}},
        {"Environment": {"Variables": ["A"]}},
        {"Environment": {"Variables": {"A": 1}}},
        {"SnapStart": "None"},
    ],
)
def test_a_member_of_another_kind_is_refused_as_such(members: Any) -> None:
    with pytest.raises(ApiError) as refused:
        checked(json.dumps(members).encode())
    assert (refused.value.code, refused.value.status) == ("SerializationException", 400)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"no json", b"[" * 100_000, b'{"Code": null, "Environment": {"Variables": null}}']
)
def test_a_body_that_is_none_is_motos_to_refuse(body: bytes) -> None:
    checked(body)


def test_more_variables_than_lambda_takes_are_measured_and_not_told() -> None:
    with pytest.raises(ApiError, match=r"exceeded the 4KB limit. 4107 bytes were measured") as refused:
        checked(json.dumps({"Environment": {"Variables": {"A": "secret" * 683 + "s"}}}).encode())
    assert "secret" not in refused.value.message
