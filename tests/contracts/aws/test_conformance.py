"""moto's own tests of two services, on moto's own server and on the local cloud: the part of `make conformance` that takes a minute."""

from __future__ import annotations

import pytest

from tools.moto.conformance import HOME, Suite, compare
from tools.moto.source import Source, prepare

PARTS = {
    "sqs": ("test_sqs_multiaccount.py", "test_sqs_message_attributes.py", "test_sqs_authentication.py"),
    "scheduler": ("test_schedule_groups.py", "test_scheduler_tags.py"),
}


@pytest.fixture(scope="module")
def source() -> Source:
    return prepare(HOME)


@pytest.mark.parametrize("service", PARTS)
def test_what_passes_on_motos_own_server_passes_here(source: Source, service: str) -> None:
    tests = [f"tests/test_{service}/{file}" for file in PARTS[service]]

    verdict = compare(Suite(source=source, service=service, tests=tests))

    assert verdict.moto > 0
    assert (verdict.failures, verdict.stale) == ({}, [])
