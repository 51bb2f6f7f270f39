"""Seconds for the reference model's image: with the layers' cache empty, with a changed model, and with nothing changed.

Beside it, in the same run, `podman build` of the Containerfile that has the same content (vfs or overlay, runc, chroot
isolation, no network). Aims: under 5 s from warm caches, under 0.5 s unchanged; at most 15 wheels and 150 MB above the base.
Needs a base (`fogbank base`) and, for the peer, podman.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from measure import FOGBANK, fogbank, project, ratio, tell, timed

from fogbank.contracts.config import running_python
from fogbank.ground.cache import cache_dir
from fogbank.project.packaging.bases import bases_folder

ROUNDS = 3


def image(root: Path) -> None:
    """`fogbank pack --image`, the whole command."""
    fogbank(root, "pack", "--image")


def change(root: Path, turn: int) -> None:
    """Another handler: one small layer is another."""
    handler = root / "handlers" / "inference.py"
    handler.write_text(handler.read_text() + f"\n# {turn}\n")


def forget_layers() -> None:
    """Remove what the store of layers holds; wheels stay in uv's cache, bases where they are."""
    shutil.rmtree(cache_dir(os.environ) / "layers", ignore_errors=True)


class Podman:
    """podman with a store of its own."""

    def __init__(self, folder: Path) -> None:
        for driver in ("overlay", "vfs"):
            self._command = ["podman", "--storage-driver", driver, "--root", str(folder / driver), "--runroot",
                             str(folder / f"{driver}-run"), "--runtime", "runc", "--cgroup-manager", "cgroupfs"]  # fmt: skip
            if subprocess.run([*self._command, "info"], capture_output=True, check=False).returncode == 0:
                break

    def build(self, context: Path, *options: str) -> None:
        """`podman build` of a context."""
        command = [*self._command, "build", "--quiet", "--isolation", "chroot", *options, "--tag", "peer", str(context)]
        subprocess.run(command, check=True, capture_output=True)

    def close(self) -> None:
        """Remove what it holds."""
        subprocess.run([*self._command, "rmi", "--all", "--force"], capture_output=True, check=False)


def main() -> None:
    """Measure and print."""
    if not (bases_folder(running_python()) / "index.json").is_file():
        if shutil.which("mmdebstrap") is None:
            print("no base, and no mmdebstrap to make one: nothing was measured")
            return
        subprocess.run([*FOGBANK, "base"], check=True)
    cold, changed, unchanged, peer_cold, peer_changed, peer_unchanged = ([] for _ in range(6))
    with project() as root, tempfile.TemporaryDirectory(prefix="fogpod-") as folder:
        podman = Podman(Path(folder)) if shutil.which("podman") else None
        context = root / ".fogbank" / "containerfile" / "amd64"
        fogbank(root, "train")
        fogbank(root, "pack")
        for turn in range(ROUNDS):
            forget_layers()
            cold.append(timed(image, root))
            change(root, turn)
            changed.append(timed(image, root))
            unchanged.append(timed(image, root))
            if podman:
                fogbank(root, "pack", "--containerfile")
                peer_cold.append(timed(podman.build, context, "--no-cache"))
                podman.build(context)
                change(root, turn + ROUNDS)
                fogbank(root, "pack", "--containerfile")
                peer_changed.append(timed(podman.build, context))
                peer_unchanged.append(timed(podman.build, context))
        if podman:
            podman.close()
        [said] = json.loads(fogbank(root, "pack", "--image", "--json"))["images"]
    tell("image, every layer made anew (wheels in uv's cache)", cold, 5.0)
    tell("image, a changed handler", changed, 5.0)
    tell("image, nothing changed", unchanged, 0.5)
    if peer_cold:
        ratio(
            "podman build of the same content to it: made anew", [b / a for a, b in zip(cold, peer_cold, strict=True)]
        )
        ratio("... a changed handler", [b / a for a, b in zip(changed, peer_changed, strict=True)])
        ratio("... nothing changed", [b / a for a, b in zip(unchanged, peer_unchanged, strict=True)])
    else:
        print("podman is not installed: no peer was measured")
    met = said["wheels"] <= 15 and said["above_base"] <= 150e6
    print(
        f"{said['wheels']} wheels, {said['above_base'] / 1e6:.1f} MB compressed above the base: {'met' if met else 'MISSED'}"
    )


if __name__ == "__main__":
    main()
