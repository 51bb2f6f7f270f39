"""Tags by ARN, of whatever kind is ours."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.errors import ApiError, NotOursError
from fogbank.cloud.api.models import Models
from fogbank.cloud.api.resource import Ground
from fogbank.cloud.api.tags import MOST_TAGS, Tags
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.store import Store

US = Scope("us-east-1")
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model/demo"


@pytest.fixture
def tags(tmp_path: Path) -> Iterator[Tags]:
    with closing(Store(tmp_path / "s.db")) as store:
        clock = Clock(store)
        models = Models(Ground(store, clock, Events(store, clock), Runner()))
        models.create(US, {"ModelName": "DEMO", "PrimaryContainer": {"Image": "i"}})
        yield Tags(models)


def add(tags: Tags, *keys: str, value: str = "1") -> None:
    tags.add(US, {"ResourceArn": ARN, "Tags": [{"Key": key, "Value": value} for key in keys]})


def listed(tags: Tags) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags.listed(US, {"ResourceArn": ARN})["Tags"]}


def test_added_changed_and_deleted(tags: Tags) -> None:
    assert listed(tags) == {}
    add(tags, "a", "b")
    add(tags, "b", value="2")
    tags.delete(US, {"ResourceArn": ARN, "TagKeys": ["a", "none"]})

    assert listed(tags) == {"b": "2"}


def test_tags_that_are_added_at_once_are_all_there(tags: Tags) -> None:
    with ThreadPoolExecutor(8) as callers:
        list(callers.map(lambda number: add(tags, f"k{number}"), range(40)))

    assert len(listed(tags)) == 40


def test_an_arn_that_is_not_there_and_one_that_is_not_ours(tags: Tags) -> None:
    with pytest.raises(ApiError, match="Could not find model"):
        tags.listed(US, {"ResourceArn": ARN + "x"})
    with pytest.raises(NotOursError):
        tags.listed(US, {"ResourceArn": ARN.replace("model/", "model-package/")})


def test_a_token_that_no_page_gave_is_refused(tags: Tags) -> None:
    with pytest.raises(ApiError, match="Invalid NextToken"):
        tags.listed(US, {"ResourceArn": ARN, "NextToken": "x"})


def test_a_resource_has_fifty_at_most(tags: Tags) -> None:
    add(tags, *(f"k{number}" for number in range(MOST_TAGS)))
    add(tags, "k0", value="2")
    with pytest.raises(ApiError) as caught:
        add(tags, "one-more")

    assert caught.value.code == "ResourceLimitExceeded"
    assert len(listed(tags)) == MOST_TAGS
