"""The file of a snapshot: whole and this user's own, or told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.cloud.moto.snapshot import FILE, Snapshot, SnapshotError, Snapshots, user_key

KEY = b"k" * 32
WRITTEN = Snapshot(seq=7, data=b"\x00memory\n" * 50)


def test_what_was_written_is_read_and_the_later_one_counts(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, KEY)
    assert snapshots.read() is None

    snapshots.write(Snapshot(seq=1, data=b"a"))
    snapshots.write(WRITTEN)

    assert snapshots.read() == WRITTEN
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    snapshots.forget()
    assert snapshots.read() is None


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.99])
def test_a_changed_byte_anywhere_is_damage(tmp_path: Path, share: float) -> None:
    Snapshots(tmp_path, KEY).write(WRITTEN)
    file = tmp_path / FILE
    data = bytearray(file.read_bytes())
    data[int(share * len(data))] ^= 1
    file.write_bytes(data)

    with pytest.raises(SnapshotError, match="damaged"):
        Snapshots(tmp_path, KEY).read()


@pytest.mark.parametrize("left", [0, 1, 60, 200])
def test_a_file_that_was_cut_is_damage(tmp_path: Path, left: int) -> None:
    Snapshots(tmp_path, KEY).write(WRITTEN)
    file = tmp_path / FILE
    file.write_bytes(file.read_bytes()[:left])

    with pytest.raises(SnapshotError, match="damaged"):
        Snapshots(tmp_path, KEY).read()


def test_another_users_snapshot_is_not_opened(tmp_path: Path) -> None:
    Snapshots(tmp_path, b"x" * 32).write(WRITTEN)

    with pytest.raises(SnapshotError, match="another user's"):
        Snapshots(tmp_path, KEY).read()


def test_what_was_half_written_leaves_the_earlier_one(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, KEY)
    snapshots.write(WRITTEN)
    (tmp_path / FILE).with_suffix(".new").write_bytes(b"half")

    assert snapshots.read() == WRITTEN
    snapshots.write(Snapshot(seq=8, data=b"b"))
    assert snapshots.read() == Snapshot(seq=8, data=b"b")


def test_the_key_is_made_once_and_nobody_else_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    key = user_key(folder)

    assert len(key) == 32
    assert user_key(folder) == key
    assert user_key(tmp_path / "others") != key
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]


def test_a_key_that_was_cut_short_is_none_and_one_that_cannot_be_kept_is_for_this_time(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    user_key(folder)
    (folder / "snapshots").write_bytes(b"")

    key = user_key(folder)

    assert (len(key), user_key(folder)) == (32, key)
    (tmp_path / "file").write_text("")
    assert len(user_key(tmp_path / "file")) == 32
    assert user_key(tmp_path / "file") != user_key(tmp_path / "file")
