"""The aws-chunked encoding, in which SDKs send bodies with a signature or a trailer.

In: the chunks of a body as sent; out: the bytes that were meant, and the trailers behind them. Signatures are
the gate's (`cloud/gate.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

LONGEST_LINE = 16384


class ChunkError(Exception):
    """The body is no aws-chunked body, or ends too early."""


class Chunked:
    """One body; `trailers` are there when `parts` has ended."""

    def __init__(self, sent: Iterator[bytes]) -> None:
        self._sent, self._buffer = sent, b""
        self.trailers: dict[str, str] = {}

    def parts(self) -> Iterator[bytes]:
        """The decoded bytes. Raises ChunkError."""
        while size := self._size():
            while size:
                if not self._buffer and not self._more():
                    raise ChunkError("a chunk ends too early")
                part, self._buffer = self._buffer[:size], self._buffer[size:]
                size -= len(part)
                yield part
            if self._line():
                raise ChunkError("a chunk is longer than it says")
        while line := self._line(required=False):
            name, _, value = line.partition(":")
            self.trailers[name.strip().lower()] = value.strip()

    def _size(self) -> int:
        digits = self._line().partition(";")[0].strip()
        try:
            return int(digits, 16)
        except ValueError as error:
            raise ChunkError(f"{digits[:20]!r} is no chunk's length") from error

    def _line(self, *, required: bool = True) -> str:
        while b"\n" not in self._buffer:
            if len(self._buffer) > LONGEST_LINE or not self._more():
                if required:
                    raise ChunkError("the body ends too early")
                break
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r").decode("latin-1")

    def _more(self) -> bool:
        part = next(self._sent, b"")
        self._buffer += part
        return bool(part)
