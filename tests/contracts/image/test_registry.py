"""The way to a registry and back, against Debian's docker-registry: whole or not at all, and nothing is sent twice."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fogbank.contracts.errors import DigestError, RegistryError
from fogbank.ground.ports import free_port
from fogbank.image import (
    Attachment,
    Layout,
    Logins,
    Reference,
    Registry,
    attach,
    ecr_login,
    logins_for,
    parse_reference,
    pull,
    push,
)
from fogbank.image.layers import Entry, LayerStore
from fogbank.image.layout import CONFIG, INDEX, LAYER, MANIFEST, Descriptor, compact_json, platform_document
from fogbank.testing import CloudProcess
from tests.contracts.image.conftest import Packed
from tests.engines import docker_registry, needs
from tests.projects import small_project


def at(address: str, name: str = "churn:1") -> Reference:
    return parse_reference(f"{address}/{name}")


def small_image(folder: Path, *contents: bytes) -> tuple[Layout, Descriptor]:
    """An image of a layer for each content."""
    store, layout = LayerStore(folder / "store"), Layout(folder / "layout")
    layers = []
    for content in contents:
        layer = store.add([Entry(name="data", data=content)])
        layout.copy(store.blob(layer.digest), layer.digest)
        layers.append(Descriptor(media_type=LAYER, digest=layer.digest, size=layer.size).document())
    config = layout.put(compact_json({"os": "linux", "architecture": "amd64", "of": len(contents)}), CONFIG)
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config.document(), "layers": layers}
    image = layout.put(compact_json(manifest), MANIFEST)
    layout.write_index({"linux/amd64": image}, "small")
    return layout, image


def test_what_is_pushed_is_what_is_pulled_by_us_and_by_skopeo(churn: Packed, registry: str, tmp_path: Path) -> None:
    needs("skopeo")
    image = churn.layout.images()["linux/amd64"]
    said: list[str] = []

    assert push(churn.layout, image, Registry(at(registry)), tmp_path / "state", said.append) == image.digest
    assert any(" of 4" in line for line in said)
    pulled = pull(Registry(at(registry)), Layout(tmp_path / "pulled"), "linux/amd64")
    assert pulled.digest == image.digest
    for blob in (churn.layout.folder / "blobs/sha256").iterdir():
        there = tmp_path / "pulled/blobs/sha256" / blob.name
        assert not there.exists() or there.read_bytes() == blob.read_bytes()
    found = subprocess.run(
        ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", f"docker://{registry}/churn:1"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.strip() == image.digest


def test_only_what_changed_is_sent_again(registry: str, tmp_path: Path) -> None:
    layout, image = small_image(tmp_path / "one", b"kept", b"old")
    push(layout, image, Registry(at(registry)), tmp_path / "state")
    said: list[str] = []
    push(layout, image, Registry(at(registry)), tmp_path / "state", said.append)
    assert said == []

    changed, image = small_image(tmp_path / "two", b"kept", b"new")
    push(changed, image, Registry(at(registry)), tmp_path / "state", said.append)
    assert len(said) == 1
    assert list((tmp_path / "state").glob("*.json")) == []


def test_a_push_that_was_killed_goes_on_where_it_was(churn: Packed, registry: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fogbank", "push", f"{registry}/churn:1", "--platform", "linux/arm64"]
    uploads = churn.config.state / "uploads"
    # This registry gives an upload up that was cut within a piece; what it kept is asked for until a kill fell between two.
    while not any(_kept(note, registry) for note in uploads.glob("*.json")):
        process = subprocess.Popen(command, cwd=churn.config.root, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        assert any(" of 4" in line for line in process.stderr), "it was pushed whole before it could be killed"
        process.send_signal(signal.SIGKILL)
        process.communicate()

    done = subprocess.run(command, cwd=churn.config.root, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "goes on at" in done.stderr
    digest = churn.layout.images()["linux/arm64"].digest
    assert done.stdout.strip() == f"{registry}/churn@{digest}"
    assert Registry(at(registry)).manifest("1").descriptor.digest == digest
    assert list(uploads.glob("*.json")) == []


def _kept(note: Path, registry: str) -> bool:
    return Registry(at(registry)).upload_status(json.loads(note.read_bytes())["location"]) is not None


def test_an_upload_is_resumed_at_the_registrys_own_offset(registry: str, tmp_path: Path) -> None:
    client = Registry(at(registry))
    layout, image = small_image(tmp_path, os.urandom(3 << 20))
    layer = next(item for item in map(dict, layout.read(image)["layers"]))
    data = layout.blob(layer["digest"]).read_bytes()
    upload = client.begin_upload()
    sent = client.send_piece(upload, data[: 1 << 20])
    assert sent is not None

    found = client.upload_status(sent.location)
    assert found is not None
    assert found.offset == 1 << 20
    rest = client.send_piece(found, data[1 << 20 :])
    assert rest is not None
    client.end_upload(rest, layer["digest"])
    assert client.has_blob(layer["digest"])
    assert b"".join(client.blob(layer["digest"], 1 << 20)) == data[1 << 20 :]
    assert client.upload_status(sent.location) is None


def test_a_pull_that_was_interrupted_goes_on_and_a_part_that_is_damaged_is_noticed(
    registry: str, tmp_path: Path
) -> None:
    layout, image = small_image(tmp_path, os.urandom(2 << 20))
    push(layout, image, Registry(at(registry)), tmp_path / "state")
    digest = layout.read(image)["layers"][0]["digest"]
    data = layout.blob(digest).read_bytes()
    target = Layout(tmp_path / "pulled")
    part = target.blob(digest).with_name(f"{target.blob(digest).name}.part")
    part.parent.mkdir(parents=True)

    part.write_bytes(b"damaged" + data[7:1000])
    with pytest.raises(RegistryError, match="are others") as caught:
        pull(Registry(at(registry)), target, "linux/amd64")
    assert caught.value.code == "digest-mismatch"
    part.write_bytes(data[:1000])
    assert pull(Registry(at(registry)), target, "linux/amd64").digest == image.digest
    assert target.blob(digest).read_bytes() == data


def test_a_blob_that_is_damaged_on_either_side_is_noticed(tmp_path: Path) -> None:
    needs("docker-registry")
    layout, image = small_image(tmp_path, os.urandom(1 << 20))
    digest = layout.read(image)["layers"][0]["digest"]
    with docker_registry(tmp_path / "registry") as address:
        push(layout, image, Registry(at(address)), tmp_path / "state")
        stored = tmp_path / f"registry/data/docker/registry/v2/blobs/sha256/{digest[7:9]}/{digest[7:]}/data"
        flip(stored)
        with pytest.raises(RegistryError) as pulled:
            pull(Registry(at(address)), Layout(tmp_path / "pulled"), "linux/amd64")
        flip(layout.blob(digest))
        with pytest.raises(DigestError) as pushed:
            push(layout, image, Registry(at(address, "other:1")), tmp_path / "state")
        client = Registry(at(address, "other:1"))
        sent = client.send_piece(client.begin_upload(), layout.blob(digest).read_bytes())
        assert sent is not None
        with pytest.raises(RegistryError) as refused:
            client.end_upload(sent, digest)

    assert pulled.value.code == "digest-mismatch"
    assert digest[7:] in pushed.value.name
    assert refused.value.code == "digest-mismatch"
    assert not Layout(tmp_path / "pulled").blob(digest).exists()


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_registry_that_wants_a_login_gets_ecrs_through_boto3(shared_cloud: CloudProcess, tmp_path: Path) -> None:
    needs("docker-registry", "htpasswd")
    user, password = ecr_login("123456789012", "us-east-1", shared_cloud.client("ecr"))
    passwords = tmp_path / "passwords"
    subprocess.run(["htpasswd", "-Bbc", str(passwords), user, password], check=True, capture_output=True)
    layout, image = small_image(tmp_path, b"content")
    with docker_registry(tmp_path / "registry", passwords) as address:
        with pytest.raises(RegistryError) as nobody:
            push(layout, image, Registry(at(address)), tmp_path / "state")
        push(layout, image, Registry(at(address), Logins([(user, password)])), tmp_path / "state")

        auth = base64.b64encode(f"{user}:{password}".encode()).decode()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {address: {"auth": auth}}}))
        login = logins_for(at(address), {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path)})
        assert pull(Registry(at(address), login), Layout(tmp_path / "pulled"), "linux/amd64").digest == image.digest

    assert (nobody.value.code, nobody.value.exit_code) == ("registry-login-failed", 9)
    assert password not in str(nobody.value)


def test_credential_helpers_are_asked(tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-mine"
    helper.write_text('#!/bin/sh\nread host\necho "{\\"Username\\": \\"me\\", \\"Secret\\": \\"for $host\\"}"\n')
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {"host.example": "mine"}}))
    code = "import os; from fogbank.image import logins_for, parse_reference; print(logins_for(parse_reference('host.example/x'), os.environ).next())"
    env = {
        **os.environ,
        "DOCKER_CONFIG": str(tmp_path),
        "HOME": str(tmp_path),
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }

    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "('me', 'for host.example')"


def test_what_is_not_there_and_who_does_not_answer(registry: str, tmp_path: Path) -> None:
    layout, image = small_image(tmp_path, b"content")
    with pytest.raises(RegistryError) as missing:
        pull(Registry(at(registry, "nothing:1")), Layout(tmp_path / "pulled"), "linux/amd64")
    with pytest.raises(RegistryError) as away:
        push(layout, image, Registry(at(f"127.0.0.1:{free_port()}")), tmp_path / "state")

    assert (missing.value.code, away.value.code) == ("image-missing", "registry-unreachable")
    shutil.rmtree(tmp_path / "pulled", ignore_errors=True)


def test_an_index_gives_each_platform_its_own_image(bases: Layout, registry: str, tmp_path: Path) -> None:
    images = bases.images()
    for image in images.values():
        push(bases, image, Registry(at(registry)), tmp_path / "state")
    manifests = [
        {**image.document(), "platform": platform_document(platform)} for platform, image in sorted(images.items())
    ]
    index = compact_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests[1:]})
    Registry(at(registry)).put_manifest("several", index, INDEX)

    found = pull(Registry(at(registry, "churn:several")), Layout(tmp_path / "pulled"), "linux/arm64")
    assert found.digest == images["linux/arm64"].digest
    with pytest.raises(RegistryError, match="has linux/arm64, and not linux/amd64") as caught:
        pull(Registry(at(registry, "churn:several")), Layout(tmp_path / "other"), "linux/amd64")
    assert caught.value.code == "platform-missing"


@pytest.mark.parametrize("form", ["oci", "v2s2"])
def test_a_base_in_a_registry_is_pulled_in_either_format(
    bases: Layout, registry: str, tmp_path: Path, fogbank: Callable[..., subprocess.CompletedProcess[str]], form: str
) -> None:
    needs("skopeo")
    subprocess.run(
        ["skopeo", "copy", "--quiet", "--format", form, "--dest-tls-verify=false", f"oci:{bases.folder}:base-amd64",
         f"docker://{registry}/base:{form}"],
        check=True, capture_output=True,
    )  # fmt: skip
    root = small_project(tmp_path / "project", settings=f'base = "{registry}/base:{form}"\ntrain = "train"\n').root
    env = {"FOGBANK_CACHE": str(tmp_path / "cache")}

    done = fogbank(root, "pack", "--image", "--containerfile", "--json", **env)
    assert done.returncode == 0, done.stderr
    [image] = json.loads(done.stdout)["images"]
    layout = Layout(root / ".fogbank/package/image")
    manifest = layout.read(layout.images()["linux/amd64"])
    assert image["base"] == f"{registry}/base:{form}"
    assert {layer["mediaType"] for layer in manifest["layers"]} == {LAYER}
    below = manifest["annotations"]["org.opencontainers.image.base.digest"]
    lines = (root / ".fogbank/containerfile/amd64/Containerfile").read_text().splitlines()
    assert lines[0] == f"FROM --platform=linux/amd64 {registry}/base:{form}@{below}"


class Forgetful(BaseHTTPRequestHandler):
    """A registry that takes no piece at the place that it named itself."""

    def do_HEAD(self) -> None:
        self._say(404)

    def do_POST(self) -> None:
        self._say(202, "/v2/churn/blobs/uploads/1")

    def do_PATCH(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say(416)

    def _say(self, status: int, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if location:
            self.send_header("Location", location)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


def test_a_registry_that_loses_its_place_for_ever_is_an_error_not_a_loop(tmp_path: Path) -> None:
    layout, image = small_image(tmp_path, b"content")
    with ThreadingHTTPServer(("127.0.0.1", 0), Forgetful) as server:
        threading.Thread(target=server.serve_forever).start()
        with pytest.raises(RegistryError, match="loses its place") as caught:
            push(layout, image, Registry(at(f"127.0.0.1:{server.server_port}")), tmp_path / "state")
        server.shutdown()

    assert caught.value.code == "registry-refused"


def test_documents_are_attached_to_an_image_once_whether_the_registry_keeps_the_list_or_not(
    registry: str, tmp_path: Path
) -> None:
    """Debian's docker-registry does not: the list is under the tag of the image's digest."""
    layout, image = small_image(tmp_path, b"layer")
    there = Registry(at(registry, "attached:1"))
    push(layout, image, there, tmp_path / "state")
    documents = [
        Attachment(
            artifact_type=f"application/vnd.x{n}", media_type="application/json", name=f"{n}.json", data=b"%d" % n
        )
        for n in range(2)
    ]
    subject = there.manifest(image.digest).descriptor

    first = attach(there, subject, documents[:1])
    again = attach(there, subject, documents)

    assert again[0] == first[0]
    listed = json.loads(there.manifest(image.digest.replace(":", "-")).data)["manifests"]
    assert [item["digest"] for item in listed] == list(again)
    artifact = json.loads(there.manifest(again[1]).data)
    assert artifact["subject"]["digest"] == image.digest
    assert artifact["artifactType"] == listed[1]["artifactType"] == "application/vnd.x1"
    assert b"".join(there.blob(artifact["layers"][0]["digest"])) == b"1"
