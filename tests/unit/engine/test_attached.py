"""fogbank's provider beside the engine: it is there before the engine asks, lives as long as one of its two holders, and no longer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from fogbank.engine.attached import FOLDER, LOG, LONGEST_LOG, VARIABLE, Attached, has_provider
from fogbank.engine.command import InterruptibleCommand
from fogbank.engine.locate import Engine
from tests.waiting import until

STATE = '{"urn":"urn:pulumi:local::p::pulumi:providers:fogbank::default"}'
HOLDER = """
import os, sys, time
from pathlib import Path
from fogbank.engine.attached import Attached
attached = Attached(Path(sys.argv[1]))
with attached.running(dict(os.environ), Path(sys.argv[2])):
    variables, inherited = attached.joined({})
    import subprocess
    engine = subprocess.Popen(["sleep", "60"], pass_fds=inherited)
    print(attached._process.pid, engine.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    file = tmp_path / "local.json"
    file.write_text(STATE)
    return file


@pytest.fixture
def holder(tmp_path: Path, state: Path) -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """Who has started a provider and an engine, and the two."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), str(state)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    provider, engine = map(int, process.stdout.readline().split())
    yield process, provider, engine
    for pid in (process.pid, engine):
        if lives(pid):
            os.kill(pid, 9)
    process.wait()
    process.stdout.close()


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ended(pid: int) -> bool:
    return not lives(pid)


def script(folder: Path, text: str) -> Path:
    file = folder / "provider"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def told(root: Path, environment: Mapping[str, str]) -> str:
    """What an engine's CLI in `root` reads of who is attached."""
    (root / "bin").mkdir()
    cli = root / "bin" / "pulumi"
    cli.write_text(f'#!/bin/sh\necho "${VARIABLE}"\n')
    cli.chmod(0o755)
    attached = Attached(root, script(root, f'echo "$FROM" >&2; echo 4711; cat; touch {root}/ended'))
    command = InterruptibleCommand(Engine(root=root, version="3.250.0", why=""), attached=attached)
    with attached.running({**os.environ, "FROM": "me"}, root / "local.json"):
        first, second = (command.run(["up"], str(root), environment).stdout for _ in range(2))
    assert first == second, "a second run of the engine has the same one"
    until((root / "ended").exists)
    return first


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("others", "seen"), [({VARIABLE: "aws:5000"}, "aws:5000,fogbank:4711"), ({VARIABLE: ""}, "fogbank:4711")]
)
def test_an_engine_attaches_to_it_beside_the_others_and_it_ends_with_the_run(
    tmp_path: Path, others: Mapping[str, str], seen: str
) -> None:
    assert told(tmp_path, others) == seen
    assert (tmp_path / FOLDER / LOG).read_text() == "me\n"


def test_it_does_not_start_where_a_stack_has_nothing_of_it(tmp_path: Path, state: Path) -> None:
    attached = Attached(tmp_path, script(tmp_path, f"touch {tmp_path}/started"))
    state.write_text('{"urn":"urn:pulumi:local::p::pulumi:providers:aws::default"}')
    for missing in (None, tmp_path / "none.json", state):
        with attached.running(dict(os.environ), missing):
            assert attached.joined({"A": "b"}) == ({"A": "b"}, ())
        assert not has_provider(missing)
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize(
    "text",
    [
        "echo broken >&2; exit 1",
        "printf 4711",  # half a line
        "printf '\\377\\376\\n'; cat",
        "echo warning; cat",
        "head -c 100000 /dev/zero; cat",
    ],
)
def test_one_that_does_not_come_up_leaves_it_to_the_engine(tmp_path: Path, state: Path, text: str) -> None:
    left_alone(Attached(tmp_path, script(tmp_path, text)), state)


def left_alone(attached: Attached, state: Path) -> None:
    with attached.running(dict(os.environ), state):
        assert attached.joined({"A": "b"}) == ({"A": "b"}, ())


@pytest.mark.parametrize(("text", "mode"), [("#!/gone/python\n", 0o755), ("#!/bin/sh\n", 0o644), ("none", 0)])
def test_one_that_cannot_be_executed_leaves_it_to_the_engine(tmp_path: Path, state: Path, text: str, mode: int) -> None:
    command = tmp_path / "provider"
    if mode:
        command.write_text(text)
        command.chmod(mode)
    left_alone(Attached(tmp_path, command), state)


def test_without_a_place_for_its_log_the_engine_starts_one(tmp_path: Path, state: Path) -> None:
    (tmp_path / FOLDER).write_text("a file")
    left_alone(Attached(tmp_path, script(tmp_path, "echo 4711; cat")), state)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at in /proc")
def test_one_that_is_stuck_is_given_up_and_ended(tmp_path: Path, state: Path) -> None:
    attached = Attached(tmp_path, script(tmp_path, "exec sleep 600"), patience_s=0.01)
    with attached.running(dict(os.environ), state):
        assert attached.joined({"A": "b"}) == ({"A": "b"}, ())
        assert attached._process is not None
        pid = attached._process.pid
    until(lambda: ended(pid))


class Interrupted(Attached):
    """Ctrl-C comes when an engine begins to wait for it."""

    def joined(
        self, environment: Mapping[str, str], interrupted: Callable[[], bool] = lambda: False
    ) -> tuple[dict[str, str], tuple[int, ...]]:
        signal.raise_signal(signal.SIGINT)
        return super().joined(environment, interrupted)


@pytest.mark.usefixtures("state")
def test_an_interrupt_ends_the_wait_for_one_that_is_stuck(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    cli = tmp_path / "bin" / "pulumi"
    cli.write_text("#!/bin/sh\nexec sleep 600\n")
    cli.chmod(0o755)
    attached = Interrupted(tmp_path, script(tmp_path, "exec sleep 600"), patience_s=3600)
    command = InterruptibleCommand(Engine(root=tmp_path, version="3.250.0", why=""), attached=attached)
    with attached.running(dict(os.environ), tmp_path / "local.json"), pytest.raises(KeyboardInterrupt):
        command.run(["up"], str(tmp_path), {})


def test_its_log_is_added_to_until_it_is_long(tmp_path: Path, state: Path) -> None:
    attached = Attached(tmp_path, script(tmp_path, 'echo "$2" >&2; echo 4711; cat'))
    log = tmp_path / FOLDER / LOG
    for _ in range(2):
        with attached.running(dict(os.environ), state):
            attached.joined({})
    assert log.read_text() == f"{log}\n" * 2

    log.write_bytes(bytes(LONGEST_LOG + 1))
    with attached.running(dict(os.environ), state):
        attached.joined({})
    assert log.read_text() == f"{log}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at in /proc")
@pytest.mark.parametrize("first", ["holder", "engine"])
def test_it_outlives_neither_of_its_two_holders_and_dies_under_none(
    holder: tuple[subprocess.Popen[str], int, int], first: str
) -> None:
    process, provider, engine = holder
    killed, other = (process.pid, engine) if first == "holder" else (engine, process.pid)

    os.kill(killed, 9)
    if first == "holder":
        process.wait()
    until(lambda: ended(killed))
    assert lives(provider), "the other one needs it"

    os.kill(other, 9)
    until(lambda: ended(provider))
