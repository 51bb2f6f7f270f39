"""Process trees, what they hold and listen on, and the lifeline that ends a child with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fogbank.ground.processes import BARE_ENVIRONMENT, Lifeline, listening, memory, run_bound, tree
from tests.waiting import until

GRANDCHILD = """
import socket, sys
block = bytearray(b"1" * (32 << 20))
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""
CHILD = f"""
import subprocess, sys
sys.exit(subprocess.run([sys.executable, "-c", {GRANDCHILD!r}]).returncode)
"""
WATCHER = "import os, sys; os.read(int(sys.argv[1]), 1)"
PARENT = f"""
import subprocess, sys, time
from fogbank.ground.processes import Lifeline
line = Lifeline()
child = subprocess.Popen([sys.executable, "-c", {WATCHER!r}, str(line.inherited)], pass_fds=(line.inherited,))
line.handed_over()
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def family() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process whose child listens on a port and holds 32 MiB; the port."""
    process = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    yield process, port
    process.communicate("")


def gone(pid: int) -> bool:
    """Whether a process has ended; one that waits to be collected has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_tree_is_a_process_and_all_that_descend_from_it(family: tuple[subprocess.Popen[str], int]) -> None:
    process, port = family
    pids = list(tree(process.pid))

    assert pids[0] == process.pid
    assert len(pids) == 2
    assert process.pid in tree(os.getpid())
    assert memory(process.pid) > 32 << 20
    assert listening(process.pid) == {port}


def test_what_has_ended_holds_nothing_and_is_no_error() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()

    assert list(tree(process.pid)) == [process.pid]
    assert memory(process.pid) == 0
    assert listening(process.pid) == set()


def test_a_lifeline_that_is_cut_ends_the_child_and_may_be_cut_twice() -> None:
    line = Lifeline()
    child = subprocess.Popen([sys.executable, "-c", WATCHER, str(line.inherited)], pass_fds=(line.inherited,))
    line.handed_over()
    assert child.poll() is None

    line.cut()
    assert child.wait(20) == 0
    line.cut()


def test_a_killed_parent_takes_its_child_along() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert not gone(child)

    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    until(lambda: gone(child))


def test_the_bare_environment_holds_nothing_of_this_machines_own() -> None:
    said = subprocess.check_output(["env"], env=dict(BARE_ENVIRONMENT), text=True)

    assert sorted(line.partition("=")[0] for line in said.splitlines()) == sorted(BARE_ENVIRONMENT)
    assert not [name for name in BARE_ENVIRONMENT if name.startswith(("AWS_", "FOGBANK_"))]


def test_a_tree_has_what_another_thread_started() -> None:
    children: list[subprocess.Popen[bytes]] = []
    started, done = threading.Event(), threading.Event()

    def start() -> None:
        children.append(subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE))
        started.set()
        done.wait(20)

    thread = threading.Thread(target=start)
    thread.start()
    assert started.wait(20)
    try:
        assert children[0].pid in tree(os.getpid())
    finally:
        done.set()
        thread.join()
        children[0].communicate()


def test_a_bound_command_is_run_to_its_end() -> None:
    done = run_bound(["sh", "-c", "echo out; echo err >&2; exit 3"], 20)

    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 3)
    with pytest.raises(FileNotFoundError):
        run_bound(["there-is-no-such-program"], 20)


SLEEPER = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
SHELL = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[2], sys.argv[1]])"
BINDER = f"""
import sys
from fogbank.ground.processes import run_bound
run_bound([sys.executable, "-c", {SHELL!r}, sys.argv[1], {SLEEPER!r}], 600)
"""


def test_it_and_what_it_started_end_with_a_killed_parent(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", BINDER, str(note)])
    until(lambda: note.is_file() and note.read_text())
    parent.send_signal(signal.SIGKILL)
    parent.wait()

    until(lambda: gone(int(note.read_text())))


def test_it_and_what_it_started_end_at_the_time_limit(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(subprocess.TimeoutExpired):
        run_bound(["sh", "-c", 'sh -c "echo \\$\\$ > $0; exec sleep 600"; true', str(note)], 0.5)

    until(lambda: not note.is_file() or not note.read_text() or gone(int(note.read_text())))


TAKES_ON = """
import subprocess, sys, time
from fogbank.ground.processes import Orphans, children, tree
import os
orphans = Orphans()
left = "(sleep 30 & echo $! > pid)"
subprocess.run(["sh", "-c", left], check=True)
orphan = int(open("pid").read())
assert children(os.getpid()) == [orphan], children(os.getpid())
orphans.reap(0)
assert orphan in tree(os.getpid()), "it lives"
os.kill(orphan, 9)
end = time.monotonic() + 20
while orphan in children(os.getpid()) and time.monotonic() < end:
    orphans.reap(0)
    time.sleep(0.01)
assert orphan not in children(os.getpid()), "it has ended, and is let go"
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has it")
def test_what_a_child_has_let_go_of_is_taken_on_and_let_go_of_when_it_ends(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", TAKES_ON], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
