"""Whose a connection is: what the kernel says over netlink and in its tables is the same, and what it does not say is nobody's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fogbank.ground.peers import Kernel, Owner, listed
from fogbank.ground.processes import held_below, tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux says whose a connection is")


@contextmanager
def connected(family: int = socket.AF_INET, host: str = "127.0.0.1") -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends: the server's, the client's."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(family) as theirs:
        theirs.connect((host, server.getsockname()[1]))
        ours, _ = server.accept()
        with ours:
            yield ours, theirs


def asked(ours: socket.socket) -> list[Owner | None]:
    return [ask(ours.getsockname(), ours.getpeername()) for ask in (Kernel().owner, listed)]


def test_the_peers_user_and_inode_are_said() -> None:
    with connected() as (ours, theirs):
        mine = Owner(os.geteuid(), os.fstat(theirs.fileno()).st_ino)

        assert asked(ours) == [mine, mine]
        assert mine.is_mine()
        assert not Owner(os.geteuid() + 1, mine.inode).is_mine()


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_an_ipv4_connection_of_an_ipv6_socket_is_too() -> None:
    with connected(socket.AF_INET6, "::ffff:127.0.0.1") as (ours, theirs):
        mine = Owner(os.geteuid(), os.fstat(theirs.fileno()).st_ino)

        assert asked(ours) == [mine, mine]


def test_who_has_closed_its_end_is_nobody_though_what_is_left_of_it_counts_as_roots() -> None:
    with connected() as (ours, theirs):
        theirs.sendall(b"GET /_fogbank/stop HTTP/1.1\r\n\r\n")
        theirs.close()

        assert asked(ours) == [None, None]


def test_a_peer_that_only_says_no_more_is_still_there() -> None:
    with connected() as (ours, theirs):
        theirs.shutdown(socket.SHUT_WR)

        assert None not in asked(ours)


def test_a_listening_socket_at_the_peers_address_is_not_the_peer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        at = listening.getsockname()

        assert Kernel().owner(("127.0.0.1", 1), at) is None
        assert listed(("127.0.0.1", 1), at) is None


HOLDS = """
import socket, sys, subprocess
held = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print(held.fileno(), flush=True)
sys.stdin.read()
"""
PASSES_ON = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', sys.argv[1], sys.argv[2]], start_new_session=True).returncode)"


def test_a_process_that_this_one_has_started_is_told_apart_though_the_user_is_the_same() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, "-c", PASSES_ON, HOLDS, str(server.getsockname()[1])]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            ours, _ = server.accept()
            with ours:
                owner = Kernel().owner(ours.getsockname(), ours.getpeername())
                child.stdout.readline()
                assert owner is not None
                assert owner.uid == os.geteuid()
                assert owner.is_users()
                assert not owner.is_mine(), "its grandchild, in a session of its own"
                assert held_below(child.pid, owner.inode)
                assert len(list(tree(child.pid))) == 2
            assert child.stdin is not None
            child.stdin.close()
