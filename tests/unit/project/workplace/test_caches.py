"""What lies in the cache, and what goes when it is pruned."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fogbank.ground.locks import locked
from fogbank.project.workplace.caches import environments, kept, prune
from tests.waiting import until

DAY_S = 86400


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOGBANK_CACHE", str(tmp_path))
    return tmp_path


def environment(home: Path, name: str, *, days: float) -> Path:
    """An environment that was used so many days ago."""
    folder = home / "environments" / name
    (folder / "lib" / "python3.11" / "site-packages" / "numpy-2.4.6.dist-info").mkdir(parents=True)
    (folder / "data").write_bytes(b"x" * 1000)
    used = time.time() - days * DAY_S
    os.utime(folder, (used, used))
    return folder


def test_everything_is_told_with_what_it_holds(home: Path) -> None:
    environment(home, "aaaa", days=1)
    (home / "pulumi" / "3.250.0").mkdir(parents=True)

    assert [(item.kind, item.path.name, item.size, item.words) for item in kept()] == [
        ("environment", "aaaa", 1000, "numpy 2.4.6"),
        ("engine", "3.250.0", 0, "3.250.0"),
    ]


def test_what_was_used_of_late_stays_and_so_does_what_runs(home: Path) -> None:
    old, busy, fresh = (environment(home, name, days=days) for name, days in (("a", 40), ("b", 50), ("c", 2)))
    process = subprocess.Popen([sys.executable, "-c", "input()", str(busy)], stdin=subprocess.PIPE)
    try:
        assert [item.path for item in prune(30 * DAY_S, dry_run=True)] == [old]
        assert old.is_dir(), "nothing goes where it is only asked"
        assert [item.path for item in prune(30 * DAY_S)] == [old]
    finally:
        process.communicate(b"\n")
    assert not old.exists()
    assert [item.path for item in environments()] == [fresh, busy]


def test_what_earlier_versions_of_fogbank_have_in_an_environment_that_stays_goes(home: Path) -> None:
    fresh = environment(home, "a", days=2)
    for name, days in (("new", 1), ("old", 40)):
        (fresh / "fogbank" / name).mkdir(parents=True)
        os.utime(fresh / "fogbank" / name, (time.time() - days * DAY_S,) * 2)

    assert prune(30 * DAY_S) == []
    assert [path.name for path in (fresh / "fogbank").iterdir()] == ["new"]


@pytest.mark.skipif(sys.platform != "linux", reason="who waits for a lock is read from /proc")
@pytest.mark.parametrize("place", [".", "fogbank/layer"])
def test_what_is_asked_for_while_it_is_to_go_stays(home: Path, place: str) -> None:
    kept = environment(home, "a", days=40 if place == "." else 2)
    asked = kept / place
    asked.mkdir(parents=True, exist_ok=True)
    os.utime(asked, (time.time() - 40 * DAY_S,) * 2)
    lock = home / "environments" / "a.lock"
    with locked(lock):
        pruning = threading.Thread(target=prune, args=(30 * DAY_S,))
        pruning.start()
        waits = f":{lock.stat().st_ino} "
        until(lambda: not asked.exists() or any("->" in line for line in locks() if waits in line))
        assert asked.exists(), "it takes the lock first"
        os.utime(asked)
    pruning.join()

    assert asked.exists()


def locks() -> list[str]:
    return Path("/proc/locks").read_text().splitlines()


def test_what_a_pruning_that_was_killed_has_left_goes_at_the_next(home: Path) -> None:
    left = environment(home, "build-pruned-x", days=40)

    assert [item.path for item in prune(30 * DAY_S)] == [left]
    assert environments() == []


def test_an_empty_cache_holds_nothing(home: Path) -> None:
    assert (kept(), prune(0)) == ([], [])
