"""Verbs that are broken off at random moments: the next run always goes on, and nothing is left locked or half-written."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

from fogbank.contracts.config import ProjectConfig
from tests.soak.budget import LONG, seed, share
from tests.soak.interrupting import VERBS, Interruptions

SHARE = 0.4
AT_LEAST = 200 if LONG else 4


def test_the_next_run_always_goes_on(project: Path, fogbank_project: ProjectConfig) -> None:
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    moments = seed()
    chance = random.Random(moments)
    interruptions = Interruptions(project, chance)
    names: list[str] = []
    end = time.monotonic() + share(SHARE)
    while time.monotonic() < end or sum(interruptions.done.values()) < AT_LEAST:
        names = names or chance.sample(list(VERBS), len(VERBS))
        interruptions.once(names.pop())

    about = f"SOAK_SEED={moments}, {dict(interruptions.done)}"
    print(about)
    assert not interruptions.problems, "\n".join([*interruptions.problems, about, str(project)])
    assert not list((project / ".fogbank" / "pulumi").rglob("locks/**/*.json")), about
    assert not list((project / ".fogbank").glob("*.new")), about
