"""A request's body while it arrives: in memory while it is small, then written to a temporary file piece by piece.

In: pieces, on the event loop, each at most what one read gave; out: a Payload, or nothing left where the rest never came.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from fogbank.cloud.ground.payload import EMPTY, SPOOL_OVER, Payload, write_all


class Arriving:
    """One body on its way into the folder `incoming`."""

    __slots__ = ("_descriptor", "_file", "_held", "_incoming", "_size")

    def __init__(self, incoming: Path) -> None:
        self._incoming = incoming
        self._held: list[bytes] = []
        self._size = 0
        self._descriptor = -1
        self._file: Path | None = None

    def add(self, piece: bytes) -> None:
        """One piece more. Raises OSError where it cannot be written."""
        self._size += len(piece)
        if self._descriptor >= 0:
            write_all(self._descriptor, piece)
            return
        self._held.append(piece)
        if self._size > SPOOL_OVER:
            self._descriptor, name = tempfile.mkstemp(dir=self._incoming)
            self._file = Path(name)
            for held in self._held:
                write_all(self._descriptor, held)
            self._held.clear()

    def whole(self) -> Payload:
        """The body; what is added from now on is another one's."""
        self._size = 0
        if self._file is not None:
            os.close(self._descriptor)
            payload = Payload.of_temporary(self._file)
            self._descriptor, self._file = -1, None
            return payload
        if not self._held:
            return EMPTY
        held, self._held = self._held, []
        return Payload.of(held[0] if len(held) == 1 else b"".join(held))

    def drop(self) -> None:
        """Leave nothing of it."""
        if self._file is not None:
            os.close(self._descriptor)
            self._file.unlink(missing_ok=True)
            self._descriptor, self._file = -1, None
        self._held.clear()
