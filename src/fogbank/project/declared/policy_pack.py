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
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

from fogbank.contracts import tokens
from fogbank.contracts.errors import FogbankError
from fogbank.contracts.tokens import urn_parts
from fogbank.project.declared.declaration import Declared
from fogbank.project.declared.rules import RULES, Broken, Policy, Program, judged, unused
from fogbank.project.workplace.config import POLICY
from fogbank.project.workplace.installation import fogbank_version
from fogbank.provider.compare import SIGNATURE
from fogbank.provider.shapes import UNKNOWN

NAME = "fogbank"
POLL_S = 0.5
LIMIT = [("grpc.max_receive_message_length", 400 << 20)]
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark
"""What a secret's object says under SIGNATURE (sdk/go/common/resource/sig)."""
UNKNOWNS = frozenset(
    {
        UNKNOWN, "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", "3eeb2bf0-c639-47a8-9e75-3b44932eb421", "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58", "e48ece36-62e2-4504-bad9-02848725956a", "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)  # fmt: skip
"""A text, a boolean, a number, a list, an asset, an archive and an object that nobody knows yet (sdk/go/common/resource/plugin/rpc.go)."""
NAMES = {tokens.BUCKET: "bucket", tokens.ENDPOINT: "name"}
"""What others refer to, and the property that is its name."""
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
            found = verdicts(self._config, declared(request.resources))
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


def declared(resources: Iterable[Any]) -> list[Declared]:
    """Resources as the engine tells them: with what is unknown yet left out, secrets as they are, and what refers to what.

    Of AnalyzerResource (analyzer.proto): `properties` are outputs, with the unknown and the secret marked (sdk/go's plugin.MarshalOptions
    KeepUnknowns and KeepSecrets), and `propertyDependencies` the URNs that each property came from.
    """
    found = [(item, _known(MessageToDict(item.properties))) for item in resources]
    names = {
        item.urn: str(inputs.get(NAMES[kind]) or item.urn)
        for item, (inputs, _) in found
        if (kind := urn_parts(item.urn)[0]) in NAMES
    }
    return [_declared(item, inputs, unknown, names) for item, (inputs, unknown) in found]


def _declared(
    item: Any, inputs: Mapping[str, Any], unknown: frozenset[tuple[str, ...]], names: Mapping[str, str]
) -> Declared:
    token, name = urn_parts(item.urn)
    refers = {
        key: frozenset(names[urn] for urn in dependencies.urns if urn in names)
        for key, dependencies in item.propertyDependencies.items()
    }
    told = {key: said for key, said in refers.items() if said}
    return Declared(name=name, type=token, inputs=inputs, unknown=unknown, refers=told)


def _known(properties: Mapping[str, Any]) -> tuple[Mapping[str, Any], frozenset[tuple[str, ...]]]:
    """What is known of properties, and the paths to what is not."""
    unknown: set[tuple[str, ...]] = set()
    return dict(_members(properties, (), unknown)), frozenset(unknown)


def _members(
    value: Mapping[str, Any], path: tuple[str, ...], unknown: set[tuple[str, ...]]
) -> Iterator[tuple[str, Any]]:
    for key, member in value.items():
        plain = _plain(member, (*path, key), unknown)
        if plain is not UNKNOWN:
            yield key, plain


def _plain(value: Any, path: tuple[str, ...], unknown: set[tuple[str, ...]]) -> Any:
    """A value without marks; UNKNOWN, and its path told, where nothing is known of it."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return _plain(value.get("value"), path, unknown)
        return dict(_members(value, path, unknown))
    if isinstance(value, list):
        items = [_plain(item, (*path, str(number)), unknown) for number, item in enumerate(value)]
        return [item for item in items if item is not UNKNOWN]
    if isinstance(value, str) and value in UNKNOWNS:
        unknown.add(path)
        return UNKNOWN
    return value


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
