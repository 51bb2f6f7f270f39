"""SageMaker's conditions for this process and its children: no network but loopback, a model folder that cannot be written, and no
process of anybody else's in sight, whose environment could be read.

In: a folder; out: which conditions could not be had here. By Linux namespaces (user, network, mount, process); needs no root where the
kernel lets users have them. It changes the process that calls it, which must have one thread.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path

from fogbank.ground.namespaces import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    MS_PRIVATE,
    MS_REC,
    PR_SET_PDEATHSIG,
    bind,
    call,
    library,
    loopback_up,
    map_user,
    own_proc,
)

NETWORK, READ_ONLY, ALONE = "no network", "read-only /opt/ml/model", "no other process in sight"


def isolate(model: Path) -> list[str]:
    """Take the network away and make `model` read-only; the names of what this machine does not let us do."""
    try:
        libc = library()
        _new_user(libc)
        conditions = {NETWORK: lambda: _no_network(libc), READ_ONLY: lambda: _freeze(libc, model)}
        return [name for name, enter in conditions.items() if not _done(enter)]
    except (OSError, AttributeError):  # no such calls: another system than Linux
        return [NETWORK, READ_ONLY]


def go_on_alone() -> bool:
    """Go on in a child that sees no process but its own, after `isolate`; False where this machine does not let us.

    The process that calls this ends as its child ends; what the child has started ends with it, whatever it is.
    """
    try:
        libc = library()
        if os.waitpid(_forked(lambda: _see_alone(libc)), 0)[1] != 0:  # tried first: from there is no way back
            return False
        child = _alone(libc)
    except (OSError, AttributeError):
        return False
    if child:
        os._exit(_exit_status(child))
    own_proc(libc)
    return True


def _see_alone(libc: ctypes.CDLL) -> None:
    """Try it, in a process that then ends. Raises OSError."""
    child = _alone(libc)
    if child:
        os._exit(_exit_status(child))
    call(libc.unshare(CLONE_NEWNS))
    own_proc(libc)


def _alone(libc: ctypes.CDLL) -> int:
    """Fork into a process namespace of its own; what fork returns. The child ends with its parent. Raises OSError."""
    call(libc.unshare(CLONE_NEWPID))
    child = os.fork()
    if not child:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return child


def _forked(work: Callable[[], None]) -> int:
    """A child that does something and ends, with 0 where that raised nothing."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except OSError:
        os._exit(1)
    os._exit(0)


def _exit_status(child: int) -> int:
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if status >= 0 else 1


def _done(enter: Callable[[], None]) -> bool:
    try:
        enter()
    except OSError:
        return False
    return True


def _new_user(libc: ctypes.CDLL) -> None:
    """Root of a user namespace of our own, where we are not root already."""
    user, group = os.getuid(), os.getgid()
    if user == 0:
        return
    call(libc.unshare(CLONE_NEWUSER))
    map_user(0, user, group)


def _no_network(libc: ctypes.CDLL) -> None:
    call(libc.unshare(CLONE_NEWNET))
    loopback_up()


def _freeze(libc: ctypes.CDLL, model: Path) -> None:
    call(libc.unshare(CLONE_NEWNS))
    call(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    bind(libc, str(model), str(model), read_only=True)
