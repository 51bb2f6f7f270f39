"""Bodies as files, named by their SHA-256: the same bytes lie there once, and a name can never lead elsewhere.

In: a payload and its digest; out: a file, until nothing refers to it. A file is there before a row says so (written aside, renamed), and
goes after the last row went; what a cloud that was killed left between the two is swept. Nothing is fsynced: a kill loses nothing that
was told, as in the cloud's store, and a power cut may lose the last moments.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fogbank.cloud.ground.payload import Payload

NAME = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """The files of one folder; `incoming`, on the same file system, is where a body waits."""

    def __init__(self, folder: Path, incoming: Path) -> None:
        self._folder, self.incoming = folder, incoming
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        self._unwanted: set[str] = set()
        for number in range(256):
            (folder / f"{number:02x}").mkdir(parents=True, exist_ok=True)
        incoming.mkdir(parents=True, exist_ok=True)

    def file(self, name: str) -> Path:
        """Where a body lies."""
        return self._folder / name[:2] / name

    def draft(self, payload: Payload) -> Payload:
        """The payload as a temporary file beside the blobs, if it is none yet. Raises OSError, leaving nothing."""
        if payload.temporary is not None:
            return payload
        handle, name = tempfile.mkstemp(dir=self.incoming)
        try:
            with os.fdopen(handle, "wb") as target:
                for part in payload.parts():
                    target.write(part)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return Payload.of_temporary(Path(name))

    def place(self, draft: Payload, name: str) -> None:
        """Let a draft be the body of that name."""
        with self._lock:
            self._unwanted.discard(name)
            draft.take(self.file(name))

    def hold(self, names: Sequence[str]) -> Callable[[], None]:
        """Keep bodies that are being read; the function lets go of them, once."""
        with self._lock:
            self._held.update(names)
        pending = [names]

        def release() -> None:
            with self._lock:
                for name in pending.pop() if pending else ():
                    self._held[name] -= 1
                    if self._held[name] <= 0:
                        del self._held[name]
                        if name in self._unwanted:
                            self._unwanted.discard(name)
                            self.file(name).unlink(missing_ok=True)

        return release

    def discard(self, name: str) -> None:
        """Nothing refers to the body any more: it goes, when nobody reads it."""
        with self._lock:
            if self._held[name] > 0:
                self._unwanted.add(name)
            else:
                del self._held[name]
                self.file(name).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """Every body there is."""
        for folder in sorted(self._folder.iterdir()):
            with os.scandir(folder) as entries:
                yield from [entry.name for entry in entries if NAME.fullmatch(entry.name)]
