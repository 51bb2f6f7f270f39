"""`fogbank publish` and `fogbank fetch` killed by -9 before anything that they do: nothing is half there, and the same command again ends it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import PackageError
from fogbank.ground.digest import folder_digests
from fogbank.image.artifact import artifact_of
from fogbank.project.packaging import fetched
from fogbank.project.packaging.seal import seal_package
from fogbank.project.versions import promotion
from fogbank.project.versions.shelves import BucketShelf
from fogbank.testing import CloudProcess
from tests.fakes.dying import Mortals
from tests.fakes.publications import PREFIX, STEPS, put, take
from tests.projects import packed, with_image


@pytest.fixture(scope="module")
def mortals() -> Iterator[Mortals]:
    with Mortals("tests.fakes.publications") as forks:
        yield forks


def is_fetched(config: ProjectConfig) -> bool | None:
    """None where it is said that a fetch was not finished."""
    try:
        return fetched.is_fetched(config)
    except PackageError as error:
        if error.code != "fetch-unfinished":
            raise
        return None


def test_a_fetch_that_dies_anywhere_leaves_the_former_package_or_the_new_one_or_says_so(
    mortals: Mortals, tmp_path: Path
) -> None:
    published, manifest = packed(tmp_path / "published")
    with_image(manifest)
    seal_package(published, manifest, (), None)
    config, _ = packed(tmp_path / "project", handler="def predict_fn(data, model):\n    return [[0.5]]\n")
    new, former = folder_digests(published.package), folder_digests(config.package)
    digest = artifact_of(published.package).digest
    seen = set()
    for at in itertools.count(1):
        fresh = replace(config, root=tmp_path / f"{at}")
        shutil.copytree(config.package, fresh.package)
        if mortals.survives(take, fresh, published.package, digest, below=fresh.root, at=at):
            break
        there = folder_digests(fresh.package) if fresh.package.exists() else {}
        seen.add((there == former, there == new, is_fetched(fresh)))
        take(fresh, published.package, digest)  # as one does after a kill
        assert folder_digests(fresh.package) == new
        assert is_fetched(fresh) is True
        assert {item.name for item in fresh.state.iterdir()} == {"package", fetched.RECORD, promotion.LOCK}

    assert at > 50, "it is killed before each step"
    assert seen == {(True, False, False), (True, False, None), (False, False, None), (False, True, True)}


def test_what_a_publication_that_dies_anywhere_leaves_is_none_until_it_is_whole(
    mortals: Mortals, shared_cloud: CloudProcess, unique: str, tmp_path: Path
) -> None:
    config, manifest = packed(tmp_path / "project")
    with_image(manifest)
    seal_package(config, manifest, (), None)
    digest, s3 = artifact_of(config.package).digest, shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    shelf, deaths = BucketShelf(s3, unique, PREFIX), 0

    def there() -> bool:
        try:
            shelf.manifest(digest)
        except PackageError as error:
            if error.code != "publication-missing":
                raise
            return False
        return True

    arguments: tuple[Any, ...] = (config, shared_cloud.url, shared_cloud.secret, unique)
    while not mortals.survives(put, *arguments, below=config.state, at=2 * deaths + 1):
        assert not there(), "the manifest is the last to come"
        deaths += 1

    assert deaths > 5
    assert there()
    other = ProjectConfig(root=tmp_path / "other", name="churn")
    other.root.mkdir()
    promotion.take(other, shelf, digest, STEPS)
    assert folder_digests(other.package) == folder_digests(config.package)
