"""From pins to an installed tree: the one wheel of each that fits the target best, by the lock's own hash, unpacked by uv.

In: pins and a target, on any host; out: a folder like site-packages. Nothing of another architecture gets in, and nothing is
built from source: what has no wheel for the target is an error.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from fogbank.contracts.dependencies import MANYLINUX, Pin, Target, Wheel, WheelFile, linux_platforms
from fogbank.contracts.errors import PackageError
from fogbank.ground.digest import sha256_bytes
from fogbank.ground.elf import elf_machine
from fogbank.ground.folders import write_whole
from fogbank.ground.installer import NOTHING_BUILT, run_uv

TIME_LIMIT_S = 900


def choose_wheels(pins: Iterable[Pin], target: Target, cache: Path) -> tuple[Wheel, ...]:
    """The best wheel of each pin for the target. Raises PackageError (`wheel-missing`, `index-unreachable`)."""
    pins = list(pins)
    files = {pin.name: pin.wheels for pin in pins if pin.wheels}
    files |= _looked_up([pin for pin in pins if not pin.wheels], target, cache)
    rank = {tag: place for place, tag in enumerate(supported_tags(target))}
    return tuple(_best(pin, files.get(pin.name, ()), target, rank) for pin in pins)


def supported_tags(target: Target) -> list[Tag]:
    """The tags that the target takes, best first (PEP 425, PEP 600)."""
    version = tuple(int(part) for part in target.python.split("."))
    platforms = linux_platforms(target.machine)
    interpreter = f"cp{version[0]}{version[1]}"
    return [
        *cpython_tags(version, platforms=platforms),
        *compatible_tags(version, interpreter=interpreter, platforms=platforms),
    ]


def _best(pin: Pin, files: Sequence[WheelFile], target: Target, rank: dict[Tag, int]) -> Wheel:
    fitting = []
    for file in files:
        try:
            tags = parse_wheel_filename(file.filename)[3]
        except InvalidWheelFilename:
            continue
        places = [rank[tag] for tag in tags if tag in rank]
        if places and (pin.wheels or not pin.hashes or file.sha256 in pin.hashes):
            fitting.append((min(places), file.filename, file))
    if not fitting:
        has = ", ".join(sorted({file.filename.removesuffix(".whl").split("-")[-1] for file in files})[:8]) or "none"
        raise PackageError(
            "wheel-missing",
            f"{pin} has no wheel for {target.platform} and Python {target.python} (its wheels are for: {has})",
            "choose a version that has one, or build a wheel for that platform and lock it",
        )
    chosen = min(fitting)[2]
    return Wheel(
        name=pin.name,
        version=pin.version,
        filename=chosen.filename,
        sha256=chosen.sha256,
        url=chosen.url,
        path=chosen.path,
    )


def _looked_up(pins: Sequence[Pin], target: Target, cache: Path) -> dict[str, tuple[WheelFile, ...]]:
    """The files of pins whose lock names none, as the project's index has them; kept, since a release does not change."""
    if not pins:
        return {}
    lines = "".join(f"{pin}\n" for pin in pins)
    kept = cache / f"pylock.{sha256_bytes(f'{target}{lines}'.encode())[:20]}.toml"
    if not kept.is_file():
        with tempfile.TemporaryDirectory() as folder:
            requirements, lockfile = Path(folder) / "requirements.txt", Path(folder) / "pylock.toml"
            requirements.write_text(lines)
            uv(
                ["pip", "compile", "--quiet", "--no-deps", NOTHING_BUILT, "--format", "pylock.toml", *_for(target),
                 str(requirements), "-o", str(lockfile)],
            )  # fmt: skip
            write_whole(kept, lockfile.read_bytes())
    packages = tomllib.loads(kept.read_text())["packages"]
    return {str(canonicalize_name(package["name"])): tuple(map(_file, package["wheels"])) for package in packages}


def _file(item: dict[str, Any]) -> WheelFile:
    name = item.get("name") or str(item["url"]).rpartition("/")[2]
    return WheelFile(filename=name, sha256=item["hashes"]["sha256"], size=item.get("size", 0))


def install(wheels: Iterable[Wheel], target: Target, folder: Path) -> None:
    """Unpack the wheels into a folder, each under its hash. Raises PackageError (`index-unreachable`, `wheel-wrong-architecture`)."""
    requirements = folder.with_name(folder.name + ".txt")
    addresses = ((item, Path(item.path).as_uri() if item.path else item.url) for item in wheels)
    requirements.write_text("".join(f"{item.had_from(address)}\n" for item, address in addresses))
    uv(
        ["pip", "install", "--quiet", "--no-deps", NOTHING_BUILT, "--require-hashes", "--link-mode", "hardlink",
         *_for(target), "--target", str(folder), "-r", str(requirements)],
    )  # fmt: skip
    shutil.rmtree(folder / "bin", ignore_errors=True)  # scripts name this host's Python
    for path in folder.rglob("*.so*"):
        machine = elf_machine(path)
        if machine not in {None, target.machine}:
            raise PackageError(
                "wheel-wrong-architecture",
                f"{path.relative_to(folder)} is for {machine}, and the image is for {target.machine}",
                "its wheel is tagged wrongly: choose another version of that distribution",
            )


def _for(target: Target) -> list[str]:
    glibc = f"{MANYLINUX[0]}_{MANYLINUX[1]}"
    return ["--python-platform", f"{target.machine}-manylinux_{glibc}", "--python-version", target.python,
            "--python", sys.executable]  # fmt: skip


def uv(arguments: Sequence[str]) -> None:
    """Run uv, from its cache alone where the index is away. Raises PackageError (`index-unreachable`, `wheel-hash-differs`)."""
    done = None
    for extra in (["--offline"], []):  # the cache first: what is pinned by hash needs no question to the index
        done = run_uv([*arguments, *extra], TIME_LIMIT_S)
        if done.returncode == 0:
            return
    output = done.stderr.strip()[-1500:] if done else ""
    if "hash" in output.lower() and "mismatch" in output.lower():
        raise PackageError(
            "wheel-hash-differs", output, "the index serves other bytes than were locked: do not use them"
        )
    raise PackageError(
        "index-unreachable",
        f"the wheels cannot be had: {output}",
        "look at the package index, or pack where it is reachable",
    )
