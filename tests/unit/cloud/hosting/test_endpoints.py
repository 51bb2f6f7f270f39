"""The calls of endpoints: what they refuse, and what becomes of records and fleets."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.errors import ApiError
from tests.unit.cloud.hosting.conftest import NAME, US, Hosting
from tests.unit.cloud.hosting.test_rollouts import canary
from tests.waiting import until


def test_many_creates_of_one_name_make_one(hosting: Hosting) -> None:
    hosting.model("old")
    hosting.config("old", ("v", "old", 1, 1.0))
    barrier = threading.Barrier(8)

    def create(_: int) -> str:
        barrier.wait(10)
        try:
            hosting.create("old")
        except ApiError as error:
            return error.message
        return "made"

    with ThreadPoolExecutor(8) as callers:
        outcomes = list(callers.map(create, range(8)))
    hosting.settle()

    assert sorted(outcomes)[7] == "made"
    assert sum(outcome == "made" for outcome in outcomes) == 1
    assert len(hosting.hosts.running) == 1


def test_regions_have_endpoints_of_their_own(hosting: Hosting) -> None:
    hosting.endpoint()
    euro = Scope("eu-west-1")

    assert hosting.endpoints.summaries(euro, {})["Endpoints"] == []
    with pytest.raises(ApiError, match="eu-west-1:123456789012:endpoint/e"):
        hosting.endpoints.describe(euro, {"EndpointName": "e"})


def test_retain_all_variant_properties(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.scale(DesiredWeight=5, DesiredInstanceCount=2)
    hosting.settle()
    hosting.update(RetainAllVariantProperties=True)
    hosting.settle()

    variant = hosting.describe()["ProductionVariants"][0]
    assert (variant["DesiredWeight"], variant["CurrentInstanceCount"]) == (5, 2)
    assert len(hosting.hosts.of("new").running) == 2
    excluded = [{"VariantPropertyType": "DesiredInstanceCount"}]
    hosting.update("old", RetainAllVariantProperties=True, ExcludeRetainedVariantProperties=excluded)
    hosting.settle()
    variant = hosting.describe()["ProductionVariants"][0]
    assert (variant["DesiredWeight"], variant["CurrentInstanceCount"]) == (5, 1)
    with pytest.raises(ApiError, match="DataCaptureConfig is not supported"):
        hosting.update(ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DataCaptureConfig"}])


def test_a_deployment_config_of_the_creation_counts_for_updates_that_retain_it(hosting: Hosting) -> None:
    for name in ("old", "new"):
        hosting.model(name)
        hosting.config(name, ("v", name, 1, 1.0))
    params = {"EndpointName": "e", "EndpointConfigName": "old", "DeploymentConfig": canary()}
    hosting.endpoints.create(US, params)
    hosting.settle()
    assert hosting.describe()["LastDeploymentConfig"] == canary()
    steps = ["FleetStarted", "Shifted", "Finished"]
    until(lambda: hosting.changes("rollout") == steps)  # there is nothing to shift from

    hosting.update(RetainDeploymentConfig=True)
    hosting.baking()
    hosting.pass_by(60)
    hosting.settle()
    hosting.update("old")
    hosting.settle()
    until(lambda: hosting.changes("rollout")[-3:] == steps)  # it was not retained


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([{"VariantName": "none", "DesiredWeight": 1}], 'variant name(s) "none" is/are not present within endpoint configuration "old"'),
        ([{"VariantName": "v", "DesiredWeight": 1}] * 2, 'The variant name "v" was non-unique within the request.'),
        ([{"VariantName": "v", "DesiredInstanceCount": 0}], "at least one instance"),
    ],
)  # fmt: skip
def test_what_cannot_be_scaled_is_refused(hosting: Hosting, items: list[dict[str, Any]], message: str) -> None:
    hosting.endpoint()
    with pytest.raises(ApiError) as caught:
        hosting.endpoints.update_variants(US, {"EndpointName": "e", "DesiredWeightsAndCapacities": items})

    assert message in caught.value.message
    assert hosting.status == "InService"


def test_deleting_goes_through_its_status_and_ends_every_instance(hosting: Hosting) -> None:
    hosting.endpoint(count=2)
    instances = hosting.hosts.running
    hosting.endpoints.delete(US, {"EndpointName": "e"})
    until(lambda: hosting.endpoints.find(*NAME) is None)

    assert all(instance.stopped.is_set() for instance in instances)
    assert hosting.changes("endpoint")[-2:] == ["Deleting", "Deleted"]
    hosting.create("old")
    hosting.settle()


def test_an_endpoint_that_is_changing_is_not_deleted_and_a_failed_one_is_at_once(hosting: Hosting) -> None:
    hosting.model("old")
    hosting.config("old", ("v", "old", 1, 1.0))
    hosting.hosts.of("old").go.clear()
    hosting.create("old")
    with pytest.raises(ApiError, match="in-progress"):
        hosting.endpoints.delete(US, {"EndpointName": "e"})
    hosting.hosts.of("old").failure = "broken"
    hosting.hosts.of("old").go.set()
    hosting.settle("Failed")
    with pytest.raises(ApiError, match="in-progress"):
        hosting.update("old")
    hosting.endpoints.delete(US, {"EndpointName": "e"})

    assert hosting.endpoints.find(*NAME) is None


def test_a_reset_in_the_middle_of_a_start_leaves_nothing(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.hosts.of("new").go.clear()
    hosting.update()
    until(lambda: hosting.hosts.of("new").attempts == 1)
    with hosting.endpoints.emptied():
        hosting.store.reset()
    hosting.hosts.of("new").go.set()

    assert hosting.endpoints.all() == []
    until(lambda: hosting.hosts.running == [])
    hosting.endpoint()
    assert hosting.share("old") == 1


def test_at_a_stop_everything_ends_and_the_records_stay_as_they_are(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.hosts.of("new").go.clear()
    hosting.update()
    until(lambda: hosting.hosts.of("new").attempts == 1)
    hosting.endpoints.stop()
    assert hosting.runner.close(20)

    assert hosting.hosts.running == []
    assert (hosting.status, "FailureReason" in hosting.record().public) == ("Updating", False)
