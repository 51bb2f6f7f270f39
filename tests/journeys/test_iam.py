"""`fogbank iam prove`: a whole life under the permissions that it takes, each of which it needs."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from fogbank.contracts.config import ProjectConfig

Fogbank = Callable[..., subprocess.CompletedProcess[str]]


def test_what_a_life_takes_is_proposed_and_proven(
    project: Path, fogbank: Fogbank, fogbank_project: ProjectConfig
) -> None:
    unpacked = fogbank(project, "iam", "prove")
    shutil.copytree(fogbank_project.package, project / ".fogbank" / "package", copy_function=shutil.copy)
    without = fogbank(project, "iam", "prove")
    shutil.copytree(fogbank_project.trained, project / ".fogbank" / "trained", copy_function=shutil.copy)
    done = fogbank(project, "iam", "prove", "--json")

    assert (unpacked.returncode, "fogbank pack" in unpacked.stderr) == (3, True), unpacked.stderr
    assert (without.returncode, "fogbank train" in without.stderr) == (6, True), without.stderr
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    name = fogbank_project.name
    roles = {f"{name}-role-*", "nightly-role-*", "quality-role-*"}
    assert found["principals"].keys() == {"deployer", "operator", *roles}
    assert len(found["schedules"]) == 2
    assert all("Completed" in item["result"] for item in found["schedules"]), found["schedules"]
    for said in found["principals"].values():
        assert all(said["refused_without"]), "each statement's removal would refuse something"
        assert said["not_needed"] == []
        assert said.get("beyond_declared", []) == [], "what is declared, and documented for AWS, allows all of it"
    said = {
        (action, place)
        for statement in found["principals"][f"{name}-role-*"]["policy"]["Statement"]
        for action in statement["Action"]
        for place in statement["Resource"]
    }
    bucket = f"arn:aws:s3:::{name}-bucket-*"
    assert {place for action, place in said if action == "s3:PutObject"} == {
        f"{bucket}/batch/out/*",
        f"{bucket}/monitor/results/*",
    }
    assert ("s3:GetObject", f"{bucket}/models/*") in said
    policy = found["principals"][f"{name}-role-*"]["policy"]["Statement"]
    listings = [statement for statement in policy if "s3:ListBucket" in statement["Action"]]
    assert listings, "the batch lists what it scores"
    for statement in listings:
        assert statement["Condition"]["StringLike"]["s3:prefix"].split("/")[0] in {
            "batch",
            "capture",
            "models",
            "monitor",
        }
    unexercised = found["principals"]["deployer"]["not_exercised"]
    assert "sagemaker:ListTags" in str(unexercised), "pulumi-aws asks for tags; its stand-in does not"
    assert not (project / ".fogbank" / "iam").exists()
