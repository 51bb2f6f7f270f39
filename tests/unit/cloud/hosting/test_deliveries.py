"""No message goes twice: a process that was killed between publishing and forgetting knows what it did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import JournalEntry, Store
from fogbank.cloud.hosting.asynchronous import AsyncRequest
from fogbank.cloud.hosting.deliveries import KIND, Deliveries
from fogbank.cloud.hosting.notices import Notices
from fogbank.cloud.observe.measures import Measures
from fogbank.cloud.observe.samples import Samples
from tests.fakes.topics import Topics

REQUEST = AsyncRequest(
    id="u",
    region="r",
    endpoint="e",
    endpoint_made=0.0,
    received=0.0,
    ttl_s=60,
    timeout_s=1,
    inference_id="u",
    output="s3://b/u.out",
    topic="arn:aws:sns:r:1:t",
    message='{"inferenceId":"u","eventTime":"ä"}',
    told_after=1,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "cloud.db")) as store:
        store.put(KIND, "r", "u", REQUEST.encode())
        yield store


def resumed(store: Store, folder: Path) -> list[tuple[str, str]]:
    clock, topics = Clock(store), Topics()
    with closing(Measures(folder, clock)) as measures:
        samples = Samples(measures)
        notices = Notices(lambda *_: topics, samples)
        Deliveries(store, clock, lambda *_: topics, notices, samples).resume(REQUEST)
    assert store.named(KIND) == []
    return topics.published


def published(store: Store, seq: int, message: str) -> None:
    form = urlencode({"Action": "Publish", "Version": "2010-03-31", "TopicArn": REQUEST.topic, "Message": message})
    store.append(JournalEntry(seq=seq, at=0.0, method="POST", path="/", query="", headers={}, body=form.encode()))


def test_what_was_published_is_not_published_again(store: Store, tmp_path: Path) -> None:
    published(store, 2, REQUEST.message)
    assert resumed(store, tmp_path) == []


def test_what_was_not_is(store: Store, tmp_path: Path) -> None:
    published(store, 1, REQUEST.message)  # before it was this one's turn
    published(store, 2, "another")
    assert resumed(store, tmp_path) == [(REQUEST.topic, REQUEST.message)]
