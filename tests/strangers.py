"""Another user of this machine: a process that begins as this one's user, so that it can load what it needs, and goes on as `nobody`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

NOBODY = 65534
BECOME = f"import encodings.idna, json, os, socket, sys\nos.setgid({NOBODY}); os.setuid({NOBODY})\nargument = json.load(sys.stdin)\n"
SPEAKS = """
port, text, stays = argument
answer = b""
with socket.create_connection(("127.0.0.1", port)) as peer:
    peer.sendall(text.encode("latin-1"))
    peer.settimeout(20)
    while stays and (part := peer.recv(65536)):
        answer += part
print(json.dumps(answer.decode("latin-1")))
"""


def needs_root() -> None:
    """Skip the test, or fail it in CI, where no process can become another user's."""
    if os.geteuid() != 0:
        if os.environ.get("FOGBANK_EVERY_TEST"):
            pytest.fail("CI runs as root")
        pytest.skip("needs root, to become another user")


def as_nobody(code: str, argument: Any, before: str = "") -> Any:
    """What a program prints that goes on as another user after `before`; it has its `argument`."""
    needs_root()
    command = [sys.executable, "-c", f"{before}\n{BECOME}{code}"]
    done = subprocess.run(command, input=json.dumps(argument), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def said_by_nobody(port: int, request: str, *, stays: bool = True) -> str:
    """The whole answer to what another user says to a port; without `stays` it goes as soon as it has said it."""
    answer: str = as_nobody(SPEAKS, [port, request, stays])
    return answer
