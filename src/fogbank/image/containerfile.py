"""An ordinary Containerfile with the same content, for those who prefer their own builder.

In: a build; out: a folder to give to `podman build` or `docker build`: the layers as archives, which ADD unpacks, and what the
image's configuration says as instructions. It needs no network.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from fogbank.image.build import Build, image_config, image_layers
from fogbank.image.layers import LayerStore, copy_checked

ARCHIVES = ("dependencies.tar.gz", "server.tar.gz", "model.tar.gz")


def write_containerfile(build: Build, store: LayerStore, folder: Path) -> Path:
    """Write the folder whole; the Containerfile's path. A base that is only here comes along as an archive. Raises PackageError."""
    layers = image_layers(build, store)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".containerfile-") as work:
        fresh = Path(work) / "context"
        fresh.mkdir()
        for name, layer in zip(ARCHIVES, layers, strict=True):
            copy_checked(store.blob(layer.digest), fresh / name, layer.digest)
        below = _base_lines(build, fresh)
        (fresh / "requirements.txt").write_text("".join(f"{item.requirement}\n" for item in build.wheels))
        (fresh / "Containerfile").write_text("\n".join([*below, *_own_lines(build)]) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    return folder / "Containerfile"


def _base_lines(build: Build, folder: Path) -> list[str]:
    if build.base.pulled:
        return [f"FROM --platform={build.target.platform} {build.base.name}@{build.base.manifest.digest}"]
    lines = [f"# the base is {build.base.name}, which is in no registry", "FROM scratch"]
    for number, item in enumerate(build.base.layers):
        copy_checked(build.base.layout.blob(item.digest), folder / f"base-{number}.tar.gz", item.digest)
        lines.append(f"ADD base-{number}.tar.gz /")
    return lines


def _own_lines(build: Build) -> list[str]:
    config = image_config(build, ())["config"]
    check = config["Healthcheck"]
    comments = (
        f"# {len(build.wheels)} wheels, by name and hash in requirements.txt",
        "# fogbank's server",
        f"# the package {build.package.artifact_sha256[:12]}, at /opt/ml/model",
    )
    added = [line for comment, name in zip(comments, ARCHIVES, strict=True) for line in (comment, f"ADD {name} /")]
    return [
        *added,
        *(f"ENV {name}={json.dumps(value)}" for name, _, value in (item.partition("=") for item in config["Env"])),
        *(f"LABEL {name}={json.dumps(value)}" for name, value in sorted(config["Labels"].items())),
        *(f"EXPOSE {port}" for port in config["ExposedPorts"]),
        f"STOPSIGNAL {config['StopSignal']}",
        f"WORKDIR {config['WorkingDir']}",
        "HEALTHCHECK "
        + " ".join(
            f"--{name}={check[key] // 10**9}s"
            for name, key in (("interval", "Interval"), ("timeout", "Timeout"), ("start-period", "StartPeriod"))
        )
        + f" CMD {json.dumps(check['Test'][1:])}",
        f"ENTRYPOINT {json.dumps(config['Entrypoint'])}",
        f"CMD {json.dumps(config['Cmd'])}",
    ]
