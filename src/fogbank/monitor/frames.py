"""What hosts tell one another: values over a connection, each whole or not at all.

In: a socket; out: lists of plain values, profiles and errors. They are pickled, and of a stranger's bytes nothing is made but the kinds that
are named here: none of them does anything when it is made.
"""

from __future__ import annotations

import io
import pickle
import socket
import struct
from typing import Any

from fogbank.monitor.together import EndedError

LENGTH = struct.Struct(">Q")
LONGEST = 4 << 30
"""Bytes of a value; a profile of 10,000 columns has some hundred million."""
KNOWN = frozenset({
    ("fogbank.monitor.blocks", "QuotedError"),
    ("fogbank.monitor.captures", "_Read"),
    ("fogbank.monitor.counts", "Distinct"),
    ("fogbank.monitor.counts", "Frequent"),
    ("fogbank.monitor.dataset", "Aside"),
    ("fogbank.monitor.dataset", "BadRecord"),
    ("fogbank.monitor.dataset", "DatasetError"),
    ("fogbank.monitor.fields", "FieldsError"),
    ("fogbank.monitor.files", "_Part"),
    ("fogbank.monitor.moments", "Moments"),
    ("fogbank.monitor.profile", "Column"),
    ("fogbank.monitor.profile", "Profile"),
    ("fogbank.monitor.scripts", "ScriptError"),
    ("fogbank.monitor.sketch", "Quantiles"),
    ("fogbank.monitor.together", "EndedError"),
    ("fogbank.monitor.unnamed", "UnnamedRows"),
    ("fogbank.monitor.unnamed", "_Width"),
    ("collections", "Counter"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.numeric", "_frombuffer"),
})  # fmt: skip


class LineError(Exception):
    """The other side has ended, or says what is no value."""


class Frames:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.settimeout(None)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def fileno(self) -> int:
        """For select."""
        return self._connection.fileno()

    def put(self, kind: str, value: Any = None) -> None:
        """Say a value, and what it is; an error of a kind that is not known is said by its words. Raises LineError."""
        if isinstance(value, Exception) and not _is_known(value):
            value = EndedError(repr(value))
        body = pickle.dumps((kind, value))
        try:
            self._connection.sendall(LENGTH.pack(len(body)) + body)
        except OSError as error:
            raise LineError(str(error)) from error

    def get(self) -> tuple[str, Any]:
        """Hear a value, and what it is. Raises LineError."""
        try:
            [length] = LENGTH.unpack(self._exactly(LENGTH.size))
            if length > LONGEST:
                raise LineError(f"a value of {length} bytes")
            kind, value = _Reader(io.BytesIO(self._exactly(length))).load()
        except (OSError, pickle.UnpicklingError, EOFError, AttributeError, IndexError, TypeError, ValueError) as error:
            raise LineError(str(error) or "the connection was closed") from error
        return kind, value

    def close(self) -> None:
        """No more."""
        self._connection.close()

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self._connection.recv(min(1 << 20, size - len(parts)))
            if not part:
                raise EOFError("the connection was closed")
            parts += part
        return bytes(parts)


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """A known kind. Raises UnpicklingError."""
        if (module, name) not in KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} is nothing that hosts tell one another")
        return super().find_class(module, name)


def _is_known(error: Exception) -> bool:
    return (type(error).__module__, type(error).__name__) in KNOWN
