"""`kill -9` at random moments of transform jobs and of a storm of schedules: every job Completed with its whole output, every slot fired once."""

from __future__ import annotations

import random

from tests.contracts.aws.served import Served
from tests.soak.budget import LONG, seed, share
from tests.soak.jobs import Transforms
from tests.soak.killing import Killing
from tests.soak.storm import Storm

SHARE = 0.15
AT_LEAST = 20 if LONG else 3


def test_no_slot_is_fired_twice_or_never_and_no_output_is_half(served: Served) -> None:
    moments = seed()
    chance = random.Random(moments)
    storm = Storm(served, chance)
    killing = Killing(served.cloud, [storm, Transforms(served, chance)], moments)

    outcome = killing.run(share(SHARE), AT_LEAST)

    about = f"SOAK_SEED={moments}, {outcome.kills} kills, {dict(outcome.steps)}, {storm.seen.total()} messages"
    print(about, f"{len(outcome.lost)} requests lost")
    assert not outcome.problems, "\n".join([*outcome.problems, about, f"the cloud's folder is {served.cloud.folder}"])
    assert outcome.lost, f"no request was under way when the cloud was killed: {about}"
    assert storm.seen.total() > 0, about
