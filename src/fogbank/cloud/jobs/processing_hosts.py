"""The hosts of a processing job: what each is told of itself and of the others, and where it finds them.

SageMaker's hosts are instances that see one another by name. Here each is a process group: on Linux with an address of the job's own
below 127.0.0.0/8 for each, by which its name is known to commands that have mounts of their own; elsewhere all have this machine's.
Source: AWS Developer Guide, "Build Your Own Processing Container" (resourceconfig.json, processingjobconfig.json).
"""

from __future__ import annotations

import hashlib
import json
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fogbank.contracts.hosts import MEETING, Meeting, host_names
from fogbank.contracts.processing import ProcessingRequest

OWN_MACHINE = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """The hosts of one job by their names, each with its address; `environment` is what their containers are told besides."""

    addresses: Mapping[str, str]
    environment: Mapping[str, str]

    @classmethod
    def of(cls, arn: str, count: int, *, platform: str = sys.platform) -> Hosts:
        """So many hosts of a job; a single one has nobody to meet. Raises OSError where the machine has no port left."""
        names = host_names(count)
        digest = hashlib.sha256(arn.encode()).digest()
        network = f"127.{1 + digest[0] % 254}.{digest[1]}" if platform == "linux" else ""
        addresses = {name: f"{network}.{number}" if network else OWN_MACHINE for number, name in enumerate(names, 1)}
        if count == 1:
            return cls(addresses=addresses, environment={})
        first = addresses[names[0]]
        meeting = Meeting(address=first, port=_free_port(first), token=secrets.token_hex(16))
        return cls(addresses=addresses, environment={MEETING: str(meeting)})

    def seen(self) -> Mapping[str, str]:
        """The addresses of all by their names, where there is more than one."""
        return self.addresses if len(self.addresses) > 1 else {}


def configured(home: Path, arn: str, request: ProcessingRequest, host: str, hosts: Hosts) -> None:
    """The files that tell a host's container about its job."""
    folder = home / "config"
    folder.mkdir(exist_ok=True)
    (folder / "processingjobconfig.json").write_text(json.dumps({"ProcessingJobArn": arn, **request.encode()}))
    (folder / "resourceconfig.json").write_text(json.dumps({"current_host": host, "hosts": [*hosts.addresses]}))


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port
