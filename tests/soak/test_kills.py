"""`kill -9` at random moments of mixed traffic: nothing that was acknowledged is lost, nothing half-written is to be seen,
and no job, execution or update stays in the middle."""

from __future__ import annotations

import random

from fogbank.contracts.config import ProjectConfig
from tests.contracts.aws.served import Served
from tests.soak.budget import LONG, seed, share
from tests.soak.hosted import Invocations, Updates
from tests.soak.items import Items
from tests.soak.jobs import Monitors, Processing, Transforms
from tests.soak.killing import Killing
from tests.soak.objects import Multipart, Objects, Versions

SHARE = 0.5
AT_LEAST = 20 if LONG else 4


def test_nothing_acknowledged_is_lost_and_nothing_half_written_is_seen(
    served: Served, fogbank_project: ProjectConfig
) -> None:
    moments = seed()
    chance = random.Random(moments)
    updates = Updates(served, chance)
    writers = [
        updates,
        Invocations(served, chance),
        Objects(served, chance),
        Versions(served, chance),
        Multipart(served, chance),
        Items(served, chance),
        Transforms(served, chance),
        Processing(served, chance, fogbank_project),
        Monitors(served, chance),
    ]
    killing = Killing(served.cloud, writers, moments)

    outcome = killing.run(share(SHARE), AT_LEAST)

    about = f"SOAK_SEED={moments}, {outcome.kills} kills, {dict(outcome.steps)}, {dict(outcome.comparisons)}"
    print(about, f"{len(outcome.lost)} requests lost")
    assert not outcome.problems, "\n".join([*outcome.problems, about, f"the cloud's folder is {served.cloud.folder}"])
    assert outcome.lost_without_a_kill() == [], about
    assert all(outcome.steps[writer.name] for writer in writers), about
    served.cloud.stop()
    served.cloud.start()
    assert killing.compare() == [], f"after an orderly restart; {about}"
