"""The way to Amazon ECR, and in a form that SageMaker takes: against a registry with ECR's documented behaviour."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from fogbank.contracts.errors import PackageError, RegistryError
from fogbank.image import Layout, Logins, Reference, Registry, logins_for, parse_reference, pull, push
from fogbank.image.layers import Entry, LayerStore
from fogbank.image.layout import CONFIG, DOCKER_MANIFEST, LAYER, MANIFEST, Descriptor, compact_json
from tests.engines import needs
from tests.fakes.ecr import EcrClient, ecr

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@dataclass(frozen=True)
class AtEcr(Reference):
    """A reference that stands for ECR's, at the address of this machine's."""

    place: str = ""

    @property
    def address(self) -> str:
        return self.place

    @property
    def local(self) -> bool:
        return True


def at(address: str, name: str = "churn", tag: str = "") -> Reference:
    return AtEcr(host=HOST, name=name, tag=tag, place=address)


def logged_in() -> Logins:
    return Logins([("AWS", "token-1")])


def image_of(folder: Path, *contents: bytes) -> tuple[Layout, Descriptor]:
    store, layout = LayerStore(folder / "store"), Layout(folder / "layout")
    layers, diff_ids = [], []
    for content in contents:
        layer = store.add([Entry(name="data", data=content)])
        layout.copy(store.blob(layer.digest), layer.digest)
        layers.append(Descriptor(media_type=LAYER, digest=layer.digest, size=layer.size).document())
        diff_ids.append(layer.diff_id)
    rootfs = {"type": "layers", "diff_ids": diff_ids}
    config = layout.put(compact_json({"os": "linux", "architecture": "amd64", "rootfs": rootfs}), CONFIG)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.document(),
        "layers": layers,
        "annotations": {"org.opencontainers.image.title": "churn"},
    }
    image = layout.put(compact_json(manifest), MANIFEST)
    layout.write_index({"linux/amd64": image}, "churn")
    return layout, image


def test_what_arrives_is_docker_schema_2_under_a_tag_and_its_own_digest(tmp_path: Path) -> None:
    layout, image = image_of(tmp_path, os.urandom(11 << 20), b"model")
    with ecr("churn") as (address, state):
        digest = push(layout, image, Registry(at(address), logged_in()), tmp_path / "state")

    kind, data = state.manifests[digest]
    document = json.loads(data)
    assert kind == document["mediaType"] == DOCKER_MANIFEST
    assert document["config"]["mediaType"] == "application/vnd.docker.container.image.v1+json"
    assert {layer["mediaType"] for layer in document["layers"]} == {"application/vnd.docker.image.rootfs.diff.tar.gzip"}
    assert "annotations" not in document
    assert digest == f"sha256:{hashlib.sha256(data).hexdigest()}" != image.digest
    assert state.manifests[f"fogbank-{digest[7:19]}"][1] == data  # lifecycle rules delete what has no tag
    assert layout.images()["linux/amd64"] == image  # the layout stays OCI
    assert (
        len([line for line in state.requests if line.startswith("PATCH")]) == 4
    )  # 8 MiB and the rest; two small blobs


def test_skopeo_and_podman_read_what_was_pushed(tmp_path: Path) -> None:
    needs("skopeo", "podman")
    layout, image = image_of(tmp_path, b"one")
    with ecr("churn") as (address, _):
        digest = push(layout, image, Registry(at(address), logged_in()), tmp_path / "state")
        name = f"{address}/churn@{digest}"
        login = ["--tls-verify=false", "--creds", "AWS:token-1"]
        raw = subprocess.run(
            ["skopeo", "inspect", "--raw", *login, f"docker://{name}"], capture_output=True, text=True, check=True
        )
        with tempfile.TemporaryDirectory(prefix="pod") as home:  # podman wants a short path
            store = ["podman", "--root", f"{home}/root", "--runroot", f"{home}/run", "--storage-driver", "vfs"]
            pulled = subprocess.run([*store, "pull", "-q", *login, name], capture_output=True, text=True, check=False)
            held = subprocess.run(
                [*store, "image", "inspect", "--format", "{{.Digest}} {{.ManifestType}}", name],
                capture_output=True, text=True, check=False,
            )  # fmt: skip

    assert json.loads(raw.stdout)["mediaType"] == DOCKER_MANIFEST
    assert held.stdout.split() == [digest, DOCKER_MANIFEST], pulled.stderr


def test_a_token_that_ends_in_the_middle_is_renewed(tmp_path: Path) -> None:
    layout, image = image_of(tmp_path, b"one", b"two")
    with ecr("churn") as (address, state):
        client = EcrClient(state)
        registry = Registry(at(address), logins_for(at(address), {"HOME": str(tmp_path)}, ecr_client=client))
        assert not registry.has_blob("sha256:" + "0" * 64)
        state.end_tokens("token-2")

        push(layout, image, registry, tmp_path / "state")

    assert client.calls == 2


def test_boto3_comes_before_what_docker_login_left_yesterday(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    stale = base64.b64encode(b"AWS:token-0").decode()
    (tmp_path / ".docker/config.json").write_text(json.dumps({"auths": {HOST: {"auth": stale}}}))
    layout, image = image_of(tmp_path, b"one")
    with ecr("churn") as (address, state):
        state.ended.add("token-0")
        logins = logins_for(at(address), {"HOME": str(tmp_path)}, ecr_client=EcrClient(state))
        push(layout, image, Registry(at(address), logins), tmp_path / "state")

    assert state.manifests


def test_without_aws_credentials_the_files_are_asked(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    good = base64.b64encode(b"AWS:token-1").decode()
    (tmp_path / ".docker/config.json").write_text(json.dumps({"auths": {HOST: {"auth": good}}}))

    class NoCredentials(EcrClient):
        def get_authorization_token(self, registryIds: list[str]) -> dict[str, object]:  # noqa: N803 - boto3's name
            raise RuntimeError("Unable to locate credentials")

    layout, image = image_of(tmp_path, b"one")
    with ecr("churn") as (address, state):
        logins = logins_for(at(address), {"HOME": str(tmp_path)}, ecr_client=NoCredentials(state))
        push(layout, image, Registry(at(address), logins), tmp_path / "state")
        state.end_tokens("token-2")
        again = logins_for(at(address), {"HOME": str(tmp_path)}, ecr_client=NoCredentials(state))
        with pytest.raises(RegistryError) as refusal:
            push(layout, image, Registry(at(address), again), tmp_path / "state")

    assert refusal.value.code == "registry-login-failed"
    assert "credentials" in refusal.value.cause


def test_an_upload_that_was_cut_off_begins_anew_since_ecr_does_not_say_how_far_it_came(tmp_path: Path) -> None:
    layout, image = image_of(tmp_path, os.urandom(11 << 20))
    said: list[str] = []

    def cut(line: str) -> None:
        said.append(line)
        if " 8 of" in line:
            raise KeyboardInterrupt

    with ecr("churn") as (address, state):
        with pytest.raises(KeyboardInterrupt):
            push(layout, image, Registry(at(address), logged_in()), tmp_path / "state", cut)
        push(layout, image, Registry(at(address), logged_in()), tmp_path / "state")

    assert any("GET /v2/churn/blobs/uploads/" in line for line in state.requests)
    assert len(state.manifests) == 2


def test_a_tag_that_may_not_be_moved_is_one_cause(tmp_path: Path) -> None:
    with ecr("churn") as (address, state):
        state.immutable = True
        one, first = image_of(tmp_path / "1", b"one")
        two, second = image_of(tmp_path / "2", b"two")
        push(one, first, Registry(at(address, tag="v1"), logged_in()), tmp_path / "state")
        push(one, first, Registry(at(address, tag="v1"), logged_in()), tmp_path / "state")  # the same: nothing to write
        with pytest.raises(RegistryError) as refusal:
            push(two, second, Registry(at(address, tag="v1"), logged_in()), tmp_path / "state")

    assert refusal.value.code == "tag-immutable"


def test_a_registry_that_is_busy_is_asked_again(tmp_path: Path) -> None:
    layout, image = image_of(tmp_path, b"one")
    with ecr("churn") as (address, state):
        registry = Registry(at(address), logged_in())
        registry.has_blob("sha256:" + "0" * 64)
        state.busy = 2
        push(layout, image, registry, tmp_path / "state")

    assert state.manifests


def test_a_repository_that_does_not_exist(tmp_path: Path) -> None:
    layout, image = image_of(tmp_path, b"one")
    with ecr("churn") as (address, _), pytest.raises(RegistryError) as refusal:
        push(layout, image, Registry(at(address, "other"), logged_in()), tmp_path / "state")

    assert "other" in refusal.value.cause
    assert "create-repository" in refusal.value.hint


def test_a_zstd_layer_has_no_name_there(tmp_path: Path) -> None:
    layout, image = image_of(tmp_path, b"one")
    document = layout.read(image)
    document["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.v1.tar+zstd"
    changed = layout.put(compact_json(document), MANIFEST)
    with ecr("churn") as (address, state), pytest.raises(PackageError) as refusal:
        push(layout, changed, Registry(at(address), logged_in()), tmp_path / "state")

    assert refusal.value.code == "base-layer-zstd"
    assert state.requests == []


def test_what_is_in_ecr_can_be_pulled_as_a_base(tmp_path: Path) -> None:
    layout, image = image_of(tmp_path, b"one")
    with ecr("churn") as (address, _):
        digest = push(layout, image, Registry(at(address, tag="v1"), logged_in()), tmp_path / "state")
        found = pull(Registry(at(address, tag="v1"), logged_in()), Layout(tmp_path / "pulled"), "linux/amd64")

    assert found.digest == digest


@pytest.mark.parametrize(
    ("host", "region"),
    [
        (HOST, "eu-west-1"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("123456789012.dkr-ecr.us-east-1.on.aws", "us-east-1"),
        ("123456789012.dkr-ecr-fips.us-east-1.on.aws", "us-east-1"),
        ("123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "cn-north-1"),
        ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
    ],
)
def test_ecrs_hosts_in_every_partition(host: str, region: str) -> None:
    assert parse_reference(f"{host}/churn:1").ecr == ("123456789012", region)


@pytest.mark.parametrize(
    "host", ["public.ecr.aws", "1234.dkr.ecr.eu-west-1.amazonaws.com", "dkr.ecr.amazonaws.com", "evil.example"]
)
def test_other_hosts_get_no_token_of_an_account(host: str) -> None:
    assert parse_reference(f"{host}/churn:1").ecr is None
