"""A file system that fails: reads, writes, syncs and renames that end in errors or in less than they were asked for.

The process goes on, nothing that was acknowledged is lost, nothing half-written is seen, now or after `kill -9` and a start.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from botocore.exceptions import ClientError

from tests.contracts.aws.served import Served
from tests.engines import needs
from tests.soak.budget import LONG, seed
from tests.soak.faulty import POINTS, Faulty
from tests.soak.items import Items
from tests.soak.ledger import LostError
from tests.soak.objects import Multipart, Objects, Versions

ROUNDS = 200 if LONG else 12
STEPS = 8
PROBABILITIES = (0.02, 0.2, 1.0)


def test_nothing_acknowledged_is_lost_where_files_fail(tmp_path: Path) -> None:
    needs("fiu-ctrl")
    begun = seed()
    chance, outcomes = random.Random(begun), Counter[str]()
    cloud = Faulty(tmp_path / "faulty")
    cloud.start()
    cloud.client("s3").create_bucket(Bucket="faulty")
    served = Served(cloud, "faulty", b"")
    writers = [kind(served, chance) for kind in (Objects, Versions, Multipart, Items)]

    try:
        for _ in range(ROUNDS):
            point, probability = chance.choice(POINTS), chance.choice(PROBABILITIES)
            with cloud.failing(point, probability):
                for writer in chance.choices(writers, k=STEPS):
                    try:
                        writer.step()
                    except (LostError, ClientError) as error:
                        outcomes["hung" if "ReadTimeout" in str(error) else type(error).__name__] += 1
                    else:
                        outcomes["done"] += 1
            about = f"after {point} at {probability}, SOAK_SEED={begun}, {dict(outcomes)}"
            assert [problem for writer in writers for problem in writer.compare()] == [], about
            assert outcomes["hung"] == 0, about
        cloud.kill()
        cloud.mended = True
        cloud.start()
        assert [problem for writer in writers for problem in writer.finish()] == [], f"SOAK_SEED={begun}, {outcomes}"
    finally:
        cloud.stop()
    assert outcomes["done"] > ROUNDS
    assert outcomes["LostError"] > 0, "nothing failed: the libraries are not in between"
    print(f"SOAK_SEED={begun}, {dict(outcomes)}")
