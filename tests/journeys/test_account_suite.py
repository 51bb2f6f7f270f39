"""The account suite, whole, against a local cloud as if that were an account; its report is what docs/parity.md says of the local side.

pulumi-aws is a fake (tests/fakes/pulumi_aws.py) that behaves as the real one where it matters: a rolled-back update is a success to it.
boto3 reaches the "account" by its profile's own `endpoint_url`: nothing of the stack says that it is local.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from fogbank.contracts.config import ProjectConfig
from fogbank.project.account.suite_report import LOCAL
from fogbank.testing import CloudProcess
from tests.fakes.pulumi_aws import ACCOUNT
from tests.plugins import plugin_home

Fogbank = Callable[..., subprocess.CompletedProcess[str]]
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": 2,
        "digest": f"sha256:{'0' * 64}",
    },
    "layers": [],
}


@pytest.fixture
def account(shared_cloud: CloudProcess, unique: str, tmp_path: Path) -> dict[str, str]:
    """The shell of a user of the account: a profile, a Pulumi login of their own, pulumi-aws installed."""
    (tmp_path / "config").write_text(
        f"[profile account]\nregion = us-east-1\nendpoint_url = {shared_cloud.url}\n"
        "aws_access_key_id = a\naws_secret_access_key = b\n"
    )
    return {
        "AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"), ACCOUNT: shared_cloud.url,
        "PULUMI_HOME": str(plugin_home(tmp_path / "home")), "PULUMI_BACKEND_URL": f"file://{tmp_path / 'nowhere'}",
    }  # fmt: skip


@pytest.fixture
def stacked(project: Path, shared_cloud: CloudProcess, unique: str, fogbank_project: ProjectConfig) -> Path:
    """A trained project whose stack `prod` names an image that is in the account."""
    ecr = shared_cloud.client("ecr")
    uri = ecr.create_repository(repositoryName=unique)["repository"]["repositoryUri"]
    image = ecr.put_image(repositoryName=unique, imageManifest=json.dumps(MANIFEST), imageTag="1")["image"]
    config = {
        "aws:region": "us-east-1", "aws:profile": "account", "fogbank:image": f"{uri}@{image['imageId']['imageDigest']}"
    }  # fmt: skip
    (project / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": config}))
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    return project


def test_the_suite_is_whole_and_leaves_nothing_and_tells_no_secret(
    stacked: Path, account: dict[str, str], fogbank: Fogbank, shared_cloud: CloudProcess
) -> None:
    unasked = fogbank(stacked, "verify-account", "-s", "prod", **account)
    assert (unasked.returncode, "give --yes" in unasked.stderr) == (2, True)

    done = fogbank(stacked, "verify-account", "-s", "prod", "--yes", "--json", **account)
    report = json.loads(done.stdout) if done.stdout else {}

    assert done.returncode == 0, done.stderr + json.dumps(report, indent=1)
    assert {scene["name"]: scene["facts"] for scene in report["scenes"]} == LOCAL
    assert [scene["error"] for scene in report["scenes"]] == [""] * len(LOCAL)
    folder = stacked / ".fogbank" / "verify"
    assert sorted(path.name for path in folder.iterdir()) == ["report.json", "report.md"]
    for file in folder.iterdir():
        text = file.read_text()
        assert not re.search(r"\b\d{12}\b|arn:|s3://", text), text
    assert "all as on the local cloud" in (folder / "report.md").read_text()
    assert shared_cloud.client("sagemaker").list_endpoints(NameContains="-verify-")["Endpoints"] == []
