"""Instances as containers, where podman or docker is present: the model's own image, its model data mounted read-only.

In: a Model's `Image` (a name that the engine can get, or `oci:<layout>@<digest>`, which fogbank's Image resource says where it has
no repository); out: a `Launcher`. An engine other than the one found is named by $FOGBANK_CONTAINER_ENGINE (a command with its
options, such as `podman --runtime runc`), further options of `run` by $FOGBANK_CONTAINER_OPTIONS.
"""

from __future__ import annotations

import io
import json
import shlex
import shutil
import subprocess
import sys
import tarfile
import threading
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from fogbank.cloud.hosting.instance import ON_A_LAPTOP, LaunchPlan, Spawned, StartError, spawn
from fogbank.contracts.container import BIND_LABEL, DEFAULT_PORT, ENV_PARENT_FD, LAYOUT_SCHEME
from fogbank.ground.digest import blob_path
from fogbank.ground.processes import beginning, run_bound

ENGINE, OPTIONS = "FOGBANK_CONTAINER_ENGINE", "FOGBANK_CONTAINER_OPTIONS"
ENGINES = ("podman", "docker")
PLACEHOLDER = "local/"
CLOUD_LABEL = "dev.fogbank.cloud"
LIFELINE = 3
"""The first descriptor after the standard ones, which is what podman's --preserve-fds passes on."""
MOVE = f"import os, sys; os.dup2(int(sys.argv[1]), {LIFELINE}); os.execvp(sys.argv[2], sys.argv[2:])"
"""A process that becomes the engine's, with the lifeline at the place where the engine looks for it."""
TIME_LIMIT_S = 600
FOLDERS = ("model", "models", "additional-model-data-sources")
"""What is mounted below /opt/ml, where it is there."""


class Containers:
    """The container engine, as one cloud uses it. `cloud` is the cloud's folder, which its containers are labelled with."""

    def __init__(self, command: Sequence[str], options: Sequence[str], cloud: Path) -> None:
        self._command, self._options, self._cloud = tuple(command), tuple(options), cloud
        self._lock = threading.Lock()
        self._getting: dict[str, threading.Lock] = {}

    @property
    def name(self) -> str:
        """The engine's name."""
        return Path(self._command[0]).name

    def launcher(self, image: str) -> ContainerLauncher:
        """A launcher of an image, which the engine then has. Raises StartError."""
        if image.startswith(PLACEHOLDER):
            raise StartError(
                f"the model's image {image} stands for the package itself, and this cloud runs containers: let the program "
                'build an Image (`pulumi config rm -s local fogbank:image`), or set `runtime = "process"` in [tool.fogbank]'
            )
        with self._lock:
            getting = self._getting.setdefault(image, threading.Lock())
        with getting:  # one image is got once, and keeps no other waiting
            name = self._loaded(image) if image.startswith(LAYOUT_SCHEME) else image
            labels = self._labels(name)
        return ContainerLauncher(self, name, binds=labels.get(BIND_LABEL) == "true")

    def remove_left(self) -> None:
        """Remove the containers that an earlier process of this cloud left."""
        left = self.run("ps", "--all", "--quiet", "--filter", f"label={CLOUD_LABEL}={self._cloud}", check=False).split()
        if left:
            self.run("rm", "--force", *left, check=False)

    def run(self, *arguments: str, check: bool = True) -> str:
        """What a command of the engine prints. Raises StartError with what it said."""
        try:
            done = run_bound([*self._command, *arguments], TIME_LIMIT_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StartError(f"{self._command[0]} {arguments[0]}: {error}") from error
        if check and done.returncode != 0:
            raise StartError(f"{self._command[0]} {arguments[0]}: {done.stderr.strip()[-1000:]}")
        return done.stdout.strip()

    def command_line(self, name: str, image: str, plan: LaunchPlan, port: int, *, binds: bool) -> list[str]:
        """`run` of an image for a plan. One that can be told its port has the host's network, behind loopback."""
        variables = {**ON_A_LAPTOP, **plan.environment, **({"SAGEMAKER_BIND_TO_PORT": str(port)} if binds else {})}
        folders = [name for name in FOLDERS if (plan.base_dir / name).is_dir()]
        network = ["--network=host", f"--preserve-fds={LIFELINE - 2}"] if binds and self.name == "podman" else []
        if network:
            variables[ENV_PARENT_FD] = str(LIFELINE)
        else:
            network = [f"--publish=127.0.0.1:{port}:{port if binds else DEFAULT_PORT}"]
        return [
            *self._command, "run", "--rm", "--name", name, f"--label={CLOUD_LABEL}={self._cloud}", *network,
            *(f"--volume={plan.base_dir / name}:/opt/ml/{name}:ro" for name in folders),
            *([f"--memory={plan.memory}"] if plan.memory else []),
            *(f"--env={key}={value}" for key, value in sorted(variables.items())),
            *self._options, image, "serve",
        ]  # fmt: skip

    def _labels(self, image: str) -> dict[str, str]:
        if not self._has(image):
            self.run("pull", "--quiet", image)
        labels: dict[str, str] | None = json.loads(self.run("inspect", "--format", "{{json .Config.Labels}}", image))
        return labels or {}

    def _has(self, image: str) -> bool:
        return bool(self.run("images", "--quiet", image, check=False))

    def _loaded(self, uri: str) -> str:
        """The name that the engine has an image of a layout by. Raises StartError."""
        folder, _, digest = uri.removeprefix(LAYOUT_SCHEME).rpartition("@")
        name = f"localhost/fogbank-{digest.partition(':')[2][:16]}:latest"
        if self._has(name):
            return name
        try:
            loading = subprocess.Popen(
                [*self._command, "load", "--quiet"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            with loading.stdin or io.BytesIO() as pipe:
                _write_archive(pipe, Path(folder), digest, name)
            stderr = loading.stderr.read().decode(errors="replace") if loading.stderr else ""
        except (OSError, ValueError, KeyError) as error:
            raise StartError(f"the image {uri} cannot be loaded: {error}") from error
        if loading.wait() != 0:
            raise StartError(f"the image {uri} cannot be loaded: {stderr.strip()[-1000:]}")
        return name


class ContainerLauncher:
    """Starts containers of one image."""

    def __init__(self, containers: Containers, image: str, *, binds: bool) -> None:
        self._containers, self._image, self._binds = containers, image, binds
        self._name = f"fogbank-{uuid.uuid4().hex[:12]}"

    def spawn(self, plan: LaunchPlan, port: int, log: IO[bytes]) -> Spawned:
        """The engine's own process, which passes signals on."""
        command = self._containers.command_line(self._name, self._image, plan, port, binds=self._binds)
        with beginning() as lifeline:
            return spawn(
                [sys.executable, "-ISc", MOVE, str(lifeline.inherited), *command],
                lifeline,
                log,
                start_new_session=True,  # the terminal's ctrl-C is the cloud's, not the containers'
            )

    def private(self, plan: LaunchPlan) -> bool:
        """Never: it is reached by its port."""
        return False

    def clean(self) -> None:
        """Remove what a killed engine process left running."""
        self._containers.run("rm", "--force", self._name, check=False)


def find_containers(environment: Mapping[str, str], cloud: Path) -> Containers:
    """The engine of this machine. Raises StartError where there is none."""
    named = shlex.split(environment.get(ENGINE, "")) or next(([name] for name in ENGINES if shutil.which(name)), [])
    if not named or shutil.which(named[0]) is None:
        raise StartError(
            'runtime = "container" needs podman or docker, and neither is on PATH: install one, or set runtime = "process"'
        )
    return Containers(named, shlex.split(environment.get(OPTIONS, "")), cloud)


def _write_archive(out: IO[bytes], layout: Path, digest: str, name: str) -> None:
    """One image of a layout as an archive that engines load: podman goes by one name in it, docker by the other."""
    manifest = json.loads(blob_path(layout, digest).read_bytes())
    names = {"org.opencontainers.image.ref.name": name, "io.containerd.image.name": name}
    described = {
        "mediaType": manifest["mediaType"],
        "digest": digest,
        "size": blob_path(layout, digest).stat().st_size,
        "annotations": names,
    }
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [described]}
    with tarfile.open(fileobj=out, mode="w|") as tar:
        _add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add(tar, "index.json", json.dumps(index).encode())
        for item in {digest, manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])}:
            tar.add(blob_path(layout, item), arcname=f"blobs/{item.replace(':', '/')}")


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
