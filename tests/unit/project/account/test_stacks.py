"""Which stacks are the local cloud's: those whose every endpoint is on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import ProjectError
from fogbank.project.account.stacks import endpoint_urls, is_local

HERE, THERE = "http://127.0.0.1:4566", "https://vpce-1a2b.s3.us-east-1.vpce.amazonaws.com"


def config(root: Path, stack: str, text: str | None) -> ProjectConfig:
    if text is not None:
        (root / f"Pulumi.{stack}.yaml").write_text(text)
    return ProjectConfig(root=root, name="churn")


@pytest.mark.parametrize(
    ("stack", "text", "local"),
    [
        ("local", None, True),
        ("local", "config:\n  aws:region: us-east-1\n", True),
        ("local", f"config:\n  aws:endpoints:\n    - s3: {HERE}\n      iam: http://localhost:1\n", True),
        ("dev", f"config:\n  aws:endpoints:\n    - s3: {HERE}\n", True),
        ("dev", f'config:\n  aws:endpoints: \'[{{"s3": "{HERE}"}}]\'\n', True),
        ("dev", f"config:\n  aws:endpoints:\n    - s3: {HERE}\n      iam: {THERE}\n", False),
        ("local", f"config:\n  aws:endpoints:\n    - s3: {THERE}\n", False),
        ("aws", f"config:\n  aws:endpoints:\n    - s3: {THERE}\n", False),
        ("aws", f"# aws:endpoints: {HERE}\nconfig:\n  aws:region: us-east-1\n", False),
        ("aws", "config:\n  fogbank:note: no aws:endpoints here\n", False),
        ("aws", "config:\n  aws:endpoints:\n    - s3:\n        secure: v1:abc\n", False),
        ("aws", "config:\n  aws:endpoints:\n    secure: v1:abc\n", False),
        ("aws", "config:\n  aws:endpoints: nonsense\n", False),
        ("aws", "config:\n", False),
        ("aws", "", False),
        ("aws", None, False),
    ],
)
def test_a_stack_is_local_where_each_of_its_endpoints_is(
    tmp_path: Path, stack: str, text: str | None, local: bool
) -> None:
    assert is_local(config(tmp_path, stack, text), stack) is local


def test_a_stack_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        is_local(config(tmp_path, "aws", "config: [\n"), "aws")

    assert caught.value.code == "stack-file-unreadable"
    assert "Pulumi.aws.yaml" in caught.value.cause


@pytest.mark.parametrize("document", [None, [], "text", {"config": None}, {"config": {"aws:endpoints": []}}])
def test_a_document_without_endpoints_has_none(document: object) -> None:
    assert list(endpoint_urls(document)) == []
