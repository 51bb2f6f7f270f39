"""Bodies on their way: small ones in memory, long ones in a file, nothing left of those that do not come whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.cloud.ground.arriving import Arriving
from fogbank.cloud.ground.payload import EMPTY, SPOOL_OVER


@pytest.mark.parametrize("sizes", [[1], [1, 2], [SPOOL_OVER], [SPOOL_OVER, 1], [SPOOL_OVER + 1, 5, SPOOL_OVER]])
def test_pieces_are_one_body(tmp_path: Path, sizes: list[int]) -> None:
    arriving = Arriving(tmp_path)
    pieces = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    for piece in pieces:
        arriving.add(piece)
    payload = arriving.whole()

    assert payload.read() == b"".join(pieces)
    assert len(list(tmp_path.iterdir())) == (sum(sizes) > SPOOL_OVER)
    payload.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [0, 10, SPOOL_OVER + 1])
def test_what_does_not_come_whole_leaves_nothing(tmp_path: Path, size: int) -> None:
    arriving = Arriving(tmp_path)
    arriving.add(b"x" * size)
    arriving.drop()
    arriving.drop()

    assert list(tmp_path.iterdir()) == []
    assert Arriving(tmp_path).whole() is EMPTY
