from __future__ import annotations

import asyncio
import io
from pathlib import Path

import joblib
import numpy as np
from sklearn.linear_model import LinearRegression

from fogbank.serve.handler import Call, load_handler
from fogbank.serve.protocol import Request
from fogbank.serve.runner import RUNS_TO_KNOW, Runner
from fogbank.serve.scoreboard import Scoreboard
from fogbank.serve.service import Service
from tests.packages import script, signed

CALL = Call(b"1,2", "text/csv", "text/csv")


def test_a_quick_model_of_ours_is_run_at_once_when_it_is_known_to_be_quick(tmp_path: Path) -> None:
    out = io.BytesIO()
    joblib.dump(LinearRegression().fit(np.eye(2), [1, 2]), out)
    settings = signed(tmp_path, model=("model.joblib", out.getvalue()))
    board = Scoreboard(1)
    runner = Runner(settings, board.slots[0])
    service = Service(runner, settings, board, board.slots[0])

    async def known() -> list[bool]:
        await runner.load(lambda: load_handler(settings))
        seen = []
        for _ in range(RUNS_TO_KNOW + 1):
            seen.append(runner.at_once(CALL))
            await runner.invoke(CALL)
        runner.stop()
        return seen

    assert asyncio.run(known()) == [False] * RUNS_TO_KNOW + [True]
    assert not runner.at_once(Call(b"1,2\n" * 10_000, "text/csv", "text/csv"))
    assert service.overloaded(50) is None
    refused = service.overloaded(1_000_000)
    assert refused is not None
    reply = service.refuse(Request("POST", "/invocations", {}), refused)
    assert (reply.status, reply.headers) == (503, {"retry-after": "1"})


def test_a_users_own_function_is_never_run_on_the_event_loop(tmp_path: Path) -> None:
    settings = script(tmp_path, "def model_fn(d): return 1\ndef predict_fn(d, m): return d\n")
    runner = Runner(settings, Scoreboard(1).slots[0])

    async def known() -> bool:
        await runner.load(lambda: load_handler(settings))
        for _ in range(2 * RUNS_TO_KNOW):
            await runner.invoke(CALL)
        runner.stop()
        return runner.at_once(CALL)

    assert asyncio.run(known()) is False
