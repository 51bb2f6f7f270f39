"""AWS's own policies: there when somebody looks, and not before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from moto.iam.models import iam_backends

from fogbank.cloud.ground.store import Store
from fogbank.cloud.moto import policies
from fogbank.cloud.moto.gateway import MotoGateway
from fogbank.cloud.moto.snapshot import Snapshots
from fogbank.ground.aws import LOCAL_ACCOUNT
from tests.unit.cloud.moto.conftest import Ask

POLICY = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"


def test_other_services_do_not_wait_for_them(
    tmp_path: Path, open_store: Callable[[Path], Store], memory: Callable[[], None], ask: Ask
) -> None:
    gateway = MotoGateway(open_store(tmp_path / "s.db"), lambda: 1.0, Snapshots(tmp_path, b"k" * 32))
    gateway.handle(ask("sqs", "CreateQueue", QueueName="q"))

    assert not any(backend.managed_policies for backend in iam_backends[LOCAL_ACCOUNT].values())


def test_they_have_the_same_identifiers_each_time(memory: Callable[[], None], ask: Ask) -> None:
    asked = ask("sqs", "CreateQueue")
    headers = {**asked.headers, "authorization": asked.headers["authorization"].replace("/sqs/", "/iam/")}
    looked = replace(asked, headers=headers)
    ids = []
    for _ in range(2):
        memory()
        assert not policies.wanting(asked)
        assert policies.wanting(looked)
        policies.provide("us-east-1")
        assert not policies.wanting(looked)
        ids.append(iam_backends[LOCAL_ACCOUNT]["aws"].managed_policies[POLICY].id)

    assert ids[0] == ids[1]
