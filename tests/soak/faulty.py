"""A cloud process whose file system fails on demand: libfiu stands between it and the C library (Debian: fiu-utils).

Points that a socket or an event loop's own descriptors use too (read, write, close) are left out: their failures are no disk's.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.soak.killing import LongLived

POINTS = (
    "posix/io/rw/pread", "posix/io/rw/pread/reduce", "posix/io/rw/pwrite", "posix/io/rw/pwrite/reduce", "posix/io/rw/ftruncate",
    "posix/io/sync/fsync", "posix/io/sync/fdatasync", "posix/io/oc/open", "posix/io/dir/rename", "posix/io/dir/unlink", "posix/io/dir/opendir",
    "posix/io/dir/*", "posix/io/sync/*", "posix/io/rw/pwrite*", "posix/io/rw/pread*",
)  # fmt: skip
"""What fails, by libfiu's names; `reduce` does less than it was asked for."""
LIBRARIES = " ".join(f"/usr/lib/fiu/fiu_{name}_preload.so" for name in ("run", "posix"))


class Faulty(LongLived):
    """Its files fail while `failing` says so; once `mended` it starts as any other."""

    mended = False

    def start(self, port: int = 0) -> None:
        """With the libraries in between."""
        between = {} if self.mended else {"LD_PRELOAD": LIBRARIES, "FIU_ENABLE": "", "FIU_CTRL_FIFO": self._pipe}
        os.environ.update(between)
        try:
            super().start(port)
        finally:
            for name in between:
                del os.environ[name]

    @property
    def _pipe(self) -> str:
        return f"{Path(self.folder).parent}/fiu"

    @contextmanager
    def failing(self, point: str, probability: float) -> Iterator[None]:
        """Calls of this point fail so often, with whatever errors the C library documents for them."""
        self._tell(f"enable_random name={point},probability={probability}")
        yield
        self._tell(f"disable name={point}")

    def _tell(self, command: str) -> None:
        pid = str(self.address.pid)
        done = subprocess.run(
            ["fiu-ctrl", "-f", self._pipe, "-c", command, pid], capture_output=True, text=True, timeout=20, check=True
        )
        assert not done.stderr, done.stderr  # it ends with 0 also where there is no such process
