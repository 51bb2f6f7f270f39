"""The servers of a local cloud as processes. An answer names its server by the port: behind its wall a process has a number of its own."""

from __future__ import annotations

from pathlib import Path

from fogbank.ground.processes import tree
from fogbank.testing import CloudProcess


def below(cloud: CloudProcess) -> list[int]:
    """The processes below the cloud's own."""
    return [pid for pid in tree(cloud.address.pid) if pid != cloud.address.pid]


def server_at(cloud: CloudProcess, port: int) -> int:
    """The process of the server at a port, or what stands before it."""
    told = f"SAGEMAKER_BIND_TO_PORT={port}".encode()
    return next(pid for pid in below(cloud) if told in _words(pid, "environ"))


def command_line(pid: int) -> list[bytes]:
    """Its words; none where it has ended."""
    return _words(pid, "cmdline")


def _words(pid: int, file: str) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes().split(b"\0")
    except OSError:
        return []
