"""The stand-in as a Pulumi provider: gRPC on loopback, to which the engine attaches (`PULUMI_DEBUG_PROVIDERS=aws:<port>`).

In: the engine's requests; out: the stand-in's answers as protobuf structs. It refuses a stack that is not a local one, so a
stack that means AWS can never be provided from here by accident.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlparse

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # instances are spawned, never forked into

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from fogbank.provider.resource import Properties, ProvisionError
from fogbank.provider.standin import StandIn, UnknownTypeError

log = logging.getLogger("fogbank.provider")
VERSION = "7.51.1"
"""The version of pulumi-aws whose types and replacements the table follows."""
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
LIMIT = [
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 400 << 20),
    ("grpc.max_send_message_length", 400 << 20),
]


class ProviderServer:
    """Serves the stand-in until `stop`, on the port that is asked for if it is free, else on any."""

    def __init__(self, standin: StandIn, port: int = 0) -> None:
        self._server = grpc.server(ThreadPoolExecutor(16, thread_name_prefix="provider"), options=LIMIT)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(_Servicer(standin), self._server)
        self.port = _bound(self._server, port) or _bound(self._server, 0)

    def start(self) -> None:
        """Listen."""
        self._server.start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.stop(grace=1).wait()


def _bound(server: Any, port: int) -> int:
    """The port that the server now listens on; 0 where it is taken."""
    try:
        return int(server.add_insecure_port(f"127.0.0.1:{port}"))
    except RuntimeError:
        return 0


def _verb(method: Callable[..., Any]) -> Callable[..., Any]:
    """Errors of the stand-in as gRPC statuses with their own words; anything else as a bug, with its traceback in the log."""

    def answer(self: Any, request: Any, context: Any) -> Any:
        try:
            return method(self, request)
        except UnknownTypeError as error:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
        except ProvisionError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:
            log.exception("%s of %s", method.__name__, getattr(request, "urn", ""))
            context.abort(grpc.StatusCode.INTERNAL, f"fogbank's stand-in failed in {method.__name__}: {error!r}")

    return answer


class _Servicer(provider_pb2_grpc.ResourceProviderServicer):
    def __init__(self, standin: StandIn) -> None:
        self._standin = standin
        self._configuring = threading.Lock()

    @_verb
    def Attach(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        return Empty()

    @_verb
    def Handshake(self, request: Any) -> Any:  # noqa: N802
        return provider_pb2.ProviderHandshakeResponse()

    @_verb
    def GetPluginInfo(self, request: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version=VERSION)

    @_verb
    def Cancel(self, request: Any) -> Any:  # noqa: N802
        return Empty()

    @_verb
    def CheckConfig(self, request: Any) -> Any:  # noqa: N802
        reason = foreign(_plain(request.news))
        failures = [provider_pb2.CheckFailure(property="endpoints", reason=reason)] if reason else []
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    @_verb
    def DiffConfig(self, request: Any) -> Any:  # noqa: N802
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    @_verb
    def Configure(self, request: Any) -> Any:  # noqa: N802
        region = _plain(request.args).get("region")
        with self._configuring:
            if isinstance(region, str) and region:
                self._standin = replace(self._standin, region=region)
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    @_verb
    def Invoke(self, request: Any) -> Any:  # noqa: N802
        return provider_pb2.InvokeResponse(
            **{"return": _struct(self._standin.invoke(request.tok, _plain(request.args)))}
        )

    @_verb
    def Check(self, request: Any) -> Any:  # noqa: N802
        token, logical = _urn(request.urn)
        inputs, failures = self._standin.check(
            token, _plain(request.news), _plain(request.olds), logical, request.randomSeed
        )
        return provider_pb2.CheckResponse(
            inputs=_struct(inputs),
            failures=[provider_pb2.CheckFailure(property=item.property, reason=item.reason) for item in failures],
        )

    @_verb
    def Diff(self, request: Any) -> Any:  # noqa: N802
        token, _ = _urn(request.urn)
        found = self._standin.diff(token, _plain(request.old_inputs), _plain(request.news))
        ignored = set(request.ignoreChanges)
        changed = [key for key in found.changed if key not in ignored]
        replaces = [key for key in found.replaces if key not in ignored]
        kinds = provider_pb2.PropertyDiff
        detailed = {
            key: kinds(kind=kinds.UPDATE_REPLACE if key in replaces else kinds.UPDATE, inputDiff=True)
            for key in changed
        }
        answer = provider_pb2.DiffResponse
        return answer(
            changes=answer.DIFF_SOME if changed else answer.DIFF_NONE,
            diffs=changed,
            replaces=replaces,
            detailedDiff=detailed,
            hasDetailedDiff=bool(changed),
        )

    @_verb
    def Create(self, request: Any) -> Any:  # noqa: N802
        token, _ = _urn(request.urn)
        inputs = _plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=_struct(self._standin.preview(token, inputs)))
        id_, state = self._standin.create(token, inputs)
        return provider_pb2.CreateResponse(id=id_, properties=_struct(state))

    @_verb
    def Read(self, request: Any) -> Any:  # noqa: N802
        token, _ = _urn(request.urn)
        found = self._standin.read(token, request.id, _plain(request.inputs))
        if found is None:
            return provider_pb2.ReadResponse()
        inputs, state = found
        return provider_pb2.ReadResponse(id=request.id, inputs=_struct(inputs), properties=_struct(state))

    @_verb
    def Update(self, request: Any) -> Any:  # noqa: N802
        token, _ = _urn(request.urn)
        old, new = _plain(request.old_inputs), _plain(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=_struct({**_plain(request.olds), **new}))
        return provider_pb2.UpdateResponse(properties=_struct(self._standin.update(token, request.id, old, new)))

    @_verb
    def Delete(self, request: Any) -> Any:  # noqa: N802
        token, _ = _urn(request.urn)
        self._standin.delete(token, request.id, _plain(request.properties))
        return Empty()


def foreign(config: Properties) -> str | None:
    """Why a provider configuration is not a local stack's; None where it is."""
    endpoints = config.get("endpoints")
    if isinstance(endpoints, str):
        endpoints = json.loads(endpoints)
    urls = [url for group in endpoints or [] for url in group.values() if isinstance(url, str)]
    if not urls:
        return "this stack has no aws:endpoints, so it means AWS; the local cloud's stand-in serves local stacks only (unset PULUMI_DEBUG_PROVIDERS)"
    outside = [url for url in urls if urlparse(url).hostname not in LOOPBACK]
    return (
        f"aws:endpoints names {outside[0]}, which is not this machine; the local cloud's stand-in serves local stacks only"
        if outside
        else None
    )


def _urn(urn: str) -> tuple[str, str]:
    """The resource type (without its parents) and the logical name."""
    _, _, kind, name = urn.split("::", 3)
    return kind.rpartition("$")[2], name


def _plain(struct: Any) -> Properties:
    found: Properties = _whole(MessageToDict(struct))
    return found


def _whole(value: Any) -> Any:
    """Struct numbers are doubles: a whole one is an integer again."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _struct(properties: Properties) -> Struct:
    return ParseDict({key: value for key, value in properties.items() if value is not None}, Struct())
