"""A wall around a process: what it covers, what comes through, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fogbank.ground import namespaces
from fogbank.ground.processes import tree
from fogbank.ground.walls import Behind, UndecidedError, Wall, judged, most_processes, obstacle, probe
from tests.waiting import until

walled = pytest.mark.skipif(bool(obstacle()), reason=obstacle())


def run(wall: Wall, *command: str) -> subprocess.CompletedProcess[str]:
    around = wall.around(command, programs=[Path(sys.executable)])
    return subprocess.run(around, cwd=wall.own[0], capture_output=True, text=True, check=False)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state of a project's cloud, with a key and two folders in it."""
    folder = tmp_path / "project" / ".fogbank" / "cloud"
    for name in ("own", "other"):
        (folder / name).mkdir(parents=True)
    (folder / "cloud.key").write_text("secret")
    (tmp_path / "project" / ".env").write_text("secret")
    return folder


@walled
def test_the_project_and_the_state_are_covered_but_for_what_is_named(state: Path) -> None:
    wall = Wall(own=(state / "own",), seen=(state / "other",), state=state)
    tries = "cat ../cloud.key ../../../.env; touch ../other/x; touch y; ls -A .. ../../.."

    done = run(wall, "/bin/sh", "-c", tries)

    assert done.stdout.split() == ["..:", "other", "own", "../../..:", ".fogbank"]
    assert done.stderr.count("No such file or directory") == 2
    assert "Read-only file system" in done.stderr
    assert (state / "own" / "y").exists()
    assert not (state / "other" / "x").exists()


@walled
def test_what_the_command_names_is_not_seen_for_that(state: Path) -> None:
    done = run(Wall(own=(state / "own",), state=state), "/bin/sh", "-c", 'cat "$0/cloud.key"; ls "$0"', str(state))

    assert done.stdout.split() == ["own"]
    assert "No such file or directory" in done.stderr


@walled
def test_a_program_that_the_cloud_chose_is_seen_and_no_folder_is_one(state: Path) -> None:
    program = state / "program"
    program.write_text("#!/bin/sh\necho runs\n")
    program.chmod(0o700)
    wall = Wall(own=(state / "own",), state=state)

    for programs, printed in (([program, state], "runs\n"), ([], "")):
        command = wall.around([str(program)], programs=programs)
        assert subprocess.run(command, cwd=wall.own[0], capture_output=True, text=True, check=False).stdout == printed


@walled
@pytest.mark.parametrize(("ends", "status"), [("exit 7", 7), ("kill -9 $$", -9), ("kill -15 $$", -15), ("exit 0", 0)])
def test_it_ends_as_its_command_ends(tmp_path: Path, ends: str, status: int) -> None:
    assert run(Wall(own=(tmp_path,)), "/bin/sh", "-c", ends).returncode == status


@walled
def test_signals_are_handed_on(tmp_path: Path) -> None:
    command = Wall(own=(tmp_path,)).around(["/bin/sh", "-c", "trap 'exit 3' TERM; echo; while :; do sleep 0.01; done"])
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 3


@walled
def test_it_ends_with_its_lifeline_though_a_child_lingers(tmp_path: Path) -> None:
    inherited, held = os.pipe()
    command = Wall(own=(tmp_path,)).around(["/bin/sh", "-c", "setsid sleep 600 & echo; wait"], inherited)
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, pass_fds=(inherited,)) as process:
        os.close(inherited)
        assert process.stdout is not None
        process.stdout.readline()
        os.close(held)
        assert process.wait(20) == -signal.SIGKILL
        assert process.stdout.read() == b"", "whoever held the pipe has ended"


@walled
def test_its_end_is_known_before_the_process_in_front_has_ended(tmp_path: Path) -> None:
    command = Wall(own=(tmp_path,)).around(["/bin/sh", "-c", "echo; read line"])
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            behind = Behind(process.pid)
            assert behind.runs(), "it has not begun"
            assert process.stdout is not None
            process.stdout.readline()
            assert behind.runs()
            process.send_signal(signal.SIGSTOP)  # so that it ends no sooner than it may
            os.kill(list(tree(process.pid))[-1], signal.SIGKILL)

            until(lambda: not behind.runs())
            assert process.poll() is None
            process.send_signal(signal.SIGCONT)
            assert process.wait(20) == -signal.SIGKILL
        finally:
            process.kill()


def test_limits_hold_and_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    asks = "import resource as r; print([r.getrlimit(n)[1] for n in (r.RLIMIT_CORE, r.RLIMIT_DATA)])"
    wall = Wall(own=(tmp_path,), memory=1 << 30)

    assert run(wall, sys.executable, "-c", asks).stdout == f"[0, {1 << 30}]\n" if sys.platform == "linux" else True
    missing = run(wall, str(tmp_path / "missing"))
    assert missing.returncode == 126 if sys.platform == "linux" else True
    assert "No such file or directory" in missing.stderr


@walled
def test_fogbanks_cache_is_covered_wherever_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, own = tmp_path / "cache", tmp_path / "own"
    for folder in (cache / "environments" / "a", own):
        folder.mkdir(parents=True)
    (cache / "fogbank.key").write_text("secret")
    monkeypatch.setenv("FOGBANK_CACHE", str(cache))

    done = run(Wall(own=(own,), seen=(cache / "environments",)), "/bin/sh", "-c", f"ls -A {cache} {cache}/environments")

    assert done.stdout.split() == [f"{cache}:", "environments", f"{cache}/environments:", "a"]


ROOTS = """
import os, stat, tempfile
def tried(ask):
    try:
        return ask()
    except OSError as error:
        return error.strerror
def write(path):
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND))
for path in ("/etc/passwd", "/proc/sys/kernel/core_pattern", os.path.realpath(os.__file__)):
    print(tried(lambda: write(path)))
disks = [each.path for each in os.scandir("/dev") if stat.S_ISBLK(each.stat(follow_symlinks=False).st_mode)]
print(disks, repr(open("/etc/shadow").read()))
for place in ("/tmp", "/var/tmp", "/dev/shm", "."):
    print(tried(lambda: tempfile.TemporaryFile(dir=place).write(b"x")))
print(tried(lambda: write("/dev/null")), tried(lambda: os.openpty() and "pty"))
"""


@walled
@pytest.mark.skipif(os.geteuid() != 0, reason="others may write to nothing of the machine's anyway")
def test_root_writes_to_what_is_everybodys_alone(tmp_path: Path) -> None:
    done = run(Wall(own=(tmp_path,)), sys.executable, "-c", ROOTS)

    refused = ["Read-only file system"] * 3
    assert done.stdout.splitlines() == [*refused, "[] ''", "1", "1", "1", "1", "None pty"], done.stderr


@walled
@pytest.mark.parametrize(
    ("says", "known"),
    [
        ("exit 0", True),
        ("echo '[Errno 1] Operation not permitted' >&2; exit 126", True),
        ("echo '[Errno 19] No such device' >&2; exit 126", True),
        ("echo '[Errno 28] No space left on device' >&2; exit 126", False),
        ("echo '[Errno 11] Resource temporarily unavailable' >&2; exit 126", False),
        ("echo '[Errno 38] Function not implemented' >&2; exit 126", True),
        ("echo \"[Errno 2] No such file or directory: '/proc/self/uid_map'\" >&2; exit 126", True),
        ("echo \"[Errno 2] No such file or directory: '/usr/bin/python3'\" >&2; exit 126", False),
        ("echo '[Errno 5] Input/output error' >&2; exit 126", False),
        ("echo 'the process cannot be run: ' >&2; exit 126", False),  # as MemoryError says it
        ("echo 'Fatal Python error: init_import_site: [Errno 1] no' >&2; exit 1", False),
        ("exit 1", False),
        ("kill -9 $$", False),
        ("sleep 60", False),
    ],
)
def test_what_the_kernel_may_say_otherwise_the_next_time_is_not_kept(says: str, known: bool) -> None:
    try:
        assert (not probe(["/bin/sh", "-c", says], limit_s=1)) == (says == "exit 0")
        assert known
    except UndecidedError:
        assert not known


@pytest.mark.parametrize("network", [True, False])
def test_nothing_is_run_where_nobody_knows_whether_there_can_be_a_wall(tmp_path: Path, *, network: bool) -> None:
    def slow() -> str:
        raise UndecidedError("timed out")

    with pytest.raises(UndecidedError):
        Wall(own=(tmp_path,), network=network, judge=slow).around(["/bin/true"])


@pytest.mark.parametrize(("times", "answered"), [(0, True), (2, True), (3, False)])
def test_it_is_asked_three_times_at_most(times: int, *, answered: bool) -> None:
    asked: list[str] = []

    def ask() -> str:
        asked.append("")
        if len(asked) <= times:
            raise UndecidedError("no room now")
        return "never"

    try:
        assert judged(ask) == "never"
    except UndecidedError:
        assert not answered
    assert len(asked) == min(times + 1, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of a process are Linux's")
def test_without_namespaces_its_limits_hold_all_the_same(tmp_path: Path) -> None:
    asks = "import os, resource as r; print(os.getpid() > 3, r.getrlimit(r.RLIMIT_CORE)[1], os.environ['HOME'])"
    words = ["lifeline=-1", "processes=9", "limit=RLIMIT_CORE:0", "network=yes", f"hidden={tmp_path}"]
    command = [sys.executable, "-IS", namespaces.__file__, *words, "--", sys.executable, "-c", asks]

    done = subprocess.run(command, env={"HOME": "/h"}, capture_output=True, text=True, check=True)

    assert done.stdout == "True 0 /h\n"


def test_libraries_may_start_their_threads() -> None:
    assert most_processes() >= 64 * (os.cpu_count() or 1)
