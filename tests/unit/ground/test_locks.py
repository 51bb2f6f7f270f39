"""A lock is one process's at a time, and the system takes it away from one that is killed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fogbank.ground.locks import is_locked, locked, take

HOLDER = """
import sys
from pathlib import Path
from fogbank.ground.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_one_process_holds_it_and_kill_9_takes_it_away(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "a.lock"
    assert not is_locked(file)
    with held_elsewhere(file) as process:
        assert is_locked(file)
        with file.open("w") as stream:
            assert not take(stream, patience_s=0.05)
        process.kill()
        process.wait()
        assert not is_locked(file)
    with file.open("w") as stream:
        assert take(stream)
        assert is_locked(file)
    assert not is_locked(file)


def test_who_waits_gets_it_when_it_is_given_back(tmp_path: Path) -> None:
    file = tmp_path / "a.lock"
    order: list[str] = []

    def waiter() -> None:
        with locked(file):
            order.append("second")

    with locked(file):
        thread = threading.Thread(target=waiter)
        thread.start()
        order.append("first")
    thread.join()

    assert order == ["first", "second"]
    assert not is_locked(file)


def test_an_error_inside_gives_it_back(tmp_path: Path) -> None:
    file = tmp_path / "a.lock"

    def fails() -> None:
        with locked(file):
            assert is_locked(file)
            (tmp_path / "none").read_text()

    with pytest.raises(FileNotFoundError):
        fails()
    assert not is_locked(file)


def test_who_has_patience_takes_it_when_a_moments_holder_lets_go(tmp_path: Path) -> None:
    file = tmp_path / "a.lock"
    taken: list[bool] = []

    def patient() -> None:
        with file.open("w") as stream:
            taken.append(take(stream, patience_s=20))

    with held_elsewhere(file) as process:
        thread = threading.Thread(target=patient)
        thread.start()
        assert taken == []
        process.communicate("")
    thread.join()

    assert taken == [True]


def test_to_look_is_not_to_take(tmp_path: Path) -> None:
    file = tmp_path / "a.lock"
    file.touch()
    assert not is_locked(file)
    assert not is_locked(file)
    with file.open("w") as stream:
        assert take(stream, patience_s=0)
