"""Packages that were deployed and are kept: the last few, on this machine and in a bucket, complete or not at all."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import EngineError
from fogbank.contracts.manifest import OUTER_NAME, Manifest, load_manifest
from fogbank.project import kept
from fogbank.testing import CloudProcess
from tests.projects import packed


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
    kept.keep(config, manifest)
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
    kept.keep(config, manifest)
    for number in range(kept.KEPT + 2):
        older = kept.folder_of(config, f"{number:064}")
        older.mkdir()
        os.utime(older, (number, number))
    kept.keep(config, manifest)
    names = {item.name for item in kept.folder_of(config, "x").parent.iterdir()}

    assert len(names) == kept.KEPT
    assert manifest.artifact_sha256 in names
    assert f"{0:064}" not in names


def test_a_second_machine_fetches_it_from_the_bucket(
    package: tuple[ProjectConfig, Manifest], shared_cloud: CloudProcess, unique: str, tmp_path: Path
) -> None:
    config, manifest = package
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    kept.send(s3, unique, manifest)
    other = elsewhere(config, tmp_path / "other")

    assert kept.bring(s3, unique, other, "0" * 64) is False
    assert kept.bring(s3, unique, other, manifest.artifact_sha256) is True
    found = kept.kept(other, manifest.artifact_sha256)
    assert found == manifest

    s3.delete_object(Bucket=unique, Key=f"{kept.PREFIX}{manifest.artifact_sha256}/{OUTER_NAME}")
    assert kept.bring(s3, unique, other, manifest.artifact_sha256) is False, "what was not sent whole is none"


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
    kept.keep(config, manifest)
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
