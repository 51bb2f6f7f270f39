"""What the engine is told of an error that nobody thought of."""

from __future__ import annotations

from typing import NoReturn

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from fogbank.project.packaging.package_images import PackageImages
from fogbank.project.provider_process import Clients
from fogbank.provider.fogbank import FogbankProvider
from fogbank.provider.server import ProviderServer


class Broken(FogbankProvider):
    """Has a bug."""

    def schema(self) -> NoReturn:
        raise KeyError("types")


@pytest.mark.parametrize(
    ("log", "where"), [("", ""), ("/p/.fogbank/provider.log", " (the traceback is in /p/.fogbank/provider.log)")]
)
def test_a_bug_is_told_with_the_file_that_has_its_traceback(log: str, where: str) -> None:
    server = ProviderServer(Broken(images=PackageImages(), version="1.0.0", clients=Clients()), log=log)
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel, pytest.raises(grpc.RpcError) as caught:
        provider_pb2_grpc.ResourceProviderStub(channel).GetSchema(provider_pb2.GetSchemaRequest())
    server.stop()

    assert caught.value.details() == f"fogbank's provider failed in GetSchema: KeyError('types'){where}"
