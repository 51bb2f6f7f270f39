"""A provider over Pulumi's protocol: gRPC on loopback. The stand-in for `aws`, to which the engine attaches
(`PULUMI_DEBUG_PROVIDERS=aws:<port>`), and fogbank's own, which the engine starts (`pulumi-resource-fogbank`).

In: the engine's requests; out: the provider's answers as protobuf structs.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # instances are spawned, never forked into

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from fogbank.contracts.tokens import urn_parts
from fogbank.ground.peers import Owner
from fogbank.provider.connection import Admits, Connection, Connections
from fogbank.provider.resource import Failure, Properties, Provider, ProvisionError, UnknownTypeError

log = logging.getLogger("fogbank.provider")
LIMIT = [
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 400 << 20),
    ("grpc.max_send_message_length", 400 << 20),
]


class ProviderServer:
    """Serves a provider until `stop`, on the port that is asked for if it is free, else on any; `is_users` says who may ask. `log` is
    the file in which the tracebacks are, where that is known."""

    def __init__(self, provider: Provider, port: int = 0, is_users: Admits = Owner.is_users, log: str = "") -> None:
        self._server = grpc.server(ThreadPoolExecutor(16, thread_name_prefix="provider"), options=LIMIT)
        servicer = _Servicer(provider, lambda: self.port, is_users, log)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, self._server)
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
    """Errors of the provider as gRPC statuses with their own words; anything else as a bug, with its traceback in the log."""

    def answer(self: Any, request: Any, context: Any) -> Any:
        connection = self.connections.of(context.peer())
        if not connection.is_users:
            context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                "this provider answers the user who has started it, and nobody else; what a local cloud runs is not the user",
            )
        try:
            return method(self, request, connection)
        except UnknownTypeError as error:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
        except ProvisionError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:
            log.exception("%s of %s", method.__name__, getattr(request, "urn", ""))
            where = f" (the traceback is in {self.log})" if self.log else ""
            context.abort(grpc.StatusCode.INTERNAL, f"fogbank's provider failed in {method.__name__}: {error!r}{where}")

    return answer


class _Servicer(provider_pb2_grpc.ResourceProviderServicer):
    def __init__(self, provider: Provider, port: Callable[[], int], is_users: Admits, log: str) -> None:
        self._provider = provider
        self.log = log
        self.connections = Connections(provider, port, is_users)

    @_verb
    def Attach(self, request: Any, connection: Connection) -> Any:  # noqa: N802 - the protocol's name
        return Empty()

    @_verb
    def Handshake(self, request: Any, connection: Connection) -> Any:  # noqa: N802
        connection.engine_address = request.engine_address
        return provider_pb2.ProviderHandshakeResponse()

    @_verb
    def GetPluginInfo(self, request: Any, connection: Connection) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version=self._provider.version)

    @_verb
    def GetSchema(self, request: Any, connection: Connection) -> Any:  # noqa: N802
        return provider_pb2.GetSchemaResponse(schema=json.dumps(self._provider.schema()))

    @_verb
    def Cancel(self, request: Any, connection: Connection) -> Any:  # noqa: N802
        connection.ended = True
        connection.provider.cancel()
        return Empty()

    @_verb
    def CheckConfig(self, request: Any, connection: Connection) -> Any:  # noqa: N802
        failures = _failures(self._provider.refuses(_plain(request.news)))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    @_verb
    def DiffConfig(self, request: Any, connection: Connection) -> Any:  # noqa: N802
        answer = provider_pb2.DiffResponse
        changed = _plain(request.news) != _plain(request.olds)
        return answer(changes=answer.DIFF_SOME if changed else answer.DIFF_NONE)

    @_verb
    def Configure(self, request: Any, connection: Connection) -> Any:  # noqa: N802
        if refused := self.connections.refused_before(connection):
            raise ProvisionError(
                f"{len(refused)} resources of the program are refused, as its preview says; nothing was made"
            )
        connection.configure(_plain(request.args))
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    @_verb
    def Invoke(self, request: Any, connection: Connection) -> Any:  # noqa: N802
        return provider_pb2.InvokeResponse(
            **{"return": _struct(connection.provider.invoke(request.tok, _plain(request.args)))}
        )

    @_verb
    def Check(self, request: Any, connection: Connection) -> Any:  # noqa: N802
        self.connections.refusals(connection).hear()
        token, logical = urn_parts(request.urn)
        news, olds = _plain(request.news), _plain(request.olds)
        try:
            inputs, failures = connection.provider.check(token, news, olds, logical, request.randomSeed)
        except UnknownTypeError as error:
            inputs, failures = news, [Failure("", str(error))]
        if failures and connection.told(request.urn, failures):
            failures = []  # the program goes on to its end, so that all that is refused is told in one run
        return provider_pb2.CheckResponse(inputs=_struct(inputs), failures=_failures(failures))

    @_verb
    def Diff(self, request: Any, connection: Connection) -> Any:  # noqa: N802
        token, _ = urn_parts(request.urn)
        difference = connection.provider.diff(token, _plain(request.old_inputs), _plain(request.news))
        ignored = set(request.ignoreChanges)
        changed = [key for key in difference.changed if key not in ignored]
        replaces = [key for key in difference.replaces if key not in ignored]
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
            deleteBeforeReplace=bool(replaces) and difference.delete_first,
        )

    @_verb
    def Create(self, request: Any, connection: Connection) -> Any:  # noqa: N802
        token, _ = urn_parts(request.urn)
        inputs = _plain(request.properties)
        if request.urn in connection.refused:
            if request.preview and not self.connections.refusals(connection).is_last():
                return provider_pb2.CreateResponse(properties=request.properties)
            raise ProvisionError(connection.refused[request.urn])
        if request.preview:
            return provider_pb2.CreateResponse(properties=_struct(connection.provider.preview(token, inputs)))
        id_, state = connection.provider.create(token, inputs)
        return provider_pb2.CreateResponse(id=id_, properties=_struct(state))

    @_verb
    def Read(self, request: Any, connection: Connection) -> Any:  # noqa: N802
        token, _ = urn_parts(request.urn)
        answer = connection.provider.read(token, request.id, _plain(request.inputs))
        if answer is None:
            return provider_pb2.ReadResponse()
        inputs, state = answer
        return provider_pb2.ReadResponse(id=request.id, inputs=_struct(inputs), properties=_struct(state))

    @_verb
    def Update(self, request: Any, connection: Connection) -> Any:  # noqa: N802
        token, _ = urn_parts(request.urn)
        old, new = _plain(request.old_inputs), _plain(request.news)
        if request.urn in connection.refused and not request.preview:
            raise ProvisionError(connection.refused[request.urn])
        if request.preview:
            return provider_pb2.UpdateResponse(properties=_struct({**_plain(request.olds), **new}))
        return provider_pb2.UpdateResponse(properties=_struct(connection.provider.update(token, request.id, old, new)))

    @_verb
    def Delete(self, request: Any, connection: Connection) -> Any:  # noqa: N802
        token, _ = urn_parts(request.urn)
        connection.provider.delete(token, request.id, _plain(request.properties))
        return Empty()


def _failures(failures: list[Failure]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=item.property, reason=item.reason) for item in failures]


def _plain(struct: Any) -> Properties:
    properties: Properties = _whole(MessageToDict(struct))
    return properties


def _whole(value: Any) -> Any:
    """Struct numbers are doubles: a whole one is an integer again."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _struct(properties: Properties) -> Struct:
    return ParseDict({key: value for key, value in properties.items() if value is not None}, Struct())
