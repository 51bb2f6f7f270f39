"""Packages that were deployed and are kept: the last few, on this machine and in a bucket, complete or not at all."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import EngineError
from fogbank.contracts.manifest import OUTER_NAME, Manifest, load_manifest
from fogbank.ground.digest import folder_digests
from fogbank.project.packaging import fetched
from fogbank.project.packaging.images import recorded_image
from fogbank.project.packaging.package_images import PackageImages
from fogbank.project.versions import kept
from fogbank.testing import CloudProcess
from tests.projects import packed, with_image


@pytest.fixture
def package(tmp_path: Path) -> tuple[ProjectConfig, Manifest]:
    return packed(tmp_path / "p")


def elsewhere(config: ProjectConfig, root: Path) -> ProjectConfig:
    """The same project on another machine."""
    (root / ".fogbank").mkdir(parents=True)
    return replace(config, root=root)


def test_a_kept_package_is_found_by_its_digest_and_a_damaged_one_is_none(
    package: tuple[ProjectConfig, Manifest],
) -> None:
    config, manifest = package
    kept.keep(config, "local", manifest)
    config.package.rename(config.package.with_name("away"))
    found = kept.kept(config, manifest.artifact_sha256)

    assert found is not None
    assert found == manifest
    assert kept.kept(config, "0" * 64) is None
    statistics = found.statistics_path
    statistics.unlink()  # the file may be a link to the other's bytes
    statistics.write_bytes(b"{} ")
    assert kept.kept(config, manifest.artifact_sha256) is None


def test_only_the_last_few_stay(package: tuple[ProjectConfig, Manifest]) -> None:
    config, manifest = package
    kept.keep(config, "local", manifest)
    for number in range(kept.KEPT + 2):
        older = kept.folder_of(config, "local", f"{number:064}")
        older.mkdir()
        os.utime(older, (number, number))
    kept.keep(config, "local", manifest)
    names = {item.name for item in kept.folder_of(config, "local", "x").parent.iterdir()}

    assert len(names) == kept.KEPT
    assert manifest.artifact_sha256 in names
    assert f"{0:064}" not in names


def test_one_stacks_deployments_push_no_other_stacks_package_out(package: tuple[ProjectConfig, Manifest]) -> None:
    config, manifest = package
    kept.keep(config, "org/prod", manifest)
    for number in range(kept.KEPT + 2):
        kept.folder_of(config, "dev", f"{number:064}").mkdir(parents=True)
    kept.keep(config, "dev", replace(manifest, artifact_sha256="f" * 64))
    config.package.rename(config.package.with_name("away"))

    assert len(list(kept.folder_of(config, "dev", "x").parent.iterdir())) == kept.KEPT
    assert kept.kept(config, manifest.artifact_sha256) == manifest


def test_versions_are_kept_with_their_images_whose_layers_lie_on_the_disk_once(
    package: tuple[ProjectConfig, Manifest],
) -> None:
    config, manifest = package
    with_image(manifest)
    kept.keep(config, "dev", manifest)
    other = replace(manifest, folder=manifest.folder.with_name("another"))
    shutil.copytree(manifest.folder, other.folder)
    kept.keep(config, "prod", other)
    places = [kept.folder_of(config, stack, manifest.artifact_sha256) for stack in ("dev", "prod")]
    layers = [{item.stat().st_ino for item in (place / kept.BLOBS).iterdir()} for place in places]

    assert layers[0] == layers[1]
    assert folder_digests(places[0]) == folder_digests(places[1]) == folder_digests(manifest.folder)


def test_what_went_back_has_the_image_that_it_was_deployed_with(package: tuple[ProjectConfig, Manifest]) -> None:
    """Another fogbank, or another base, would build another one of the same package; and none of it is asked of a registry."""
    config, manifest = package
    with_image(manifest)
    kept.keep(config, "local", manifest)
    (config.package / "schema.json").write_text("{}")  # what is there now is another
    earlier = kept.kept(config, manifest.artifact_sha256)
    assert earlier is not None
    with kept.in_its_place(config, earlier):
        fetched.go_back(config)
        images = PackageImages()
        digest, uri = images.publish(config.package, "linux/amd64", "", "")

        assert images.content(config.package, "linux/amd64", "") == "1" * 64, "with_image's own key"
        assert images.exists(uri, "")
        recorded = recorded_image(load_manifest(config.package), "linux/amd64")
        assert recorded is not None
        assert digest == recorded.image.digest
        fetched.forget(config)
        assert not fetched.is_back(config)


def test_a_second_machine_fetches_it_from_the_bucket(
    package: tuple[ProjectConfig, Manifest], shared_cloud: CloudProcess, unique: str, tmp_path: Path
) -> None:
    config, manifest = package
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    kept.send(s3, unique, manifest)
    other = elsewhere(config, tmp_path / "other")

    assert kept.bring(s3, unique, other, "prod", "0" * 64) is False
    assert kept.bring(s3, unique, other, "prod", manifest.artifact_sha256) is True
    found = kept.kept(other, manifest.artifact_sha256)
    assert found == manifest

    s3.delete_object(Bucket=unique, Key=f"{kept.PREFIX}{manifest.artifact_sha256}/{OUTER_NAME}")
    assert kept.bring(s3, unique, other, "prod", manifest.artifact_sha256) is False, "what was not sent whole is none"


def test_the_bucket_keeps_the_last_few(
    package: tuple[ProjectConfig, Manifest], shared_cloud: CloudProcess, unique: str
) -> None:
    _, manifest = package
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    for number in range(kept.KEPT):
        s3.put_object(Bucket=unique, Key=f"{kept.PREFIX}{number:064}/{OUTER_NAME}", Body=b"")
    kept.send(s3, unique, manifest)
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=unique)["Contents"]]
    digests = {key.split("/")[1] for key in keys}

    assert len(digests) == kept.KEPT
    assert manifest.artifact_sha256 in digests


def test_what_has_arrived_is_not_sent_again(
    package: tuple[ProjectConfig, Manifest], shared_cloud: CloudProcess, unique: str
) -> None:
    _, manifest = package
    s3, key = shared_cloud.client("s3"), f"{kept.PREFIX}{manifest.artifact_sha256}/{manifest.artifact}"
    s3.create_bucket(Bucket=unique)
    kept.send(s3, unique, manifest)
    mark = b"0" * manifest.artifact_path.stat().st_size
    s3.put_object(Bucket=unique, Key=key, Body=mark)
    kept.send(s3, unique, manifest)

    assert s3.get_object(Bucket=unique, Key=key)["Body"].read() == mark


def test_who_declines_has_the_former_package_again(package: tuple[ProjectConfig, Manifest]) -> None:
    config, manifest = package
    kept.keep(config, "local", manifest)
    earlier = kept.kept(config, manifest.artifact_sha256)
    assert earlier is not None
    (config.package / "mark").write_text("the former")
    declined = tries(config, earlier, "up-declined")
    assert declined == (False, True), "not there while it was asked, and there again"
    assert tries(config, earlier, "up-failed") == (False, False), "what was tried stays, as with `up`"
    assert load_manifest(config.package) == manifest


def tries(config: ProjectConfig, earlier: Manifest, code: str) -> tuple[bool, bool]:
    """Whether the former package's mark was there while the earlier one was tried, and after that failed."""
    during = []

    def attempt() -> None:
        with kept.in_its_place(config, earlier):
            during.append((config.package / "mark").exists())
            raise EngineError(code, "no", "")

    with pytest.raises(EngineError):
        attempt()
    return during[0], (config.package / "mark").exists()
