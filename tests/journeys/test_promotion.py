"""A package is built once and promoted by its digest: deployed where nothing was trained, signed as it was, and found unchanged by a second
machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import load_manifest
from fogbank.project.packaging.seal import seal_package
from fogbank.project.workplace.config import load_config
from tests.engines import docker_registry, needs
from tests.projects import with_image

Fogbank = Callable[..., subprocess.CompletedProcess[str]]


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def require(project: Path, key: Ed25519PrivateKey, repository: str) -> None:
    """Have the project require this key's signature, and its stack push the image to a repository."""
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (project / "signer.pub").write_bytes(public)
    settings = project / "pyproject.toml"
    table = '[tool.fogbank]\nrequire_signature = "signer.pub"\n'
    settings.write_text(settings.read_text().replace("[tool.fogbank]\n", table, 1))
    file = project / "Pulumi.local.yaml"
    stack = yaml.safe_load(file.read_text())
    stack["config"].pop("fogbank:image")
    stack["config"]["fogbank:repository"] = repository
    file.write_text(yaml.safe_dump(stack))


def signed_with_an_image(project: Path, key: Ed25519PrivateKey) -> None:
    """As `fogbank pack --image --sign` leaves a package, with an image of one small layer."""
    private = project.parent / "team.key"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    manifest = load_manifest(project / ".fogbank" / "package")
    with_image(manifest)
    seal_package(load_config(project), manifest, (), private)


def test_a_package_is_built_once_and_deployed_by_its_digest_where_nothing_was_trained(
    project: Path, fogbank: Fogbank, fogbank_project: ProjectConfig, tmp_path: Path
) -> None:
    needs("docker-registry")
    sample = fogbank_project.trained / "sample.csv"
    key = Ed25519PrivateKey.generate()
    with docker_registry(tmp_path / "registry") as address:
        require(project, key, f"{address}/serving")
        second = tmp_path / "second" / "churn"
        shutil.copytree(project, second)
        shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
        ok(fogbank(project, "pack"))
        signed_with_an_image(project, key)
        built = load_manifest(project / ".fogbank" / "package").artifact_sha256
        reference = ok(fogbank(project, "publish", f"{address}/packages")).strip()

        ok(fogbank(second, "fetch", reference))
        ok(fogbank(second, "up"))
        assert not (second / ".fogbank" / "trained").exists(), "nothing was trained"
        assert load_manifest(second / ".fogbank" / "package").artifact_sha256 == built
        assert ok(fogbank(second, "verify")) == "ok\n", "and it is signed as it was"
        answer = ok(fogbank(second, "invoke", "live", str(sample)))
        ok(fogbank(second, "cloud", "stop"))

        third = second.rename(tmp_path / "third")  # the stack's state and its cloud, found by another machine
        shutil.rmtree(third / ".fogbank" / "package")
        unfinished = fogbank(third, "up")
        assert (unfinished.returncode, "fetch-unfinished" in unfinished.stderr) == (3, True)
        ok(fogbank(third, "fetch", reference))
        try:
            ok(fogbank(third, "preview", "--expect-no-changes"))
            assert ok(fogbank(third, "invoke", "live", str(sample))) == answer
        finally:
            fogbank(third, "cloud", "stop")
