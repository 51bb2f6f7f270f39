"""The cloud's process loads what its first answer needs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fogbank.project.local.launch import LOG
from fogbank.testing import CloudProcess


def test_a_start_loads_neither_pulumis_sdk_nor_what_environments_are_resolved_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    cloud = CloudProcess(tmp_path / "cloud")
    cloud.start()
    try:
        loaded = set(re.findall(r"\| +([\w.]+)$", (tmp_path / "cloud" / LOG).read_text(), re.MULTILINE))
    finally:
        cloud.stop()

    assert {"fogbank.provider.server", "pulumi.runtime.proto.provider_pb2"} <= loaded
    assert {
        name
        for name in loaded
        if name.startswith(("pulumi.automation", "opentelemetry", "packaging.", "numpy", "sklearn"))
    } == set()
