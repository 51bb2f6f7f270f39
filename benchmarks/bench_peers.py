"""What it costs to know whose a connection is: the kernel's word at accept, and the look through what the cloud has started, at the
connection's first request. Aim: under a millisecond, however many sockets and connections there are.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from measure import timed

from fogbank.ground.peers import Kernel, listed
from fogbank.ground.processes import held_below

CONNECTIONS = 400
CHILDREN, OPEN_FILES = 20, 40
HOLDS = f"import sys\nheld = [open('/dev/null') for _ in range({OPEN_FILES})]\nprint(flush=True)\nsys.stdin.read()"


def main() -> None:
    """Both, with as many connections and child processes as a busy cloud has."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=CONNECTIONS))
        pairs = []
        for _ in range(CONNECTIONS):
            theirs = stack.enter_context(socket.create_connection(server.getsockname()))
            ours = stack.enter_context(server.accept()[0])
            pairs.append((ours.getsockname(), theirs.getsockname()))
        kernel = Kernel()
        tell(
            f"whose a connection is, of {CONNECTIONS}, by netlink",
            [1e6 * timed(kernel.owner, *pair) for pair in pairs],
            "us",
        )
        tell("the same by /proc/net/tcp", [1e6 * timed(listed, *pair) for pair in pairs[:20]], "us")
        for _ in range(CHILDREN):
            child = stack.enter_context(
                subprocess.Popen([sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            assert child.stdout is not None
            child.stdout.readline()
        looks = [1e3 * timed(held_below, os.getpid(), 1) for _ in range(20)]
        tell(f"the look through {CHILDREN} processes of {OPEN_FILES} descriptors", looks, "ms")


def tell(what: str, figures: Sequence[float], unit: str) -> None:
    """One line: median and range."""
    print(
        f"{what:<66} median {statistics.median(figures):8.2f} {unit}  ({min(figures):.2f}-{max(figures):.2f}, n={len(figures)})"
    )


if __name__ == "__main__":
    main()
