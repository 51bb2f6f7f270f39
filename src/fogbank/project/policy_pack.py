"""A team's rules as a policy pack of Pulumi's (CrossGuard): `pulumi preview --policy-pack FOLDER` and `up` hold a stack's program to them.

The folder is one file, `PulumiPolicy.yaml` with `runtime: fogbank`: the engine then starts `pulumi-analyzer-policy-fogbank` from PATH. In: its
questions over gRPC (pulumi's proto/pulumi/analyzer.proto); out: the port on the first line of stdout, then what is broken. Rules and waivers
are those of the stack's `fogbank:policy`; what is waived is advice.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

from fogbank.contracts.errors import FogbankError
from fogbank.contracts.tokens import urn_parts
from fogbank.project.config import POLICY
from fogbank.project.declaration import Declared
from fogbank.project.installation import fogbank_version
from fogbank.project.rules import RULES, Broken, Policy, Program, judged, unused

NAME = "fogbank"
POLL_S = 0.5
LIMIT = [("grpc.max_receive_message_length", 400 << 20)]
MANDATORY, ADVISORY = analyzer_pb2.MANDATORY, analyzer_pb2.ADVISORY


class Analyzer(analyzer_pb2_grpc.AnalyzerServicer):
    """Judges a stack as a whole, under the configuration that the engine has told it."""

    def __init__(self) -> None:
        self._config: Mapping[str, str] = {}

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Nothing of the engine is asked."""
        del request, context
        return analyzer_pb2.AnalyzerHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The version."""
        del request, context
        return plugin_pb2.PluginInfo(version=fogbank_version())

    def GetAnalyzerInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The rules."""
        del request, context
        kind = analyzer_pb2.POLICY_TYPE_STACK
        policies = [
            analyzer_pb2.PolicyInfo(name=rule, displayName=rule, enforcementLevel=MANDATORY, policy_type=kind)
            for rule in RULES
        ]
        return analyzer_pb2.AnalyzerInfo(
            name=NAME, displayName="fogbank's rules", version=fogbank_version(), policies=policies
        )

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The stack's own configuration has all."""
        del request, context
        return Empty()

    def ConfigureStack(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Which stack it is, and its configuration as texts."""
        del context
        self._config = dict(request.config)
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def Analyze(self, request: Any, context: Any) -> Any:  # noqa: N802
        """A resource alone tells nothing: rules look at what stands beside it."""
        del request, context
        return analyzer_pb2.AnalyzeResponse()

    def Remediate(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Nothing is mended here."""
        del request, context
        return analyzer_pb2.RemediateResponse()

    def AnalyzeStack(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What is broken, and what is waived; a policy that is none is an error with every problem."""
        try:
            found = verdicts(self._config, [_declared(item) for item in request.resources])
        except FogbankError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        urns = {item.name: item.urn for item in reversed(request.resources)}
        return analyzer_pb2.AnalyzeResponse(diagnostics=[_diagnostic(*each, urns) for each in found])

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Each answer ends soon."""
        del request, context
        return Empty()


def verdicts(config: Mapping[str, str], resources: Iterable[Declared]) -> list[tuple[str, str, str, bool]]:
    """(rule, resource, what is said, whether it stops the stack), by the configuration as texts. Raises ProjectError (`policy-invalid`)."""
    if POLICY not in config:
        return []
    tags: Any = {}
    with contextlib.suppress(ValueError):
        tags = json.loads(config.get("aws:defaultTags") or "{}")
    declared = tags.get("tags") if isinstance(tags, dict) else None
    program = Program(resources=[*resources], policy=Policy.of(config[POLICY]), default_tags=frozenset(declared or {}))
    broken = judged(program)
    stale = [
        (next(iter(RULES)), "", f"the waiver {waiver!r} waives nothing any more", False)
        for waiver in unused(program, broken)
    ]
    return [(item.rule, item.resource, _said(item), not item.reason) for item in broken] + stale


def _said(item: Broken) -> str:
    return (
        f"waived: {item.cause}: {item.reason}"
        if item.reason
        else f"{item.cause}; fix: {item.fix}, or waive {item.waiver!r} with a reason"
    )


def _declared(resource: Any) -> Declared:
    token, name = urn_parts(resource.urn)
    return Declared(name=name, type=token, inputs=MessageToDict(resource.properties))


def _diagnostic(rule: str, resource: str, said: str, stops: bool, urns: Mapping[str, str]) -> Any:
    return analyzer_pb2.AnalyzeDiagnostic(
        policyName=rule, policyPackName=NAME, policyPackVersion=fogbank_version(), description=f"{rule} {resource}".strip(), message=said,
        enforcementLevel=MANDATORY if stops else ADVISORY, urn=urns.get(resource, ""),
    )  # fmt: skip


def main() -> None:
    """Serve the rules until the engine is gone."""
    server = grpc.server(ThreadPoolExecutor(4, thread_name_prefix="rules"), options=LIMIT)
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Analyzer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    engine = os.getppid()
    with contextlib.suppress(KeyboardInterrupt):  # which an engine sends that has all it asked for
        while os.getppid() == engine:
            time.sleep(POLL_S)
    server.stop(grace=1).wait()
