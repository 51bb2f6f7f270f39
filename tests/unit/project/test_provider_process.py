"""The provider's clients: each made once, where the local cloud says and not where the stack's file says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fogbank.project.provider_process import USUAL, Clients
from fogbank.provider.resource import ProvisionError


def test_a_client_is_made_once_for_each_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4567")
    clients = Clients()
    usual = clients(*USUAL)

    assert clients("sagemaker", {"region": "us-east-1", "endpointUrl": "http://127.0.0.1:4566"}) is usual
    assert usual.meta.endpoint_url == "http://127.0.0.1:4567"
    assert clients("sagemaker", {"region": "eu-west-1"}) is not usual


def test_a_profile_that_is_not_there_is_told_each_time() -> None:
    clients = Clients()
    for _ in range(2):
        with pytest.raises(ProvisionError, match="sagemaker cannot be asked: The config profile"):
            clients("sagemaker", {"profile": "nobody-has-this"})


def test_what_is_written_to_stdout_after_the_port_blocks_nobody() -> None:
    """A pipe that nobody reads holds 64 KiB."""
    text = "import sys\nfrom fogbank.project.provider_process import say_all_on_stderr as say\nsay()\nsys.stdout.write('a' * 200_000)\n"
    process = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert len(process.stderr.read()) == 200_000
        assert process.wait() == 0
        assert process.stdout.read() == b""
