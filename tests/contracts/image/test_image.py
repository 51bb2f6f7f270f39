"""The image: the same bytes any day and anywhere, right for its platform, and accepted by those who run images."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fogbank.contracts.config import running_python
from fogbank.contracts.dependencies import Target
from fogbank.contracts.errors import PackageError
from fogbank.ground import elf
from fogbank.ground.cache import cache_dir
from fogbank.ground.digest import sha256_bytes
from fogbank.image import LayerStore, Layout, make_base, open_base, write_containerfile
from fogbank.image.layers import Entry
from fogbank.image.layout import CONFIG, LAYER, MANIFEST, Descriptor, compact_json, descriptor
from fogbank.project.packaging.bases import layer_store
from fogbank.project.packaging.images import builds
from fogbank.project.workplace.config import load_config
from tests.contracts.image.conftest import Packed
from tests.engines import Podman, needs
from tests.projects import small_project

NOW, LATER = (), ("faketime", "2031-05-05 05:05:05")


OTHERS = {"TZ": "Pacific/Auckland", "PYTHONHASHSEED": "7", "LC_ALL": "C", "USER": "somebody"}


def pack_image(
    root: Path, cache: Path, date: tuple[str, ...], python: str = sys.executable, umask: int = 0o022, **env: str
) -> dict[str, object]:
    """`fogbank pack --image` with a cache of its own, in which there are bases alone."""
    cache.mkdir()
    (cache / "bases").symlink_to(cache_dir(os.environ) / "bases")
    done = subprocess.run(
        [*date, python, "-m", "fogbank", "pack", "--image", "--json"],
        cwd=root, env={**os.environ, "FOGBANK_CACHE": str(cache), **env}, umask=umask, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document: dict[str, object] = json.loads(done.stdout)
    return document


def test_two_builds_in_two_folders_on_two_dates_have_one_digest(tmp_path: Path, bases: Layout) -> None:
    needs("faketime")
    small_project(tmp_path / "first")
    (tmp_path / "elsewhere").mkdir()
    shutil.copytree(tmp_path / "first", tmp_path / "elsewhere/second", copy_function=shutil.copyfile)

    first = pack_image(tmp_path / "first", tmp_path / "cache-1", NOW)
    (tmp_path / "environment").symlink_to(sys.prefix)  # another place of the environment, as another person has
    python = str(tmp_path / "environment/bin/python")
    second = pack_image(tmp_path / "elsewhere/second", tmp_path / "cache-2", LATER, python, 0o077, **OTHERS)

    assert first["images"] == second["images"] != []
    assert first["artifact_sha256"] == second["artifact_sha256"]
    for name in ("sbom.cdx.json", "provenance.json", "image/index.json"):
        paths = [tmp_path / place / ".fogbank/package" / name for place in ("first", "elsewhere/second")]
        assert paths[0].read_bytes() == paths[1].read_bytes(), name
    again = pack_image(tmp_path / "first", tmp_path / "cache-3", LATER)
    assert again["images"] == first["images"]


def test_the_image_has_what_sagemaker_wants(churn: Packed) -> None:
    layout = churn.layout
    manifest = layout.read(layout.images()["linux/amd64"])
    config = layout.read(descriptor(manifest["config"]))

    said = config["config"]
    assert said["Entrypoint"] == ["/opt/fogbank/bin/python", "-P", "-m", "fogbank.serve"]
    assert said["Cmd"] == ["serve"]
    assert said["Labels"]["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"
    assert said["Labels"]["com.amazonaws.sagemaker.capabilities.multi-models"] == "true"
    assert "8080/tcp" in said["ExposedPorts"]
    assert "User" not in said  # SageMaker expects root
    assert f"FOGBANK_MANIFEST_SHA256={churn.manifest.package_sha256}" in said["Env"]
    assert len(manifest["layers"]) == len(config["rootfs"]["diff_ids"]) == 4
    assert all(item["mediaType"] == LAYER for item in manifest["layers"])


def files_of(layout: Layout, platform: str) -> Iterator[tuple[str, bytes]]:
    """The files of an image's own layers."""
    for item in layout.read(layout.images()[platform])["layers"][1:]:
        with tarfile.open(layout.blob(item["digest"])) as tar:
            for member in tar:
                stream = tar.extractfile(member) if member.isreg() else None
                if stream:
                    yield member.name, stream.read()


@pytest.mark.parametrize(("platform", "machine"), [("linux/amd64", "x86_64"), ("linux/arm64", "aarch64")])
def test_each_platforms_image_holds_its_own_wheels_made_without_emulation(
    churn: Packed, platform: str, machine: str
) -> None:
    machines, tags = set(), set()
    for name, data in files_of(churn.layout, platform):
        if data[:4] == b"\x7fELF":
            machines.add(elf.MACHINES[int.from_bytes(data[18:20], "little")])
        if name.endswith(".dist-info/WHEEL"):
            tags |= {line.rpartition("_")[2] for line in data.decode().splitlines() if "linux" in line}

    assert machines == {machine}
    assert tags == {machine.rpartition("_")[2]}


def test_a_compiled_package_needs_few_wheels_and_little_room(churn: Packed) -> None:
    assert churn.manifest.package.compilation.compiled
    for image in churn.images:
        assert image.wheels <= 15
        assert image.above_base <= 150e6
    assert sum(len(data) for _, data in files_of(churn.layout, "linux/amd64")) <= 150e6
    names = {name.partition("site-packages/")[2].partition("/")[0] for name, _ in files_of(churn.layout, "linux/amd64")}
    assert "onnxruntime" in names
    assert not {"sklearn", "scipy", "boto3", "pulumi", "moto"} & names


def test_skopeo_and_podman_accept_it(churn: Packed, podman: Podman) -> None:
    needs("skopeo")
    said = json.loads(
        subprocess.run(
            ["skopeo", "inspect", "--override-arch", "arm64", f"oci:{churn.layout.folder}:churn-arm64"],
            capture_output=True, text=True, check=True,
        ).stdout
    )  # fmt: skip
    name = podman.load(one_platform(churn, "linux/amd64"))

    assert said["Architecture"] == "arm64"
    assert podman.run("inspect", "--format", "{{.Digest}}", name) == churn.layout.images()["linux/amd64"].digest
    found = podman.run(
        "run", "--rm", *podman.LIMITS, "--entrypoint", "/opt/fogbank/bin/python", name, "-c",
        "import ssl, sys, fogbank.serve, onnxruntime; print(sys.prefix, len(ssl.create_default_context().get_ca_certs()) > 50)",
    )  # fmt: skip
    assert found == "/opt/fogbank True"


def one_platform(churn: Packed, platform: str) -> Path:
    """A layout with one of the images: podman loads archives of one."""
    folder = churn.config.state / f"only-{platform.rpartition('/')[2]}"
    if not folder.exists():
        shutil.copytree(churn.layout.folder, folder)
        Layout(folder).write_index({platform: churn.layout.images()[platform]}, "churn")
    return folder


def listing(podman: Podman, image: str, folder: Path) -> dict[str, tuple[str, int, str]]:
    """Every file of an image: kind, mode, and digest or link."""
    folder.mkdir()
    container = podman.run("create", image)
    podman.run("export", "--output", str(folder / "root.tar"), container)
    podman.run("rm", container)
    found = {}
    with tarfile.open(folder / "root.tar") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isreg() else None
            digest = sha256_bytes(stream.read()) if stream else member.linkname
            found[member.name.rstrip("/")] = (str(member.type), member.mode, digest)
    return found


def test_podman_builds_the_containerfile_into_the_same_files(churn: Packed, podman: Podman, tmp_path: Path) -> None:
    wanted = builds(churn.config, churn.manifest, ["linux/amd64"], lambda _: None)[0]
    path = write_containerfile(wanted, layer_store(), tmp_path / "context")
    podman.run("build", "--quiet", "--isolation", "chroot", "--tag", "by-podman", str(path.parent))
    ours = podman.load(one_platform(churn, "linux/amd64"))

    theirs = listing(podman, "by-podman", tmp_path / "theirs")
    assert theirs == listing(podman, ours, tmp_path / "ours")
    assert len(theirs) > 1000
    fields = " ".join(
        f"{{{{json .Config.{name}}}}}" for name in ("Env", "Entrypoint", "Cmd", "Labels", "ExposedPorts", "StopSignal")
    )
    by_podman, by_us = (podman.run("inspect", "--format", fields, name) for name in ("by-podman", ours))
    assert json_words(by_podman) >= json_words(by_us)


def json_words(text: str) -> set[str]:
    """The names and values in some JSON documents."""
    return {
        word for word in text.replace("[", ",").replace("{", ",").replace("]", ",").replace("}", ",").split(",") if word
    }


def test_a_base_that_does_not_do_says_why(tmp_path: Path) -> None:
    store = LayerStore(tmp_path / "store")
    target = Target(platform="linux/amd64", python="3.11")

    def base(*names: str, platform: str = "linux/amd64") -> Layout:
        layout = Layout(tmp_path / f"{names}".replace("/", "_"))
        layer = store.add([Entry(name=name, data=b"") for name in names])
        layout.copy(store.blob(layer.digest), layer.digest)
        config = layout.put(compact_json({"names": names}), CONFIG)
        blob = Descriptor(media_type=LAYER, digest=layer.digest, size=layer.size)
        manifest = {"config": config.document(), "layers": [blob.document()]}
        layout.write_index({platform: layout.put(compact_json(manifest), MANIFEST)}, "base")
        return layout

    for layout, code in (
        (base("lib/ld-musl-x86_64.so.1", "usr/local/bin/python3.11"), "base-without-glibc"),
        (base("lib/x86_64-linux-gnu/libc.so.6", "usr/bin/python3.13"), "base-without-python"),
        (base("usr/bin/python3.11", platform="linux/arm64"), "base-platform-missing"),
    ):
        with pytest.raises(PackageError) as caught:
            open_base(layout, "mine", target, tmp_path)
        assert caught.value.code == code
    both = base("usr/bin/python3.11", "usr/local/bin/python3.11", "usr/lib64/libc.so.6")
    assert open_base(both, "mine", target, tmp_path).python == "/usr/local/bin/python3.11"


def test_a_debian_base_knows_its_packages(churn: Packed, bases: Layout, tmp_path: Path) -> None:
    target = Target(platform="linux/arm64", python=running_python())
    base = open_base(bases, "debian", target, tmp_path)

    assert base.python == f"/usr/bin/python{running_python()}"
    assert {"libc6", "libgomp1", "ca-certificates"} <= {package.partition(" ")[0] for package in base.packages}
    with pytest.raises(PackageError) as caught:
        make_base(Target(platform="linux/amd64", python="3.7"), layer_store(), tmp_path / "none", None)
    assert caught.value.code == "base-python"


def test_a_hashed_requirements_file_gives_the_same_image(churn: Packed, bases: Layout, tmp_path: Path) -> None:
    from uv import find_uv_bin

    small_project(tmp_path / "project", locked=False)
    root = Path(__file__).parents[3]
    subprocess.run(
        [find_uv_bin(), "export", "--frozen", "--quiet", "--no-dev", "--no-emit-project", "-o", str(tmp_path / "project/requirements.txt")],
        cwd=root, check=True, capture_output=True,
    )  # fmt: skip
    config = load_config(tmp_path / "project")
    found = builds(config, churn.manifest, ["linux/arm64"], lambda _: None)[0]

    assert found.wheels == builds(churn.config, churn.manifest, ["linux/arm64"], lambda _: None)[0].wheels
