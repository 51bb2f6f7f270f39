"""The seal of a package: its bill of materials and its provenance, signed where there is a key.

In: a package, and what its images are made of; out: the file that holds the provenance.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.dependencies import Wheel
from fogbank.contracts.errors import TrustError
from fogbank.contracts.manifest import Manifest
from fogbank.contracts.materials import Material
from fogbank.ground.digest import canonical_json
from fogbank.ground.folders import write_whole
from fogbank.project.workplace.events import Steps
from fogbank.project.workplace.installation import fogbank_version

if TYPE_CHECKING:
    from fogbank.image import Build
    from fogbank.trust import Verified

SIGNING_KEY, SIGNING_PASSPHRASE = "FOGBANK_SIGNING_KEY", "FOGBANK_SIGNING_PASSPHRASE"


def signing_key(path: Path | None) -> Path | None:
    """The key that is named, else $FOGBANK_SIGNING_KEY, else none."""
    fallback = os.environ.get(SIGNING_KEY)
    return path or (Path(fallback) if fallback else None)


def seal_package(config: ProjectConfig, manifest: Manifest, plans: Sequence[Build], key: Path | None) -> Path:
    """Write bill of materials and provenance into the package's folder; the latter's path. Raises TrustError."""
    from fogbank.trust import BOM, bill_of_materials, private_key, seal, statement

    signer = private_key(key, os.environ.get(SIGNING_PASSPHRASE)) if key else None
    materials = _materials(manifest, plans)
    write_whole(manifest.folder / BOM, canonical_json(bill_of_materials(manifest, materials, fogbank_version())))
    for old in manifest.folder.glob("provenance*.json"):
        old.unlink()
    parameters = {
        "name": config.name,
        "method": config.method,
        "compile": config.compile,
        "platforms": [plan.target.platform for plan in plans],
        "base": [plan.base.name for plan in plans],
    }
    document = statement(manifest.folder, materials, parameters, fogbank_version(), _commit(config.root))
    return seal(manifest.folder, document, signer)


def verify_package(folder: Path, key: Path | None, steps: Steps, *, unsigned: bool = False) -> Verified:
    """Check every file of a package's folder against its seal, signed with a public key. Raises TrustError."""
    from fogbank.trust import public_key, verify

    if key is None and not unsigned:
        raise TrustError(
            "key-missing",
            "no public key is given",
            "give the signer's: `--key fogbank.pub`; or `--unsigned` for the digests alone",
        )
    with steps("verify") as step:
        verified = verify(folder, public_key(key) if key else None)
        signer = f"signed by {verified.key[:16]}" if verified.key else "digests only: nobody's signature was checked"
        step.done(f"{verified.files} files, {signer}")
    return verified


def is_sealed(folder: Path) -> bool:
    """Whether every file of a package is the one that was sealed, and there is no other."""
    from fogbank.trust import verify

    try:
        verify(folder, None)
    except TrustError:
        return False
    return True


def require_signature(config: ProjectConfig, steps: Steps) -> None:
    """The package is signed as `require_signature` in [tool.fogbank] says, where it says so. Raises TrustError."""
    if config.require_signature is None:
        return
    try:
        verify_package(config.package, config.require_signature, steps)
    except TrustError as error:
        raise TrustError(
            error.code,
            f"[tool.fogbank] requires a signature, and the package has none that holds: {error.cause}",
            "`fogbank pack --sign KEY`, then `fogbank up --packed`; or take `require_signature` out",
        ) from error


def _materials(manifest: Manifest, plans: Sequence[Build]) -> list[Material]:
    if not plans:
        pins = (pin.partition("==") for pin in manifest.package.requirements)
        return [Material(kind="pypi", name=name, version=version) for name, _, version in pins]
    materials = []
    for plan in plans:
        base = plan.base
        digest = base.manifest.digest.partition(":")[2]
        materials.append(Material(kind="oci", name=base.name, version=base.manifest.digest, sha256=digest))
        materials += [_wheel(wheel) for wheel in plan.wheels]
        for package in base.packages:
            name, _, version = package.partition(" ")
            architecture = plan.target.architecture
            materials.append(Material(kind="deb", name=name, version=version, architecture=architecture))
    return materials


def _wheel(wheel: Wheel) -> Material:
    return Material(kind="pypi", name=wheel.name, version=wheel.version, sha256=wheel.sha256, filename=wheel.filename)


def _commit(root: Path) -> str:
    """The project's git commit, empty where there is none."""
    try:
        process = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return process.stdout.strip() if process.returncode == 0 else ""
