"""What kind of failure it is that a package does not load, or fails on its sample: a code that stays, and the cause.

In: the error; out: both, for whoever checks a package before it is deployed.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

from fogbank.serve.problems import LoadError, RequestError
from fogbank.serve.program import located

NETWORK = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ECONNREFUSED, errno.EADDRNOTAVAIL, errno.ENETDOWN}
READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
FOREIGN_LIBRARY = ("wrong elf class", "invalid elf header", "exec format error", "cannot open shared object file")


def diagnose(error: BaseException, code_dir: Path) -> tuple[str, str]:
    """The code and the cause."""
    if isinstance(error, LoadError):
        own = "" if error.code in {"file-differs", "handler-contract", "handler-missing"} else deeper(error)
        return own or error.code, str(error)
    if isinstance(error, RequestError):
        return "sample-refused", f"the handler refuses the sample: {error}"
    return deeper(error) or "sample-failed", f"the handler fails on the sample: {located(error, code_dir)}"


def deeper(error: BaseException) -> str:
    """The code of the first error behind this one that says what it is by its type; empty where none does."""
    return next((code for cause in _behind(error) if (code := _code(cause))), "")


def _behind(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _code(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return "dependency-missing"
    if isinstance(error, ImportError | OSError) and any(word in str(error).lower() for word in FOREIGN_LIBRARY):
        return "wrong-architecture"
    if isinstance(error, socket.gaierror) or (isinstance(error, OSError) and error.errno in NETWORK):
        return "needs-network"
    if isinstance(error, OSError) and error.errno in READ_ONLY:
        return "model-dir-read-only"
    if isinstance(error, SyntaxError):
        return "handler-syntax"
    return "memory-exceeded" if isinstance(error, MemoryError) else ""
