"""Programs of the system that some tests need: podman, a registry, mmdebstrap. Where they are missing the tests are skipped,
except in CI, which sets FOGBANK_EVERY_TEST: there a missing program is a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from fogbank.contracts.config import running_python
from fogbank.contracts.dependencies import Target
from fogbank.ground.locks import locked
from fogbank.ground.ports import free_port
from fogbank.image import Layout, make_base
from fogbank.project.packaging.bases import bases_folder, layer_store
from tests.waiting import until


def needs(*programs: str) -> None:
    """Skip the test, or fail it in CI, where a program is not installed."""
    missing = [name for name in programs if shutil.which(name) is None]
    if missing and os.environ.get("FOGBANK_EVERY_TEST"):
        pytest.fail(f"CI must have {', '.join(missing)}")
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


def ensure_base(*platforms: str) -> Layout:
    """The bases of these platforms in fogbank's cache, made by mmdebstrap where they are missing."""
    layout = Layout(bases_folder(running_python()))
    with locked(layout.folder / ".lock"):  # several workers may want them
        there = layout.images() if (layout.folder / "index.json").is_file() else {}
        for platform in platforms:
            if platform not in there:
                needs("mmdebstrap")
                make_base(Target(platform=platform, python=running_python()), layer_store(), layout.folder, None)
    return layout


class Podman:
    """podman with a store of its own. runc works where crun does not (hybrid cgroups), vfs where overlay mounts do not."""

    LIMITS = ("--network=host", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        common = ["--runtime", "runc", "--cgroup-manager", "cgroupfs"]
        for driver in ("overlay", "vfs"):
            place = ["--root", str(folder / driver), "--runroot", str(folder / f"{driver}-run")]
            self.command = ["podman", "--storage-driver", driver, *place, *common]
            if subprocess.run([*self.command, "info"], capture_output=True, check=False).returncode == 0:
                break

    def run(self, *arguments: str, check: bool = True) -> str:
        """What a podman command prints."""
        done = subprocess.run([*self.command, *arguments], capture_output=True, text=True, check=False, timeout=300)
        assert not check or done.returncode == 0, f"podman {arguments}: {done.stderr}"
        return done.stdout.strip()

    def load(self, layout: Path) -> str:
        """Load an image from an OCI layout; its name."""
        archive = self._folder / "image.tar"
        subprocess.run(["tar", "cf", str(archive), "-C", str(layout), "."], check=True)
        said = self.run("load", "--quiet", "--input", str(archive))
        archive.unlink()
        return said.rpartition("Loaded image: ")[2]

    def close(self) -> None:
        """Remove what the store holds, its mounts too."""
        self.run("rm", "--all", "--force", check=False)
        self.run("rmi", "--all", "--force", check=False)


@contextmanager
def docker_registry(folder: Path, password_file: Path | None = None) -> Iterator[str]:
    """Debian's docker-registry on loopback, its blobs below `folder`; the host and port."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.yml"
    login = f"auth:\n  htpasswd:\n    realm: test\n    path: {password_file}\n" if password_file else ""
    config.write_text(
        f"version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {folder / 'data'}\n"
        f"http:\n  addr: 127.0.0.1:{port}\n{login}"
    )
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(config)], stdout=log, stderr=log, env=_environment({})
        )
    try:
        until(lambda: _answers(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text()
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "OTEL_TRACES_EXPORTER": "none", **more}


def _answers(port: int) -> bool:
    try:
        return urllib3.request("GET", f"http://127.0.0.1:{port}/v2/", retries=False, timeout=2).status in {200, 401}
    except urllib3.exceptions.HTTPError:
        return False
