"""The rules as a pack of the engine's own: `pulumi preview --policy-pack`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from fogbank.engine.environment import stack_environment
from fogbank.project.account.stacks import find_engine
from fogbank.testing import CloudProcess, deploy_with_engine
from tests.stacks import team_stack

NEW = """
new = aws.s3.Bucket("new", force_destroy=True)
four = dict.fromkeys(("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"), True)
aws.s3.BucketPublicAccessBlock("closed", bucket=new.id, **four)
by_key = {"apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms"}}
aws.s3.BucketServerSideEncryptionConfiguration("keyed", bucket=new.id, rules=[by_key])
aws.ec2.SecurityGroup("group")
"""
"""What a first preview knows in part: buckets by ids that are not there yet."""


def test_the_engine_holds_a_program_to_the_rules_of_its_stack(shared_cloud: CloudProcess, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    (folder / "rules").mkdir(parents=True)
    (folder / "rules" / "PulumiPolicy.yaml").write_text("runtime: fogbank\n")
    (folder / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (folder / "__main__.py").write_text("import pulumi_aws as aws\n\naws.s3.Bucket('b', force_destroy=True)\n")
    (folder / "Pulumi.local.yaml").write_text(team_stack(shared_cloud.url))
    driver = deploy_with_engine(folder, shared_cloud, tmp_path / "state").driver
    assert driver is not None
    engine = find_engine(lambda _: None)
    own = stack_environment(
        tmp_path / "state", engine, shared_cloud.url, shared_cloud.address.provider_port, shared_cloud.secret
    )

    def previewed(**policy: object) -> tuple[int, str]:
        driver.set_config({"fogbank:policy": policy})
        command = [str(engine.command), "preview", "-s", "local", "--policy-pack", "rules", "--non-interactive"]
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    status, said = previewed(stage="production", tags=["team", "cost"], waive={"encryption b": "a demo"})
    assert status != 0
    assert "[mandatory]  public  (aws:s3:Bucket: b)" in said, said
    assert "it has no tag cost" in said
    assert "[advisory]  encryption" in said
    assert "policy_pack.py" not in said, "an interrupted pack ends without a word"
    status, said = previewed(stage="development", waive={"public b": "a demo"})
    assert status == 0, said
    assert "waived: the bucket may be opened to everybody: a demo" in said
    program = folder / "__main__.py"
    program.write_text(program.read_text() + NEW)
    status, said = previewed(stage="production", waive={"public b": "a demo", "encryption b": "a demo"})
    assert status == 0, said
    driver.destroy(lambda _: None)
