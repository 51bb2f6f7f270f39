"""Shadow variants on instances in memory: what is copied, by which share, and that nobody but CloudWatch and the capture hears of it."""

from __future__ import annotations

import pytest

from fogbank.cloud.api.errors import ApiError
from tests.unit.cloud.hosting.conftest import US, Hosting
from tests.unit.cloud.hosting.test_runtime import CAPTURE
from tests.waiting import until


def shadowed(hosting: Hosting, weight: float, production: int = 1) -> None:
    """An endpoint of `old`, whose shadow is of `new`."""
    for name in ("old", "new"):
        hosting.model(name)
    shadow = {
        "VariantName": "s", "ModelName": "new", "InitialInstanceCount": 1, "InitialVariantWeight": weight,
    }  # fmt: skip
    hosting.config("c", ("v", "old", production, 1.0), ShadowProductionVariants=[shadow], DataCaptureConfig=CAPTURE)
    hosting.config("plain", ("v", "old", 1, 1.0))
    hosting.create("c")
    hosting.settle()


def asked(hosting: Hosting) -> int:
    return sum(instance.asked for instance in hosting.hosts.of("new").started)


def test_a_shadow_is_asked_its_share_and_answers_nobody(hosting: Hosting) -> None:
    shadowed(hosting, 0.5)
    assert hosting.share("old") == 1
    assert 50 < asked(hosting) < 150
    described = hosting.describe()
    [shadow] = described["ShadowProductionVariants"]
    assert (shadow["VariantName"], shadow["CurrentWeight"], shadow["CurrentInstanceCount"]) == ("s", 0.5, 1)
    assert [variant["VariantName"] for variant in described["ProductionVariants"]] == ["v"]


def test_its_answers_are_captured_under_its_own_name_and_its_failures_are_its_own(hosting: Hosting) -> None:
    shadowed(hosting, 1.0)
    assert hosting.share("old", 3) == 1
    until(lambda: asked(hosting) == 3)
    hosting.hosts.running[1].resets = True
    assert hosting.share("old", 2) == 1
    until(lambda: asked(hosting) == 5)
    hosting.recorder.flush()

    bodies = {key.split("/")[3]: body for key, body in hosting.bucket.objects.items()}
    assert (bodies["v"].count(b"\n"), bodies["s"].count(b"\n")) == (5, 3)


def test_weights_count_at_once_after_a_restart_too_and_an_update_ends_it(hosting: Hosting) -> None:
    shadowed(hosting, 1.0)
    params = {"EndpointName": "e", "DesiredWeightsAndCapacities": [{"VariantName": "s", "DesiredWeight": 0}]}
    hosting.endpoints.update_variants(US, params)
    hosting.settle()
    hosting.share("old", 5)
    assert asked(hosting) == 0
    params["DesiredWeightsAndCapacities"] = [{"VariantName": "s", "DesiredWeight": 3}]
    hosting.endpoints.update_variants(US, params)
    hosting.settle()
    hosting.kill()
    hosting.endpoints.start()
    hosting.settle()
    assert hosting.share("old", 5) == 1
    until(lambda: asked(hosting) == 5)
    hosting.update("plain")
    hosting.settle()

    until(lambda: not hosting.hosts.of("new").running)
    assert hosting.share("old", 5) == 1
    assert "ShadowProductionVariants" not in {key for key, value in hosting.describe().items() if value}


def test_there_is_one_shadow_of_one_variant(hosting: Hosting) -> None:
    hosting.model("old")
    shadow = {"VariantName": "s", "ModelName": "old", "InitialInstanceCount": 1}
    with pytest.raises(ApiError, match="you can only specify one variant for ProductionVariants"):
        hosting.config("two", ("v", "old", 1, 1.0), ("w", "old", 1, 1.0), ShadowProductionVariants=[shadow])
    with pytest.raises(ApiError, match="non-unique"):
        hosting.config("same", ("s", "old", 1, 1.0), ShadowProductionVariants=[shadow])
    with pytest.raises(ApiError, match="Could not find model"):
        hosting.config("none", ("v", "old", 1, 1.0), ShadowProductionVariants=[{**shadow, "ModelName": "none"}])
