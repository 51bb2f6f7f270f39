"""Pulumi's protocol is imported without the SDK, and the SDK after it as ever."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from fogbank.ground.protocol import protocol_alone
with protocol_alone():
    from pulumi.runtime.proto import provider_pb2
assert "opentelemetry" not in sys.modules and "pulumi" not in sys.modules
import pulumi
from pulumi.runtime.proto import provider_pb2 as again
assert again is provider_pb2 and pulumi.Output.from_input(1)
with protocol_alone():
    import pulumi as same
assert same is pulumi
"""


def test_the_protocol_comes_alone_and_the_sdk_comes_whole_after_it() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True)
