"""moto's own tests in server mode, on moto's own server and on the local cloud: what passes there passes here.

`python -m tools.moto.conformance [SERVICE ...] [--fresh] [--write] [-k NAME]`. Out: a table, and every test that passes on moto's own
server only, unless exceptions.toml says why; `--write` puts the table into docs/parity.md. What moto's own server says is kept below
.tools/moto/ (`--fresh` asks again).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.moto.places import Place, local_cloud, moto_server
from tools.moto.source import ROOT, Source, prepare
from tools.moto.verdict import Outcome, Verdict, judge, read_exceptions, table

HOME = ROOT / ".tools" / "moto"
EXCEPTIONS = Path(__file__).parent / "exceptions.toml"
PAGE = ROOT / "docs" / "parity.md"
BLOCK = re.compile(r"(<!-- conformance -->\n).*?(<!-- /conformance -->)", re.DOTALL)
FOLDERS = {"resourcegroupstagging": "resourcegroupstaggingapi"}
SERVICES = (
    "scheduler",
    "events",
    "sns",
    "sqs",
    "iam",
    "logs",
    "cloudwatch",
    "ecr",
    "s3",
    "resourcegroupstagging",
    "applicationautoscaling",
    "sagemaker",
    "sagemakerruntime",
)
TEST_LIMIT_S, RUN_LIMIT_S = 600, 7200
AWS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The tests of one service, all or those of a name."""

    source: Source
    service: str
    name: str = ""
    tests: Sequence[str] = ()

    @property
    def folder(self) -> str:
        """Where they lie."""
        return f"tests/test_{FOLDERS.get(self.service, self.service)}"

    @property
    def is_part(self) -> bool:
        """Whether it is not the whole service."""
        return bool(self.name or self.tests)

    def run(self, place: Place) -> dict[str, Outcome]:
        """Run them against a place; a test that fails is run once more, since some of them race the clock."""
        outcomes = self._once(place, self.tests or [self.folder])
        failures = [f"{self.folder}/{test}" for test, outcome in outcomes.items() if outcome.outcome == "failed"]
        return {**outcomes, **self._once(place, failures)} if failures else outcomes

    def _once(self, place: Place, tests: Sequence[str]) -> dict[str, Outcome]:
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder) / "results"
            environment = {
                **{key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PYTEST"))},
                **AWS,
                "PYTHONPATH": str(Path(__file__).parent),
                "TEST_SERVER_MODE": "true",
                "TEST_SERVER_MODE_ENDPOINT": place.url,
                "MOTO_TESTS_RESET": place.reset,
                "MOTO_TESTS_RESULTS": str(results),
            }
            python = str(self.source.binaries / "python")
            options = [
                "-q",
                "-p",
                "adapter",
                "-p",
                "no:cacheprovider",
                f"--timeout={TEST_LIMIT_S}",
                "-m",
                "not requires_docker",
            ]
            command = [python, "-m", "pytest", *options, *(["-k", self.name] if self.name else []), *tests]
            with (HOME / f"{self.service}.log").open("w") as log:
                subprocess.run(
                    command,
                    cwd=self.source.tests,
                    env=environment,
                    stdout=log,
                    stderr=log,
                    timeout=RUN_LIMIT_S,
                    check=False,
                )
            lines = results.read_text().splitlines() if results.is_file() else []
        documents = [json.loads(line) for line in lines]
        return {
            document["test"].removeprefix(self.folder + "/"): Outcome(
                outcome=document["outcome"], reason=document["reason"]
            )
            for document in documents
        }


def on_moto(suite: Suite, *, fresh: bool) -> dict[str, Outcome]:
    """What moto's own server says: of a whole service it is the same tomorrow, so it is kept."""
    if suite.is_part:
        return _run(suite, moto_server(suite.source.binaries))
    kept = HOME / f"{suite.source.version}-{suite.service}.json"
    if kept.is_file() and not fresh:
        return {test: Outcome(**outcome) for test, outcome in json.loads(kept.read_text()).items()}
    outcomes = _run(suite, moto_server(suite.source.binaries))
    kept.write_text(json.dumps({test: asdict(outcome) for test, outcome in outcomes.items()}, indent=1))
    return outcomes


def compare(suite: Suite, *, fresh: bool = False) -> Verdict:
    """One service in both places."""
    moto = on_moto(suite, fresh=fresh)
    here = _run(suite, local_cloud(suite.source.extras))
    exceptions = read_exceptions(EXCEPTIONS).get(suite.service, {})
    if suite.is_part:  # what did not run says nothing
        functions = {test.partition("[")[0] for test in moto}
        exceptions = {test: reason for test, reason in exceptions.items() if test.partition("[")[0] in functions}
    return judge(suite.service, moto, here, exceptions)


def _run(suite: Suite, server: AbstractContextManager[Place]) -> dict[str, Outcome]:
    with server as place:
        return suite.run(place)


def main(arguments: Sequence[str]) -> int:
    """Run, print, and 1 where something is left."""
    parser = argparse.ArgumentParser(description="moto's own tests on the local cloud")
    parser.add_argument("services", nargs="*", default=SERVICES, metavar="SERVICE", help=", ".join(SERVICES))
    parser.add_argument("--fresh", action="store_true", help="ask moto's own server again")
    parser.add_argument("--write", action="store_true", help="put the table into docs/parity.md")
    parser.add_argument("-k", default="", metavar="NAME", help="only tests of this name, as for pytest")
    options = parser.parse_args(arguments)
    if options.write and (options.k or list(options.services) != list(SERVICES)):
        parser.error("--write is for the whole table: every service, every test")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers end with it
    if unknown := set(options.services) - set(SERVICES):
        parser.error(f"no service {', '.join(sorted(unknown))}; there are {', '.join(SERVICES)}")
    source = prepare(HOME)
    verdicts = []
    for service in options.services:
        verdict = compare(Suite(source=source, service=service, name=options.k), fresh=options.fresh)
        verdicts.append(verdict)
        print(f"{service}: {verdict.here} of {verdict.moto}, {verdict.exceptions} exceptions", flush=True)
        for test, reason in verdict.failures.items():
            print(f"  passes on moto's own server only: {test}\n      {' '.join(reason.split())[:300]}", flush=True)
        for test in verdict.stale:
            print(f"  an exception that does not hold (it passes, or is not there): {test}", flush=True)
    print("\n" + table(verdicts), end="")
    if options.write:
        PAGE.write_text(BLOCK.sub(lambda match: match[1] + table(verdicts) + match[2], PAGE.read_text()))
    return 0 if all(verdict.holds for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
