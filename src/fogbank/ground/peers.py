"""Whose socket is at the other end of a loopback connection, as the kernel says it.

In: a TCP connection's two addresses (IPv4); out: the user and the inode of the peer's socket, or None where the kernel does not say
it: another system than Linux, a peer that has closed its socket (what is left of it counts as root's), another network namespace.
Source: sock_diag(7) and linux/inet_diag.h; where netlink is not let in, /proc/net/tcp and tcp6 (proc(5)).
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import socket
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

from fogbank.ground.processes import held_below

Address = tuple[str, int]
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST = 4, 20, 1
HEADER = struct.Struct("=IHHII")
ASKED = struct.Struct("=BBBBI")
WITHIN = struct.Struct("=I8s")
ANY_COOKIE = b"\xff" * 8
SOCKET_ID, OWNED = 4, struct.Struct("=12xII")
"""Where in an inet_diag_msg the socket's addresses are; and, behind them, after three numbers, its user and its inode."""
ADDRESSES_SIZE, ID_SIZE = 36, 48
OPEN_STATES = frozenset({1, 4, 5, 8})
"""ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT: a process may still hold it. A listening socket is nobody's end of a connection."""
PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Owner:
    """A socket's user and its inode."""

    uid: int
    inode: int

    def is_users(self) -> bool:
        """Whether the socket is of the user that this process runs as."""
        return self.uid == os.geteuid()

    def is_mine(self) -> bool:
        """Whether it is, and no process that descends from this one holds it."""
        return self.is_users() and not held_below(os.getpid(), self.inode)


class Kernel:
    """Asks the kernel, a few microseconds a question however many sockets there are. Safe from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._socket: socket.socket | None = None
        with contextlib.suppress(OSError, AttributeError):  # AttributeError: no Linux
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
            self._socket.settimeout(PATIENCE_S)

    def owner(self, ours: Address, theirs: Address) -> Owner | None:
        """The owner of the peer's socket, which is at `theirs` and is connected to `ours`."""
        try:
            if self._socket is not None:
                return self._asked(ours, theirs)
        except OSError:
            self._socket = None  # netlink is there and has no sock_diag, or is not let in
        with contextlib.suppress(OSError):
            return listed(ours, theirs)
        return None

    def _asked(self, ours: Address, theirs: Address) -> Owner | None:
        assert self._socket is not None  # noqa: S101 - the caller has looked
        number = next(self._numbers) & 0xFFFFFFFF
        addresses = (
            struct.pack("!HH", theirs[1], ours[1])
            + socket.inet_aton(theirs[0]).ljust(16, b"\0")
            + socket.inet_aton(ours[0]).ljust(16, b"\0")
        )
        body = ASKED.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + addresses + WITHIN.pack(0, ANY_COOKIE)
        with self._lock:
            self._socket.send(
                HEADER.pack(HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, number, 0) + body
            )
            while True:
                data = self._socket.recv(8192)
                _, kind, _, answered, _ = HEADER.unpack_from(data)
                if answered == number:
                    break
        if kind != SOCK_DIAG_BY_FAMILY:
            error = -struct.unpack_from("=i", data, HEADER.size)[0]
            if error == errno.ENOENT:
                return None
            raise OSError(error, os.strerror(error))
        told = data[HEADER.size :]
        uid, inode = OWNED.unpack_from(told, SOCKET_ID + ID_SIZE)
        same = told[SOCKET_ID : SOCKET_ID + 4] == addresses[:4]
        return Owner(uid, inode) if same and told[1] in OPEN_STATES and inode else None


def listed(ours: Address, theirs: Address, folder: Path = Path("/proc/net")) -> Owner | None:
    """The same from the kernel's tables. Raises OSError where there are none."""
    wanted = {f"{prefix}{_hex(address)}" for address in (theirs,) for prefix in ("", MAPPED)}
    other = {f"{prefix}{_hex(address)}" for address in (ours,) for prefix in ("", MAPPED)}
    for table in ("tcp", "tcp6"):
        for line in (folder / table).read_text().splitlines()[1:] if (folder / table).exists() else ():
            fields = line.split()
            if fields[1] in wanted and fields[2] in other and int(fields[3], 16) in OPEN_STATES and int(fields[9]):
                return Owner(int(fields[7]), int(fields[9]))
    return None


MAPPED = "0000000000000000FFFF0000"
"""How /proc/net/tcp6 begins an IPv4 address."""


def _hex(address: Address) -> str:
    return f"{struct.unpack('=I', socket.inet_aton(address[0]))[0]:08X}:{address[1]:04X}"
