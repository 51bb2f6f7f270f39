"""Bodies in memory and in files: the same bytes, nothing left behind."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from fogbank.cloud.ground.payload import (
    EMPTY,
    SPOOL_OVER,
    Payload,
    Piece,
    emptied,
    parts_of,
    spool,
)


def test_pieces_in_memory_and_in_files_are_one_body(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    payload = Payload(pieces=(b"a", Piece(file, 2, 5), b"", Piece(file, 9, 1)))

    assert (payload.size, payload.read()) == (7, b"a234569")
    assert list(payload.parts(2)) == [b"a", b"23", b"45", b"6", b"9"]
    assert (EMPTY.size, EMPTY.read(), Payload.of(b"")) == (0, b"", EMPTY)


def test_a_file_that_is_too_short_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"123")

    with pytest.raises(OSError, match="2 bytes too early"):
        Payload(pieces=(Piece(file, 0, 5),)).read()


@pytest.mark.parametrize("length", [0, 1, SPOOL_OVER, SPOOL_OVER + 1])
def test_a_body_is_spooled_when_it_is_long(tmp_path: Path, length: int) -> None:
    body = b"x" * length
    payload = spool(parts_of(io.BytesIO(body)), tmp_path)

    assert payload.read() == body
    assert (payload.temporary is not None) == (length > SPOOL_OVER)
    payload.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [10, 2 * SPOOL_OVER])
def test_a_body_that_breaks_off_leaves_nothing(tmp_path: Path, length: int) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * length
        raise OSError("3 bytes did not come")

    with pytest.raises(OSError, match="3 bytes"):
        spool(broken(), tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_taken_stays(tmp_path: Path) -> None:
    payload = spool(iter([b"x" * (SPOOL_OVER + 1)]), tmp_path)

    assert payload.take(tmp_path / "kept")
    payload.close()
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]
    assert not Payload.of(b"1").take(tmp_path / "no")


def test_who_lent_the_pieces_hears_of_the_end() -> None:
    ends: list[str] = []
    Payload(closing=lambda: ends.append("end")).close()

    assert ends == ["end"]


def test_what_a_killed_cloud_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / "left").write_text("1")

    assert list(emptied(tmp_path / "incoming").iterdir()) == []
    assert list(emptied(tmp_path / "new").iterdir()) == []


def test_a_temporary_file_that_cannot_be_removed_fails_nothing(tmp_path: Path) -> None:
    ends: list[str] = []
    (tmp_path / "t").mkdir()
    Payload(temporary=tmp_path / "t", closing=lambda: ends.append("end")).close()
    assert ends == ["end"]
