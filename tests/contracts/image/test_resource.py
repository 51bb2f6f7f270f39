"""The Image resource: by the real engine, into a real registry; the digest reaches the model's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fogbank.components import Image, ModelService
from fogbank.contracts import tokens
from fogbank.contracts.errors import EngineError
from fogbank.contracts.manifest import Manifest
from fogbank.image import Layout, Registry, parse_reference
from fogbank.pack import build, read_trained
from fogbank.project.packaging.package_images import PackageImages
from fogbank.provider.fogbank import FogbankProvider
from fogbank.provider.resource import Failure, ProvisionError, UnknownTypeError
from fogbank.provider.shapes import UNKNOWN
from fogbank.testing import CloudProcess, Deployment
from tests.contracts.image.conftest import Packed
from tests.fakes.probe import Probe
from tests.projects import BASELINE, HANDLER, packed

Deploy = Callable[..., Deployment]


def program(package: Manifest, repository: str | None) -> Callable[[], dict[str, Any]]:
    def run() -> dict[str, Any]:
        image = Image("image", package=package, repository=repository)
        service = ModelService("churn", package=package, image=image.uri, force_destroy=True)
        return {"uri": image.uri, "digest": image.digest, "model": service.model_name}

    return run


def test_up_builds_and_pushes_and_hands_the_digest_on(
    local_cloud: CloudProcess, deploy: Deploy, bases: Layout, registry: str, tmp_path: Path
) -> None:
    project, manifest = packed(tmp_path / "project")
    repository = f"{registry}/churn"
    first = deploy(program(manifest, repository))

    digest = first.outputs["digest"]
    assert first.outputs["uri"] == f"{repository}@{digest}"
    assert Registry(parse_reference(f"{repository}@{digest}")).manifest(digest).descriptor.digest == digest
    described = local_cloud.client("sagemaker").describe_model(ModelName=first.outputs["model"])
    assert described["PrimaryContainer"]["Image"] == first.outputs["uri"]
    assert first.driver is not None
    assert first.driver.up(lambda _: None).changed is False
    assert first.driver.refresh(lambda _: None).changed is False

    mocked = deploy(program(manifest, None), mocks=True)
    assert mocked.outputs["digest"] == digest, "the mocks have fogbank's own provider too"

    (project.root / "handlers/inference.py").write_text(HANDLER + "\n# changed\n")
    changed = build(project, read_trained(project.trained), BASELINE, Probe())
    second = deploy(program(changed, repository))

    assert second.outputs["digest"] != digest
    assert second.outputs["uri"] == f"{repository}@{second.outputs['digest']}"
    assert second.outputs["model"] != first.outputs["model"]


def test_a_registry_that_is_away_is_one_readable_error(
    local_cloud: CloudProcess, deploy: Deploy, bases: Layout, tmp_path: Path
) -> None:
    _, manifest = packed(tmp_path / "project")
    with pytest.raises(EngineError, match=r"registry-unreachable: 127\.0\.0\.1:9 cannot be reached"):
        deploy(program(manifest, "127.0.0.1:9/churn"))


@pytest.fixture
def provider() -> FogbankProvider:
    return FogbankProvider(images=PackageImages(), version="0")


def test_inputs_that_are_wrong_are_refused_by_name(provider: FogbankProvider, churn: Packed, tmp_path: Path) -> None:
    good = {
        "package": str(churn.manifest.folder),
        "artifactSha256": "a",
        "packageSha256": "b",
        "platform": "linux/amd64",
    }

    assert provider.check(tokens.IMAGE, {**good, "size": 3}, {}, "i", b"")[1][0].property == "size"
    assert provider.check(tokens.IMAGE, {"package": "p", "platform": "linux/amd64"}, {}, "i", b"")[1] == [
        Failure("artifactSha256", "is required")
    ]
    assert (
        "package-missing" in provider.check(tokens.IMAGE, {**good, "package": str(tmp_path)}, {}, "i", b"")[1][0].reason
    )
    assert provider.check(tokens.IMAGE, {**good, "repository": UNKNOWN}, {}, "i", b"") == (
        {**good, "repository": UNKNOWN},
        [],
    )
    for wrong in (
        lambda: provider.check("fogbank:index:Other", good, {}, "i", b""),
        lambda: provider.invoke("fogbank:index:get", {}),
        lambda: provider.update(tokens.IMAGE, "id", {}, {}),
    ):
        with pytest.raises((UnknownTypeError, ProvisionError)):
            wrong()


def test_only_what_the_image_is_makes_another(provider: FogbankProvider) -> None:
    old = {"package": "/here", "content": "1", "platform": "linux/amd64", "profile": "me"}

    assert provider.diff(tokens.IMAGE, old, {**old, "package": "/there", "profile": "you"}).changed == ()
    assert provider.diff(tokens.IMAGE, old, {**old, "content": "2"}).replaces == ("content",)
    assert provider.preview(tokens.IMAGE, old)["uri"] == UNKNOWN


def test_without_a_repository_the_image_stays_in_its_layout(
    provider: FogbankProvider, bases: Layout, tmp_path: Path
) -> None:
    _, manifest = packed(tmp_path / "project")
    inputs = {"package": str(manifest.folder), "artifactSha256": "a", "packageSha256": "b", "platform": "linux/amd64"}
    uri, state = provider.create(tokens.IMAGE, inputs)

    assert uri == state["uri"] == f"oci:{manifest.folder}/image@{state['digest']}"
    assert provider.read(tokens.IMAGE, uri, inputs) == (inputs, {**inputs, "uri": uri, "digest": state["digest"]})
    assert provider.read(tokens.IMAGE, f"oci:{manifest.folder}/image@sha256:{'0' * 64}", inputs) is None
