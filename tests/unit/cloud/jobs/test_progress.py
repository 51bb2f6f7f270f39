"""Marks in the cloud's store."""

from __future__ import annotations

from fogbank.cloud.api.resource import Ground
from fogbank.cloud.jobs.progress import InputObject, Mark, StoredProgress

ITEMS = [InputObject(bucket="b", key=key, prefix="in/") for key in ("in/a", "in/deep/b c?")]


def test_marks_are_kept_by_job_and_go_with_it(ground: Ground) -> None:
    mine, other = (StoredProgress(ground.store, "us-east-1", job) for job in ("mine", "other"))
    mark = Mark(etag='"e"', offset=7, records=2, upload="u", parts=("1", "2"))
    mine.put(ITEMS[0], mark)
    mine.put(ITEMS[1], Mark(etag='"f"', done=True))
    other.put(ITEMS[0], Mark(etag='"g"'))

    assert StoredProgress(ground.store, "us-east-1", "mine").get(ITEMS[0]) == mark
    assert StoredProgress(ground.store, "eu-west-1", "mine").get(ITEMS[0]) is None
    mine.clear(ITEMS)
    assert [mine.get(item) for item in ITEMS] == [None, None]
    assert other.get(ITEMS[0]) == Mark(etag='"g"')
