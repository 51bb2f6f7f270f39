"""What a project's program declares on AWS, by Pulumi's mocks: every resource with its final inputs.

`python -m tests.declared ROOT '[["prod", "aws"]]'` prints them as JSON, in a process of its own.
The stand-in checks and names them as pulumi-aws does; nothing is made.
"""

from __future__ import annotations

import asyncio
import json
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pulumi

from fogbank.contracts.tokens import LIVE_CONFIGURATION
from fogbank.provider.standin import TABLE, StandIn

Resources = dict[str, dict[str, Any]]
ACCOUNT = "210987654321"
REGIONS = {"aws": "eu-west-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
IMAGE = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/churn@sha256:{'0' * 64}"


def declared(root: Path, cases: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Resources]:
    """By stack and partition: the resources by their logical names, each with its `type` and `inputs`, and what is `refused` of it."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.declared", str(root), json.dumps(cases)],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(zip(cases, json.loads(done.stdout), strict=True))


class AccountMocks(pulumi.runtime.Mocks):
    """An account in a partition."""

    def __init__(self, stack: str, partition: str) -> None:
        self._stack, self._partition = stack, partition
        self._standin = StandIn(clients=_no_clients)
        self.resources: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Check it, name it, and make up what AWS would compute."""
        inputs = {key: _plain(value) for key, value in args.inputs.items()}
        if args.typ not in TABLE:
            if args.custom:
                self.resources[args.name] = {"type": args.typ, "inputs": inputs, "refused": []}
            return args.name, inputs
        named, failures = self._standin.check(args.typ, inputs, {}, args.name, f"{self._stack}{args.name}".encode())
        refused = [f"{item.property} {item.reason}" for item in failures]
        self.resources[args.name] = {"type": args.typ, "inputs": named, "refused": refused}
        name = str(named.get("name") or named.get("bucket") or args.name)
        return name, {**named, "arn": f"arn:{self._partition}:service:{REGIONS[self._partition]}:{ACCOUNT}:{name}"}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Where the account is."""
        return {
            LIVE_CONFIGURATION: {"configName": ""},
            "aws:index/getPartition:getPartition": {"partition": self._partition},
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
        }[args.token], []


def _no_clients(service: str, region: str) -> Any:
    raise AssertionError(f"a declaration asks {service} in {region} nothing")


def _plain(value: Any) -> Any:
    if isinstance(value, pulumi.FileAsset):
        return {"path": Path(value.path).name}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def run(root: Path, stack: str, partition: str) -> Resources:
    """Run the program as if it were the process's first."""
    for module in ("serving", "batch", "watch"):
        sys.modules.pop(module, None)
    pulumi.runtime.settings.reset_options()
    mocks = AccountMocks(stack, partition)
    asyncio.set_event_loop(asyncio.new_event_loop())
    config = {"aws:region": REGIONS[partition], "fogbank:image": IMAGE, "fogbank:monitorImage": IMAGE}
    pulumi.runtime.set_all_config(config)
    pulumi.runtime.set_mocks(mocks, project="churn", stack=stack, preview=False)

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own
    def program() -> None:
        runpy.run_path(str(root / "infra" / "__main__.py"))

    program()
    return mocks.resources


def main(root: Path, cases: Sequence[tuple[str, str]]) -> None:
    """Print what the program declares in each case."""
    sys.path.insert(0, str(root / "infra"))
    sys.stdout.write(json.dumps([run(root, stack, partition) for stack, partition in cases], sort_keys=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
