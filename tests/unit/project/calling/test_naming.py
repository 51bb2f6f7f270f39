"""The next step of an error that a wrong name ends in."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.contracts.analysis import CREATE_PROCESSING_JOB
from fogbank.contracts.errors import AwsError
from fogbank.contracts.transform import CREATE_TRANSFORM_JOB
from fogbank.project.calling.naming import hint, known, short_names, told


class Account:
    """SageMaker and the Scheduler, as far as names are asked for."""

    def __init__(self, *, denied: bool = False) -> None:
        self._denied = denied

    def __call__(self, _: str) -> Account:
        return self

    def get_paginator(self, operation: str) -> Any:
        if self._denied:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, operation)
        target = "arn:aws:scheduler:::aws-sdk:sagemaker:"
        pages: dict[str, dict[str, Any]] = {
            "list_endpoints": {"Endpoints": [{"EndpointName": "churn-live"}, {"EndpointName": "other"}]},
            "list_schedules": {
                "Schedules": [
                    {"Name": "churn-nightly", "Target": {"Arn": f"{target}{CREATE_TRANSFORM_JOB}"}},
                    {"Name": "churn-quality", "Target": {"Arn": f"{target}{CREATE_PROCESSING_JOB}"}},
                ]
            },
            "list_monitoring_schedules": {"MonitoringScheduleSummaries": [{"MonitoringScheduleName": "churn-drift"}]},
        }

        class Pages:
            def paginate(self) -> list[dict[str, Any]]:
                return [pages[operation]]

        return Pages()


def test_names_are_those_of_their_kind_as_a_user_says_them() -> None:
    assert short_names(Account(), "endpoint", "churn") == ["live", "other"]
    assert short_names(Account(), "batch schedule", "churn") == ["nightly"]
    assert short_names(Account(), "monitoring schedule", "churn") == ["quality", "drift"]
    assert list(known(Account(denied=True), "endpoint")) == [], "who may not ask is told nothing, and no other error"


def test_a_name_that_is_none_is_guessed() -> None:
    with pytest.raises(AwsError) as caught, told(Account(), "endpoint", "churn-lvie", "churn"):
        raise AwsError("ValidationError", "Endpoint churn-lvie not found", "old hint")

    assert (caught.value.cause, caught.value.hint) == (
        "Endpoint churn-lvie not found",
        "did you mean 'live'? There is live, other",
    )


@pytest.mark.parametrize(("code", "name"), [("ModelError", "churn-lvie"), ("ValidationError", "churn-live")])
def test_an_error_about_something_else_stays(code: str, name: str) -> None:
    with pytest.raises(AwsError) as caught, told(Account(), "endpoint", name, "churn"):
        raise AwsError(code, "cause", "hint")

    assert caught.value.hint == "hint"


def test_where_there_is_nothing_the_way_to_some_is_told() -> None:
    assert hint("endpoint", "churn-live", [], "churn") == "there is no endpoint yet: run `fogbank up`"
    assert hint("monitoring schedule", "m-quality", [], "m").endswith("once infra/ declares one (docs/03-declare.md)")
