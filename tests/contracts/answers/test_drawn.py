"""Whatever model: models drawn at random, packed and served, answer what the model itself answers, or refuse what it refuses.

FOGBANK_DRAWN says how many are drawn (200).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.contracts.answers.drawn import draw
from tests.contracts.answers.served import differences, in_process, over_http, packed

DRAWN = int(os.environ.get("FOGBANK_DRAWN", "200"))
OVER_HTTP = range(3)


@pytest.mark.parametrize("seed", range(DRAWN))
def test_a_drawn_models_answers_are_its_own(seed: int, tmp_path: Path) -> None:
    drawn = draw(seed)
    outcome, settings = packed(drawn, tmp_path)

    assert differences(drawn, outcome, in_process(settings)) == []


@pytest.mark.parametrize("seed", OVER_HTTP)
def test_the_same_over_http(seed: int, tmp_path: Path) -> None:
    drawn = draw(10_000 + seed)
    outcome, settings = packed(drawn, tmp_path)

    with over_http(settings) as ask:
        assert differences(drawn, outcome, ask) == []
