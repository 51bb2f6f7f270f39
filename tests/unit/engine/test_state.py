"""Outputs are read from the state as the engine says them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fogbank.engine.state import SIGNATURE, outputs_in


def written(folder: Path, *resources: dict[str, Any]) -> Path:
    file = folder / "local.json"
    file.write_text(json.dumps({"version": 3, "checkpoint": {"latest": {"resources": list(resources)}}}))
    return file


def test_the_stacks_outputs_are_read_and_secrets_are_not_told(tmp_path: Path) -> None:
    secret = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}
    outputs = {"endpoint": "churn-live", "key": secret, "all": [1, {"inner": secret}]}
    file = written(tmp_path, {"type": "aws:s3/bucket:Bucket"}, {"type": "pulumi:pulumi:Stack", "outputs": outputs})

    assert outputs_in(file) == {"endpoint": "churn-live", "key": "[secret]", "all": [1, {"inner": "[secret]"}]}


def test_a_stack_without_outputs_has_none(tmp_path: Path) -> None:
    assert outputs_in(written(tmp_path, {"type": "pulumi:pulumi:Stack"})) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"checkpoint": {"latest": null}}', '{"checkpoint": {"latest": {}}}'])
def test_what_is_not_understood_is_the_engines_matter(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.json").write_text(text)

    assert outputs_in(tmp_path / "s.json") is None
    assert outputs_in(tmp_path / "none.json") is None
