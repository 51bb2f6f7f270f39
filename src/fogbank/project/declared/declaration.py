"""What a project's program declares in an account: its resources with their final inputs, by Pulumi's mocks. Nothing is made, nobody
is asked: no engine, no login and no credentials are needed.

In: the project's folder, a stack's configuration and where it is; out: resources. The program runs in a process of its own
(`python -m fogbank.project.declared.declaration`), which is told on stdin and answers on stdout. What AWS would compute is made up.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import runpy
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fogbank.contracts.errors import ProjectError
from fogbank.contracts.tokens import IMAGE, JOB_DEFINITION, LIVE_CONFIGURATION

LIMIT_S = 120
TARGETS = frozenset({"lambda", "sqs", "sns"})
"""Services whose ARNs others look at: an event's targets."""
SECRET = "[secret]"  # noqa: S105 - what stands for one


@dataclass(frozen=True, kw_only=True)
class Place:
    """A stack, its account and its configuration, as texts."""

    stack: str
    region: str
    account: str = "000000000000"
    partition: str = "aws"
    config: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A resource. `refused` is what the local cloud's stand-in for pulumi-aws would not take of it.

    What a preview does not know yet is not among the inputs: `unknown` are the paths to it, and `refers` the names of the buckets and
    endpoints that a property is made of.
    """

    name: str
    type: str
    inputs: Mapping[str, Any]
    refused: tuple[str, ...] = ()
    unknown: frozenset[tuple[str, ...]] = frozenset()
    refers: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def knows(self, *path: str) -> bool:
        """Whether nothing at a path, nor what it lies in, is unknown.

        >>> it = Declared(name="x", type="t", inputs={}, unknown=frozenset({("target", "input")}))
        >>> it.knows("name"), it.knows("target"), it.knows("target", "arn"), it.knows("target", "input")
        (True, False, True, False)
        """
        return not any(each[: len(path)] == path or path[: len(each)] == each for each in self.unknown)


def declared(root: Path, place: Place) -> tuple[Declared, ...]:
    """What the program in `root` declares. Raises ProjectError (`program-failed`) with its last line."""
    done = subprocess.run(
        [sys.executable, "-m", "fogbank.project.declared.declaration"], cwd=root, input=json.dumps(asdict(place)),
        capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
        raise ProjectError(
            "program-failed", f"the Pulumi program fails: {lines[-1]}", "mend it, or run `fogbank pack` first"
        )
    return tuple(
        Declared(name=item["name"], type=item["type"], inputs=item["inputs"], refused=tuple(item["refused"]))
        for item in json.loads(done.stdout)
    )


def texts(config: Mapping[str, Any]) -> dict[str, str]:
    """A stack file's configuration as the engine gives it to a program; nobody is asked for secrets.

    >>> texts({"fogbank:forceDestroy": True, "fogbank:key": {"secure": "v1:x"}})
    {'fogbank:forceDestroy': 'true', 'fogbank:key': '[secret]'}
    """
    return {key: _text(value) for key, value in config.items()}


def _text(value: Any) -> str:
    if isinstance(value, dict) and "secure" in value:
        return SECRET
    return value if isinstance(value, str) else json.dumps(value)


def run(root: Path, place: Place) -> list[dict[str, Any]]:
    """Run the program, as if it were this process's first. Raises what the program raises."""
    import pulumi
    import yaml

    from fogbank.provider.standin import TABLE, StandIn

    class Mocks(pulumi.runtime.Mocks):
        """An account in which everything can be made."""

        def __init__(self) -> None:
            self.standin = StandIn(clients=_nobody)
            self.found: list[dict[str, Any]] = []

        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
            """Check it, name it, and make up what AWS would compute."""
            inputs, refused = {key: _plain(value) for key, value in args.inputs.items()}, []
            if args.typ in TABLE:
                seed = f"{place.stack}{args.name}".encode()
                inputs, failures = self.standin.check(args.typ, inputs, {}, args.name, seed)
                refused = [f"{item.property} {item.reason}" for item in failures]
            if args.typ == JOB_DEFINITION:
                inputs["name"] = args.name
            if args.custom:
                self.found.append({"name": args.name, "type": args.typ, "inputs": inputs, "refused": refused})
            name = str(inputs.get("name") or inputs.get("bucket") or args.name)
            module = args.typ.removeprefix("aws:").partition("/")[0]
            service = module if module in TARGETS else "service"
            arn = f"arn:{place.partition}:{service}:{place.region}:{place.account}:{name}"
            archives = {key: value for key, value in args.inputs.items() if isinstance(value, pulumi.Archive)}
            return name, {**inputs, **archives, **({"arn": arn} if args.custom else {}), **_image(args.typ, inputs)}

        def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
            """Where the account is."""
            answers = {
                LIVE_CONFIGURATION: {"configName": ""},
                "aws:index/getPartition:getPartition": {
                    "partition": place.partition,
                    "dnsSuffix": "amazonaws.com.cn" if place.partition == "aws-cn" else "amazonaws.com",
                },
                "aws:index/getRegion:getRegion": {"region": str(args.args.get("region") or place.region)},
                "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": place.account},
            }
            return answers.get(args.token) or self.standin.invoke(args.token, dict(args.args)), []

    document = yaml.safe_load((root / "Pulumi.yaml").read_text()) or {}
    main = root / str(document.get("main") or "")
    program = main / "__main__.py" if main.is_dir() else main
    sys.path.insert(0, str(program.parent))
    pulumi.runtime.settings.reset_options()
    asyncio.set_event_loop(asyncio.new_event_loop())
    mocks = Mocks()
    pulumi.runtime.set_all_config({"aws:region": place.region, **place.config})
    pulumi.runtime.set_mocks(mocks, project=str(document.get("name") or root.name), stack=place.stack, preview=False)

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own
    def whole() -> None:
        runpy.run_path(str(program))

    whole()
    return mocks.found


def _image(kind: str, inputs: Mapping[str, Any]) -> dict[str, str]:
    """What fogbank's own Image computes."""
    if kind != IMAGE:
        return {}
    digest = f"sha256:{'0' * 64}"
    repository = str(inputs.get("repository") or "oci:image").partition("@")[0]
    return {"digest": digest, "uri": f"{repository}@{digest}"}


def _nobody(service: str, region: str) -> Any:
    raise AssertionError(f"a declaration asks {service} in {region} nothing")


def _plain(value: Any) -> Any:
    import pulumi

    if isinstance(value, pulumi.FileAsset):
        return {"path": Path(value.path).name}
    if isinstance(value, pulumi.AssetArchive):
        return {"assets": {name: _plain(item) for name, item in value.assets.items()}}
    if isinstance(value, pulumi.FileArchive):
        return {"path": Path(value.path).name}
    if isinstance(value, pulumi.StringAsset):
        return {"text": value.text}
    if isinstance(value, pulumi.RemoteAsset | pulumi.RemoteArchive):
        return {"uri": value.uri}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def main() -> None:
    """Answer one question."""
    place = Place(**json.load(sys.stdin))
    said = io.StringIO()  # what the program prints is not the answer
    with contextlib.redirect_stdout(said):
        found = run(Path.cwd(), place)
    sys.stdout.write(json.dumps(found, sort_keys=True))


if __name__ == "__main__":
    main()
