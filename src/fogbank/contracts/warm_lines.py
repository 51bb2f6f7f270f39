"""What goes between the local cloud and its warm analyzer: a run that is asked for, and how it goes.

Asked: one datagram of JSON with the run's environment and folder, and three descriptors (log, lifeline, status). Told, on the status socket:
the process id, then the exit status, each a whole number of four bytes; its end without a status is the end of the analyzer.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass

MODULE = "fogbank.monitor.warm"
"""What is run as a process."""
ENV_WARM_FD = "FOGBANK_WARM_FD"
LARGEST = 1 << 17
"""Bytes of a datagram."""
NUMBER = struct.Struct("<i")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run: its whole environment and its folder; in the other process with descriptors of its log, lifeline and status."""

    environment: Mapping[str, str]
    folder: str
    log: int
    lifeline: int
    status: int


def ask(line: socket.socket, run: Run) -> None:
    """Ask for a run. Raises OSError, also where it is longer than a datagram."""
    body = json.dumps({"environment": dict(run.environment), "folder": run.folder}).encode()
    if len(body) > LARGEST:  # the socket would take more than is read at the other end
        raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    socket.send_fds(line, [body], [run.log, run.lifeline, run.status])


def asked(line: socket.socket) -> Run | None:
    """The next run that is asked for; None where nobody asks any more. Raises OSError, and ValueError for what is no run."""
    body, descriptors, _, _ = socket.recv_fds(line, LARGEST, 3)
    if not body:
        return None
    try:
        log, lifeline, status = descriptors
        return Run(**json.loads(body), log=log, lifeline=lifeline, status=status)
    except (ValueError, TypeError) as error:
        for descriptor in descriptors:
            os.close(descriptor)  # so that who asked hears of it
        raise ValueError(f"no run: {error}") from error
