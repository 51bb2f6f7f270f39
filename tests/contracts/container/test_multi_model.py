"""The multi-model container: SageMaker's /models API, over a process for each model."""

from __future__ import annotations

import io
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest

from fogbank.contracts.container import MEBIBYTE
from tests.contracts.container.conftest import Start
from tests.contracts.container.served import Answer, Subprocess
from tests.packages import settings_at, signed
from tests.waiting import until

pytestmark = pytest.mark.on_host
CODE = "from shared_name import FACTOR\ndef model_fn(d): return FACTOR\ndef predict_fn(data, model):\n    return data * model\n"


def model(base: Path, factor: float, megabytes: int = 0) -> str:
    """A package whose helper module has the same name in every package; the folder it lies in."""
    code = base / "model" / "code"
    code.mkdir(parents=True)
    ballast = f"BALLAST = bytearray({megabytes} << 20)\nBALLAST[::4096] = b'1' * len(BALLAST[::4096])\n"
    (code / "shared_name.py").write_text(f"FACTOR = {factor}\n{ballast}")
    return str(signed(base, CODE).model_dir)


@pytest.fixture
def server(start: Start, tmp_path: Path) -> Subprocess:
    return start(settings_at(tmp_path), SAGEMAKER_MULTI_MODEL="true", FOGBANK_MODEL_MEMORY_MB="400")


def load(server: Subprocess, name: str, url: str) -> Answer:
    return server.send("POST", "/models", json.dumps({"model_name": name, "url": url}).encode())


def invoke(server: Subprocess, name: str, body: bytes = b"1,2") -> Answer:
    headers = {"Content-Type": "text/csv", "Accept": "text/csv", "X-Request-Id": "r-9"}
    return server.send("POST", f"/models/{name}/invoke", body, headers)


def names(server: Subprocess) -> list[str]:
    return [item["modelName"] for item in json.loads(server.send("GET", "/models").body)["models"]]


def test_load_list_describe_invoke_unload(server: Subprocess, tmp_path: Path) -> None:
    two, three = model(tmp_path / "a", 2.0), model(tmp_path / "b", 3.0)

    assert (load(server, "two", two).status, load(server, "a/three", three).status) == (200, 200)
    assert load(server, "two", two).status == 409
    assert names(server) == ["a/three", "two"]
    assert json.loads(server.send("GET", "/models/two").body) == {"modelName": "two", "modelUrl": two}
    assert invoke(server, "two").body == b"2.0,4.0\n"
    answer = invoke(server, "a%2Fthree")
    assert (answer.body, answer.content_type, answer.headers["x-request-id"]) == (b"3.0,6.0\n", "text/csv", "r-9")
    assert invoke(server, "two", b"1,x").status == 400
    assert server.send("DELETE", "/models/two").status == 200
    assert [
        invoke(server, "two").status,
        server.send("DELETE", "/models/two").status,
        server.send("GET", "/models/two").status,
    ] == [404] * 3
    assert names(server) == ["a/three"]
    assert b"fogbank_models_loaded 1" in server.send("GET", "/metrics").body
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "model_name"),
        (b'{"model_name": "x", "url": "/nowhere"}', 400, "no folder at"),
    ],
)
def test_what_cannot_be_loaded_is_said(server: Subprocess, body: bytes, status: int, said: str) -> None:
    answer = server.send("POST", "/models", body)

    assert (answer.status, said in json.loads(answer.body)["error"]) == (status, True)
    assert server.send("GET", "/ping").status == 200


def test_a_broken_model_is_told_with_its_cause_and_others_go_on(server: Subprocess, tmp_path: Path) -> None:
    load(server, "good", model(tmp_path / "good", 2.0))
    broken = Path(model(tmp_path / "broken", 2.0))
    (broken / "code" / "inference.py").write_text(CODE + "# changed\n")

    answer = load(server, "broken", str(broken))

    assert (answer.status, b"is not the file that was packed" in answer.body) == (400, True)
    assert names(server) == ["good"]
    assert invoke(server, "good").status == 200


def test_the_least_recently_used_goes_when_memory_is_short(server: Subprocess, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert load(server, name, model(tmp_path / name, 1.0, megabytes=100)).status == 200
    assert invoke(server, "a").status == 200  # so that b is the least recently used

    assert load(server, "c", model(tmp_path / "c", 1.0, megabytes=150)).status == 200

    assert names(server) == ["a", "c"]
    assert invoke(server, "b").status == 404


def test_a_model_that_is_more_than_the_budget_is_507_and_nothing_is_unloaded(
    server: Subprocess, tmp_path: Path
) -> None:
    load(server, "small", model(tmp_path / "small", 1.0))

    answer = load(server, "huge", model(tmp_path / "huge", 1.0, megabytes=450))

    assert (answer.status, b"the budget is 400 MiB" in answer.body) == (507, True)
    assert names(server) == ["small"]


def test_pages_of_the_list(server: Subprocess, tmp_path: Path) -> None:
    load(server, "one", model(tmp_path / "one", 1.0))

    assert json.loads(server.send("GET", "/models?next_page_token=0").body)["models"][0]["modelName"] == "one"
    assert json.loads(server.send("GET", "/models?next_page_token=100").body) == {"models": []}


def test_models_run_beside_each_other_and_one_that_dies_takes_no_other_along(
    server: Subprocess, tmp_path: Path
) -> None:
    slow = signed(
        tmp_path / "slow",
        "import time, os\ndef model_fn(d): return 1\ndef predict_fn(d, m):\n    time.sleep(1)\n    return [os.getppid()]\n",
    )
    load(server, "slow", str(slow.model_dir))
    load(server, "quick", model(tmp_path / "quick", 2.0))
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(invoke, server, "slow")
        started = time.monotonic()
        assert invoke(server, "quick").status == 200
        assert time.monotonic() - started < 0.7
        supervisor = int(busy.result().body)

    os.kill(supervisor, signal.SIGKILL)

    until(lambda: names(server) == ["quick"])
    assert invoke(server, "slow").status == 404
    assert invoke(server, "quick").status == 200


def test_a_model_of_a_known_kind_and_a_streaming_one(server: Subprocess, tmp_path: Path) -> None:
    out = io.BytesIO()
    joblib.dump(np.sum, out)
    load(server, "sum", str(signed(tmp_path / "sum", model=("model.joblib", out.getvalue())).model_dir))
    stream = signed(
        tmp_path / "stream",
        "def model_fn(d): return 1\ndef predict_fn(d, m):\n    for n in range(3): yield f'{n};' * 50_000\n",
    )
    load(server, "stream", str(stream.model_dir))

    assert invoke(server, "sum").body == b"3.0\n"
    assert invoke(server, "stream").body == b"".join(f"{n};".encode() * 50_000 for n in range(3))


def test_no_process_and_no_file_is_left(server: Subprocess, tmp_path: Path) -> None:
    load(server, "one", model(tmp_path / "one", 1.0))
    [pid] = server.workers()
    before = {path.name for path in Path("/tmp").glob("fogbank-models-*")}  # noqa: S108 - where the server makes its sockets

    assert server.stop() == 0

    assert not Path(f"/proc/{pid}").exists()
    after = {path.name for path in Path("/tmp").glob("fogbank-models-*")}  # noqa: S108 - as above
    assert len(before - after) == 1


def test_the_memory_that_is_counted_is_the_processes_own(server: Subprocess, tmp_path: Path) -> None:
    load(server, "big", model(tmp_path / "big", 1.0, megabytes=100))

    text = server.send("GET", "/metrics").body.decode()
    counted = int(next(line for line in text.splitlines() if line.startswith("fogbank_models_bytes ")).split()[1])
    assert 100 * MEBIBYTE < counted < 200 * MEBIBYTE
