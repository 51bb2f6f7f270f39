"""Inference components on instances in memory: their life, their room, what is under way when the cloud is killed."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.wire import Answer
from fogbank.cloud.hosting.placement import NO_ROOM
from tests.unit.cloud.hosting.conftest import REQUEST, SIGNED, US, Hosting
from tests.waiting import until

ROLE = "arn:aws:iam::123456789012:role/r"
MANAGED = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 3}


def config(hosting: Hosting, name: str = "bare", count: int = 1, role: str = ROLE, **variant: Any) -> None:
    """Variants of two cores and 8 GiB each."""
    item = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": count, **variant}
    given = {"EndpointConfigName": name, "ProductionVariants": [item], **({"ExecutionRoleArn": role} if role else {})}
    hosting.configs.create(US, given)


def endpoint(hosting: Hosting, **variant: Any) -> None:
    """An endpoint `e` without models, and a model `old`."""
    hosting.model("old")
    config(hosting, **variant)
    hosting.create("bare")
    hosting.settle()


def create(hosting: Hosting, name: str = "c", copies: int = 1, model: str = "old", cores: float = 1) -> None:
    required = {"NumberOfCpuCoresRequired": cores, "MinMemoryRequiredInMb": 1024}
    specification = {"ModelName": model, "ComputeResourceRequirements": required}
    hosting.components.create(
        US,
        {
            "InferenceComponentName": name,
            "EndpointName": "e",
            "VariantName": "v",
            "Specification": specification,
            "RuntimeConfig": {"CopyCount": copies},
        },
    )


def update(hosting: Hosting, name: str = "c", copies: int | None = None, **specification: Any) -> None:
    required = {"NumberOfCpuCoresRequired": 1.0, "MinMemoryRequiredInMb": 1024}
    given = {"Specification": {"ComputeResourceRequirements": required, **specification}} if specification else {}
    counts = {"RuntimeConfig": {"CopyCount": copies}} if copies is not None else {}
    hosting.components.update(US, {"InferenceComponentName": name, **given, **counts})


def described(hosting: Hosting, name: str = "c") -> dict[str, Any]:
    return hosting.components.describe(US, {"InferenceComponentName": name})


def settled(hosting: Hosting, name: str = "c") -> dict[str, Any]:
    until(lambda: described(hosting, name)["InferenceComponentStatus"] not in {"Creating", "Updating"})
    return described(hosting, name)


def counts(hosting: Hosting, name: str = "c") -> tuple[int, int]:
    runtime = described(hosting, name)["RuntimeConfig"]
    return runtime["CurrentCopyCount"], runtime["DesiredCopyCount"]


def instances(hosting: Hosting) -> tuple[int, int]:
    variant = hosting.describe()["ProductionVariants"][0]
    return variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]


def ask(hosting: Hosting, name: str = "c", **headers: str) -> Answer:
    return hosting.ask(replace(REQUEST, headers={**SIGNED, "x-amzn-sagemaker-inference-component": name, **headers}))


def said(hosting: Hosting, name: str = "c", **headers: str) -> str:
    answer = ask(hosting, name, **headers)
    assert answer.status == 400
    return str(json.loads(answer.body)["message"])


def test_a_component_is_created_asked_and_deleted(hosting: Hosting) -> None:
    endpoint(hosting)
    create(hosting, copies=2)
    found = settled(hosting)
    assert (found["InferenceComponentStatus"], counts(hosting)) == ("InService", (2, 2))
    assert ask(hosting).body == b"old:x"
    assert "does not host" in said(hosting, **{"x-amzn-sagemaker-target-variant": "w"})
    with pytest.raises(ApiError, match="already existing inference component"):
        create(hosting)
    hosting.components.delete(US, {"InferenceComponentName": "c"})
    until(lambda: hosting.changes("inference-component") == ["Creating", "InService", "Deleting", "Deleted"])
    assert hosting.components.find("us-east-1", "c") is None
    assert hosting.hosts.running == []


def test_what_is_not_hosted_is_told(hosting: Hosting) -> None:
    endpoint(hosting)
    assert said(hosting, "none") == "Inference component none of account 123456789012 not found on the endpoint e."
    hosting.model("new")
    hosting.config("own", ("v", "new", 1, 1.0))
    with pytest.raises(ApiError, match="has models of its variants, or hosts inference components"):
        hosting.update("own")
    with pytest.raises(ApiError, match="Could not find variant"):
        hosting.components.create(
            US,
            {
                "InferenceComponentName": "c",
                "EndpointName": "e",
                "VariantName": "w",
                "Specification": {},
                "RuntimeConfig": {"CopyCount": 1},
            },
        )
    with pytest.raises(ApiError, match="larger than 0"):
        create(hosting, copies=0)
    with pytest.raises(ApiError, match="Could not find model"):
        create(hosting, model="none")
    with pytest.raises(ApiError, match="Could not find inference component"):
        described(hosting, "none")


def test_an_endpoint_with_models_hosts_none(hosting: Hosting) -> None:
    hosting.endpoint()
    with pytest.raises(ApiError, match="Inference Components are not supported in this Endpoint"):
        create(hosting)
    assert said(hosting).startswith("Inference Component Name header is not allowed")


def test_who_has_no_room_fails_with_sagemakers_words_and_takes_none(hosting: Hosting) -> None:
    endpoint(hosting)
    create(hosting, cores=1.5)
    settled(hosting)
    create(hosting, "d", cores=1)
    failed = settled(hosting, "d")
    assert (failed["InferenceComponentStatus"], failed["FailureReason"]) == ("Failed", NO_ROOM)
    assert failed["RuntimeConfig"]["CurrentCopyCount"] == 0
    assert "no capacity" in said(hosting, "d")
    create(hosting, "f", cores=0.5)
    assert settled(hosting, "f")["InferenceComponentStatus"] == "InService"
    update(hosting, "f", copies=2)
    kept = settled(hosting, "f")
    assert (kept["InferenceComponentStatus"], kept["FailureReason"]) == ("InService", NO_ROOM)
    assert counts(hosting, "f") == (1, 1)
    with pytest.raises(ApiError, match="CREATE_FAILED"):
        update(hosting, "d", copies=1)
    hosting.components.delete(US, {"InferenceComponentName": "d"})


def test_copies_come_and_go_and_none_is_no_capacity(hosting: Hosting) -> None:
    endpoint(hosting)
    create(hosting)
    settled(hosting)
    update(hosting, copies=2)
    settled(hosting)
    assert counts(hosting) == (2, 2)
    update(hosting, copies=0)
    settled(hosting)
    until(lambda: counts(hosting) == (0, 0))
    assert said(hosting).startswith("Inference Component has no capacity to process this request.")
    hosting.components.update_runtime(US, {"InferenceComponentName": "c", "DesiredRuntimeConfig": {"CopyCount": 1}})
    settled(hosting)
    assert ask(hosting).status == 200


def test_another_specification_takes_over_when_it_answers_and_a_bad_one_never(hosting: Hosting) -> None:
    endpoint(hosting)
    hosting.model("new")
    create(hosting)
    settled(hosting)
    hosting.hosts.of("new").go.clear()
    update(hosting, ModelName="new")
    until(lambda: hosting.hosts.of("new").attempts == 1)
    assert ask(hosting).body == b"old:x"
    with pytest.raises(ApiError, match="while it is in state UPDATE_IN_PROGRESS"):
        update(hosting, copies=2)
    with pytest.raises(ApiError, match="Cannot delete inference component"):
        hosting.components.delete(US, {"InferenceComponentName": "c"})
    hosting.hosts.of("new").go.set()
    assert settled(hosting)["Specification"]["ModelName"] == "new"
    assert ask(hosting).body == b"new:x"
    hosting.hosts.of("old").failure = "no handler"
    update(hosting, ModelName="old")
    found = settled(hosting)
    assert (found["InferenceComponentStatus"], found["FailureReason"]) == ("InService", "no handler")
    assert (found["Specification"]["ModelName"], ask(hosting).body) == ("new", b"new:x")
    with pytest.raises(ApiError, match="or both must be given"):
        update(hosting)


def test_a_component_that_does_not_start_fails_with_its_own_words(hosting: Hosting) -> None:
    endpoint(hosting)
    hosting.hosts.of("old").failure = "no handler"
    create(hosting)
    found = settled(hosting)
    assert (found["InferenceComponentStatus"], found["FailureReason"]) == ("Failed", "no handler")
    hosting.hosts.of("old").failure, hosting.hosts.of("old").error = None, ValueError("odd")
    create(hosting, "d")
    assert "odd" in settled(hosting, "d")["FailureReason"]


def test_another_configuration_moves_every_component(hosting: Hosting) -> None:
    endpoint(hosting)
    create(hosting)
    settled(hosting)
    [before] = hosting.hosts.running
    config(hosting, "less", InstanceType="ml.m8g.medium", VariantName="v")
    config(hosting, "other", VariantName="w")
    config(hosting, "more", count=2)
    create(hosting, "d")
    settled(hosting, "d")
    with pytest.raises(ApiError, match="not enough hardware resources"):
        hosting.update("less")
    with pytest.raises(ApiError, match=r"variant\(s\) \[v\] host inference components"):
        hosting.update("other")
    with pytest.raises(ApiError, match="DeploymentConfig of endpoints that host"):
        hosting.update("more", DeploymentConfig={"BlueGreenUpdatePolicy": {}})
    hosting.update("more")
    hosting.settle()
    until(lambda: len(hosting.hosts.running) == 2 and before not in hosting.hosts.running)
    settled(hosting)
    assert ask(hosting).status == 200
    assert instances(hosting) == (2, 2)


def test_who_changes_while_the_endpoint_moves_follows_it(hosting: Hosting) -> None:
    endpoint(hosting)
    create(hosting)
    settled(hosting)
    config(hosting, "more", count=2)
    hosting.hosts.of("old").go.clear()
    update(hosting, copies=2)
    until(lambda: hosting.hosts.of("old").attempts == 2)
    hosting.update("more")
    hosting.settle()
    hosting.hosts.of("old").go.set()

    def config_of() -> str:
        serving = hosting.components.copies.find(("us-east-1", "c"))
        return serving.config if serving else ""

    until(lambda: config_of() == "more")
    settled(hosting)
    until(lambda: counts(hosting) == (2, 2) and len(hosting.hosts.running) == 2)


def test_no_request_fails_while_a_component_changes(hosting: Hosting) -> None:
    endpoint(hosting, count=2)
    hosting.model("new")
    create(hosting)
    settled(hosting)
    statuses: list[int] = []
    over = threading.Event()

    def asks(_: threading.Event) -> None:
        while not over.is_set():
            statuses.append(ask(hosting).status)

    tasks = [hosting.runner.begin(("asks",), asks) for _ in range(4)]
    for model in ("new", "old", "new"):
        update(hosting, ModelName=model)
        settled(hosting)
    for copies in (3, 1, 2):
        update(hosting, copies=copies)
        settled(hosting)
    config(hosting, "more", count=2)
    hosting.update("more")
    hosting.settle()
    settled(hosting)
    over.set()
    for task in tasks:
        assert task.ended.wait(20)
    assert set(statuses) == {200}
    assert len(statuses) > 20


def test_what_is_captured_of_a_component_is_the_endpoints(hosting: Hosting) -> None:
    hosting.model("old")
    item = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://captured/here",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    hosting.configs.create(
        US,
        {
            "EndpointConfigName": "bare",
            "ExecutionRoleArn": ROLE,
            "ProductionVariants": [item],
            "DataCaptureConfig": capture,
        },
    )
    hosting.create("bare")
    hosting.settle()
    create(hosting)
    settled(hosting)
    assert ask(hosting).status == 200
    hosting.recorder.flush()
    assert len(hosting.bucket.objects) == 1


def test_a_deleted_endpoint_leaves_its_components_without_processes(hosting: Hosting) -> None:
    """As it was measured on AWS: they stay InService and keep their names."""
    endpoint(hosting)
    create(hosting)
    settled(hosting)
    hosting.endpoints.delete(US, {"EndpointName": "e"})
    until(lambda: hosting.endpoints.find("us-east-1", "e") is None)
    assert hosting.hosts.running == []
    assert described(hosting)["InferenceComponentStatus"] == "InService"
    hosting.now += 1
    hosting.create("bare")
    hosting.settle()
    with pytest.raises(ApiError, match="already existing"):
        create(hosting)
    with pytest.raises(ApiError, match="Could not find endpoint"):
        update(hosting, copies=1)
    hosting.components.delete(US, {"InferenceComponentName": "c"})
    until(lambda: hosting.components.find("us-east-1", "c") is None)


def test_an_endpoint_that_goes_while_a_component_comes_leaves_it_failed(hosting: Hosting) -> None:
    endpoint(hosting)
    hosting.hosts.of("old").go.clear()
    create(hosting)
    until(lambda: hosting.hosts.of("old").attempts == 1)
    hosting.endpoints.delete(US, {"EndpointName": "e"})
    assert settled(hosting)["InferenceComponentStatus"] == "Failed"


def restart(hosting: Hosting) -> None:
    hosting.endpoints.start()
    hosting.components.start()


def test_after_a_kill_all_is_as_it_was_and_who_asks_meanwhile_waits(hosting: Hosting) -> None:
    endpoint(hosting, ManagedInstanceScaling=MANAGED)
    create(hosting, copies=2, cores=2)
    settled(hosting)
    hosting.kill()
    hosting.hosts.of("old").go.clear()
    restart(hosting)
    hosting.runner.submit(("go",), lambda _: hosting.hosts.of("old").go.set())
    assert ask(hosting).body == b"old:x"
    settled(hosting)
    hosting.settle()
    assert (counts(hosting), instances(hosting)) == ((2, 2), (2, 2))
    assert hosting.changes("inference-component")[-2:] == ["Updating", "InService"]


def test_killed_while_it_comes_or_changes_it_goes_on(hosting: Hosting) -> None:
    endpoint(hosting)
    hosting.hosts.of("old").go.clear()
    create(hosting)
    until(lambda: hosting.hosts.of("old").attempts == 1)
    hosting.kill()
    restart(hosting)
    assert settled(hosting)["InferenceComponentStatus"] == "InService"
    hosting.hosts.of("old").go.clear()
    update(hosting, copies=2)
    hosting.kill()
    restart(hosting)
    settled(hosting)
    assert counts(hosting) == (2, 2)


def test_one_that_does_not_come_up_again_is_failed_and_the_next_restart_tries_again(hosting: Hosting) -> None:
    endpoint(hosting)
    create(hosting)
    settled(hosting)
    hosting.kill()
    hosting.hosts.of("old").failure = "no disk"
    restart(hosting)
    found = settled(hosting)
    assert (found["InferenceComponentStatus"], found["FailureReason"]) == ("Failed", "no disk")
    hosting.kill()
    restart(hosting)
    assert settled(hosting)["InferenceComponentStatus"] == "InService"
    assert "FailureReason" not in described(hosting)


def test_killed_in_an_update_that_does_not_come_what_served_serves_again(hosting: Hosting) -> None:
    endpoint(hosting)
    hosting.model("new")
    create(hosting)
    settled(hosting)
    hosting.hosts.of("new").go.clear()
    update(hosting, ModelName="new")
    until(lambda: hosting.hosts.of("new").attempts == 1)
    hosting.kill()
    hosting.hosts.of("new").failure = "no handler"
    restart(hosting)
    found = settled(hosting)
    assert (found["InferenceComponentStatus"], found["FailureReason"]) == ("InService", "no handler")
    assert (found["Specification"]["ModelName"], ask(hosting).body) == ("old", b"old:x")


def test_a_failed_one_whose_variant_has_gone_is_described_and_takes_no_start_down(hosting: Hosting) -> None:
    endpoint(hosting)
    create(hosting, cores=99)
    settled(hosting)
    config(hosting, "other", VariantName="w")
    hosting.update("other")
    hosting.settle()
    assert described(hosting)["InferenceComponentStatus"] == "Failed"
    hosting.kill()
    restart(hosting)
    hosting.settle()
    assert described(hosting)["InferenceComponentStatus"] == "Failed"
    hosting.components.delete(US, {"InferenceComponentName": "c"})
    until(lambda: hosting.components.find("us-east-1", "c") is None)


def test_a_copy_that_dies_is_replaced(hosting: Hosting) -> None:
    endpoint(hosting)
    create(hosting)
    settled(hosting)
    hosting.hosts.running[0].die()
    hosting.components.copies.adjust()
    until(lambda: counts(hosting) == (1, 1))
    assert ask(hosting).status == 200


def test_a_reset_forgets_and_ends_all_of_them(hosting: Hosting) -> None:
    endpoint(hosting)
    create(hosting)
    settled(hosting)
    with hosting.components.emptied(), hosting.endpoints.emptied():
        hosting.store.reset()
    assert hosting.hosts.running == []
    assert hosting.components.all() == []


@pytest.mark.parametrize(
    ("variant", "said_"),
    [
        ({"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}, "ServerlessConfig is not supported"),
        ({"ManagedInstanceScaling": {**MANAGED, "MinInstanceCount": 2}}, "must be between MinInstanceCount"),
        ({"ManagedInstanceScaling": {"Status": "ENABLED"}}, "must have a MinInstanceCount"),
        ({"InstanceType": "ml.g7.2xlarge"}, "does not know how large"),
        ({"ModelName": "old", "ManagedInstanceScaling": MANAGED}, "only supported for inference component endpoints"),
    ],
)
def test_what_does_not_go_with_components_is_refused(hosting: Hosting, variant: dict[str, Any], said_: str) -> None:
    hosting.model("old")
    with pytest.raises(ApiError, match=said_):
        config(hosting, **variant)


def test_a_configuration_without_models_needs_a_role(hosting: Hosting) -> None:
    with pytest.raises(ApiError, match="ExecutionRoleArn is required"):
        config(hosting, role="")
