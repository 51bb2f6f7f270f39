"""Damage is told from a fresh start, and a full disk from damage."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from fogbank.cloud.ground.state import DamagedStateError, is_full, refuse_emptied
from fogbank.cloud.ground.store import Store


def test_a_fresh_folder_is_no_damage_and_an_emptied_store_is(tmp_path: Path) -> None:
    file = tmp_path / "cloud.db"
    (tmp_path / "capture").mkdir()
    refuse_emptied(file)
    file.touch()
    refuse_emptied(file)
    (tmp_path / "capture" / "record").write_text("{}")

    with pytest.raises(DamagedStateError, match="is empty, and capture beside it"):
        Store(file)
    file.unlink()
    with pytest.raises(DamagedStateError, match="is gone"):
        Store(file)


def test_a_page_of_zeros_is_found_at_once(tmp_path: Path) -> None:
    file = tmp_path / "cloud.db"
    store = Store(file)
    for number in range(200):
        store.put("kind", "region", f"name-{number}", {"value": "x" * 200})
    store.close()
    whole = file.read_bytes()
    found = 0
    for place in range(4096, len(whole), 4096):
        file.write_bytes(whole[:place] + bytes(4096) + whole[place + 4096 :])
        try:
            Store(file).close()
        except (DamagedStateError, sqlite3.DatabaseError):
            found += 1

    assert found == len(whole) // 4096 - 1


def test_a_full_disk_is_told_from_other_errors(tmp_path: Path) -> None:
    assert is_full(OSError(errno.ENOSPC, "no room"), tmp_path)
    assert not is_full(OSError(errno.EACCES, "no right"), tmp_path)
    assert not is_full(ValueError("x"), tmp_path)
    db = sqlite3.connect(":memory:")
    db.execute("PRAGMA max_page_count=1")
    with pytest.raises(sqlite3.OperationalError) as caught:
        db.execute("CREATE TABLE t (a)")
    db.close()
    assert is_full(caught.value, tmp_path)
