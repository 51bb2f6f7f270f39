"""How the rooms pack, image and trust are put together for a project: a base, an image for each platform, and the seal."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.dependencies import Target, Wheel
from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import Manifest
from fogbank.contracts.materials import Material
from fogbank.ground.digest import canonical_json
from fogbank.project.installation import cached, fogbank_version

if TYPE_CHECKING:
    from fogbank.image import Base, Build, BuiltImage, LayerStore

Tell = Callable[[str], None]
IMAGE = "image"
RECORD = "image.json"
SIGNING_KEY, SIGNING_PASSPHRASE = "FOGBANK_SIGNING_KEY", "FOGBANK_SIGNING_PASSPHRASE"


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image of the project in its layout, for one platform. `above_base` are the bytes of its own layers, compressed."""

    platform: str
    digest: str
    base: str
    wheels: int
    above_base: int


def store() -> LayerStore:
    """This user's layers."""
    from fogbank.image import LayerStore

    return LayerStore(cached("layers"))


def made_bases() -> Path:
    """Where `fogbank base` leaves a base, by Python."""
    return cached("bases")


def base_for(config: ProjectConfig, target: Target, tell: Tell) -> Base:
    """The base of a project's image: the one that is set, else what `fogbank base` made, else Python's own from its registry.

    Raises PackageError, RegistryError.
    """
    from fogbank.image import Layout, open_base

    cache = cached("layers")
    if config.base and (config.root / config.base / "index.json").is_file():
        return open_base(Layout(config.root / config.base), config.base, target, cache)
    made = Layout(made_bases() / target.python)
    if not config.base and (made.folder / "index.json").is_file() and target.platform in made.images():
        return open_base(made, f"debian-python{target.python}", target, cache)
    return _pulled(config.base or f"python:{target.python}-slim", target, cache, tell)


def _pulled(text: str, target: Target, cache: Path, tell: Tell) -> Base:
    """A base from a registry: what a digest names is fetched once, a tag once until its folder is removed."""
    from fogbank.image import Layout, Registry, logins_for, open_base, parse_reference, pull

    reference = parse_reference(text)
    folder = cached("pulled") / re.sub(r"[^\w.-]", "_", f"{reference}-{target.platform}")
    layout = Layout(folder)
    if not (folder / "index.json").is_file():
        tell(f"pulling {reference}")
        pull(Registry(reference, logins_for(reference, os.environ)), layout, target.platform, tell)
    name = f"{reference.host}/{reference.name}" + (f":{reference.tag}" if reference.tag else "")
    return open_base(layout, name, target, cache, pulled=True)


def builds(config: ProjectConfig, manifest: Manifest, platforms: Sequence[str], tell: Tell) -> list[Build]:
    """What the images of a package are made of. Raises PackageError, RegistryError."""
    from fogbank.image import Build

    found = []
    for platform in platforms:
        target = Target(platform=platform, python=manifest.package.python)
        wheels = wheels_for(config, manifest, target)
        found.append(Build(package=manifest, base=base_for(config, target, tell), target=target, wheels=wheels))
    return found


def wheels_for(config: ProjectConfig, manifest: Manifest, target: Target) -> tuple[Wheel, ...]:
    """The wheels of a package's image, its own dependencies' and the server's. Raises PackageError."""
    from fogbank.image import choose_wheels
    from fogbank.pack import image_pins

    return choose_wheels(image_pins(config, manifest, target), target, cached("layers"))


def build_images(manifest: Manifest, wanted: Sequence[Build], tell: Tell) -> list[Image]:
    """The package's images, in the layout inside its folder; those that are there already stay as they are.

    Raises PackageError.
    """
    from fogbank.image import Layout, build_image, image_key

    key = image_key(wanted)
    there = _there(manifest.folder, key)
    if there is not None:
        return there
    with tempfile.TemporaryDirectory(dir=manifest.folder.parent, prefix="image-") as work:
        layout = Layout(Path(work) / IMAGE)
        made: list[BuiltImage] = []
        for build in wanted:
            tell(f"{build.target.platform}: {len(build.wheels)} wheels on {build.base.name}")
            made.append(build_image(build, store(), layout))
        layout.write_index({item.platform: item.manifest for item in made}, manifest.name)
        images = [
            Image(platform=item.platform, digest=item.digest, base=build.base.name, wheels=len(build.wheels),
                  above_base=item.above_base)
            for item, build in zip(made, wanted, strict=True)
        ]  # fmt: skip
        shutil.rmtree(manifest.folder / IMAGE, ignore_errors=True)
        layout.folder.rename(manifest.folder / IMAGE)
    said = {"key": key, "images": [asdict(item) for item in images]}
    (manifest.folder / RECORD).write_bytes(canonical_json(said))
    return images


def _there(folder: Path, key: str) -> list[Image] | None:
    """The images that were made under this key, if the layout is still there."""
    try:
        said = json.loads((folder / RECORD).read_bytes())
    except (OSError, ValueError):
        return None
    if said["key"] != key or not (folder / IMAGE / "index.json").is_file():
        return None
    return [Image(**item) for item in said["images"]]


def seal_package(config: ProjectConfig, manifest: Manifest, wanted: Sequence[Build], key: Path | None) -> Path:
    """Write the bill of materials and the provenance into the package's folder, signed where there is a key; the latter's path.

    Raises TrustError.
    """
    from fogbank.trust import BOM, bill_of_materials, private_key, seal, statement

    signer = private_key(key, os.environ.get(SIGNING_PASSPHRASE)) if key else None
    found = _materials(manifest, wanted)
    (manifest.folder / BOM).write_bytes(canonical_json(bill_of_materials(manifest, found, fogbank_version())))
    for old in manifest.folder.glob("provenance*.json"):
        old.unlink()
    parameters = {
        "name": config.name,
        "method": config.method,
        "compile": config.compile,
        "platforms": [item.target.platform for item in wanted],
        "base": [item.base.name for item in wanted],
    }
    document = statement(manifest.folder, found, parameters, fogbank_version(), _commit(config.root))
    return seal(manifest.folder, document, signer)


def _materials(manifest: Manifest, wanted: Sequence[Build]) -> list[Material]:
    if not wanted:
        pins = (pin.partition("==") for pin in manifest.package.requirements)
        return [Material(kind="pypi", name=name, version=version) for name, _, version in pins]
    found = []
    for item in wanted:
        base = item.base
        digest = base.manifest.digest.partition(":")[2]
        found.append(Material(kind="oci", name=base.name, version=base.manifest.digest, sha256=digest))
        found += [_wheel(wheel) for wheel in item.wheels]
        for package in base.packages:
            name, _, version = package.partition(" ")
            found.append(Material(kind="deb", name=name, version=version, architecture=item.target.architecture))
    return found


def _wheel(wheel: Wheel) -> Material:
    return Material(kind="pypi", name=wheel.name, version=wheel.version, sha256=wheel.sha256, filename=wheel.filename)


def _commit(root: Path) -> str:
    """The project's git commit, empty where there is none."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def signing_key(given: str | None) -> Path | None:
    """The key that was given, else $FOGBANK_SIGNING_KEY, else none."""
    named = given or os.environ.get(SIGNING_KEY)
    return Path(named) if named else None


def packed_platforms(manifest: Manifest) -> tuple[str, ...]:
    """The platforms whose images lie in the package's folder."""
    from fogbank.image import Layout

    folder = manifest.folder / IMAGE
    return tuple(Layout(folder).images()) if (folder / "index.json").is_file() else ()


def image_of(manifest: Manifest, platform: str) -> str:
    """The digest of the package's image for a platform. Raises PackageError (`image-not-packed`)."""
    from fogbank.image import Layout

    folder = manifest.folder / IMAGE
    images = Layout(folder).images() if (folder / "index.json").is_file() else {}
    if platform not in images:
        raise PackageError(
            "image-not-packed",
            f"the package has no image for {platform}",
            f"run `fogbank pack --image --platform {platform}`",
        )
    return images[platform].digest


def push_image(
    config: ProjectConfig, manifest: Manifest, named: str, platform: str, tell: Tell, profile: str = ""
) -> str:
    """Push one platform's image; `host/name@sha256:...`. `profile` is AWS's, for ECR. Raises PackageError, RegistryError."""
    from fogbank.image import Layout, Registry, logins_for, parse_reference
    from fogbank.image import push as send

    image_of(manifest, platform)
    layout = Layout(manifest.folder / IMAGE)
    reference = parse_reference(named)
    registry = Registry(reference, logins_for(reference, os.environ, profile))
    digest = send(layout, layout.images()[platform], registry, config.state / "uploads", tell)
    return f"{reference.host}/{reference.name}@{digest}"
