"""Every Protocol of the product has an honest fake here, or a reason why the tests use the real thing; and each fake has the
names and the parameters of its Protocol. (mypy holds the types, where a fake is given to what takes the Protocol.)"""

from __future__ import annotations

import ast
import inspect
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fogbank.cloud.hosting import pool
from fogbank.cloud.jobs import scoring
from fogbank.cloud.jobs.objects import Objects
from fogbank.cloud.jobs.processor import Processor
from fogbank.cloud.objects.bucket import Buckets
from fogbank.cloud.time.timeline import Source
from tests.fakes.buckets import FakeBuckets
from tests.fakes.instances import FakeHost, FakeInstance
from tests.fakes.objects import MemoryObjects
from tests.fakes.processor import FakeProcessor
from tests.fakes.reply import FakeReply
from tests.fakes.scorers import FakeScorer
from tests.fakes.source import HourlySource

SOURCE = Path(__file__).parents[3] / "src" / "fogbank"
FAKES: dict[str, tuple[type, Any]] = {
    "cloud/hosting/pool.py:Host": (pool.Host, FakeHost()),
    "cloud/hosting/pool.py:Server": (pool.Server, FakeInstance("i", "m")),
    "cloud/jobs/objects.py:Objects": (Objects, MemoryObjects()),
    "cloud/jobs/processor.py:Processor": (Processor, FakeProcessor(lambda *_: 0)),
    "cloud/jobs/scoring.py:Reply": (scoring.Reply, FakeReply()),
    "cloud/jobs/scoring.py:Scorer": (scoring.Scorer, FakeScorer(0, lambda *_: FakeReply())),
    "cloud/objects/bucket.py:Buckets": (Buckets, FakeBuckets()),
    "cloud/time/timeline.py:Source": (Source, HourlySource("hourly", datetime(2026, 1, 1, tzinfo=UTC))),
}
REAL = {
    "cloud/api/resource.py:State": "NoState, and frozen values: nothing is quicker",
    "cloud/front.py:DataPlane": "the runtime, on instances in memory",
    "cloud/front.py:Door": "rooms of the cloud over a store in a folder",
    "cloud/ground/payload.py:Readable": "any file in memory",
    "cloud/ground/sending.py:Sent": "a function",
    "cloud/hosting/capacity.py:Capacity": "Provisioned: a number",
    "cloud/hosting/invocation.py:Plane": "the runtime, on instances in memory",
    "cloud/hosting/instance.py:Launcher": "processes of a server of a few lines, and containers in tests/contracts/image",
    "cloud/moto/bridge.py:Objects": "objects on a shelf in a folder, in tests/contracts/aws/test_s3_objects.py",
    "cloud/objects/adopt.py:Begun": "what moto remembers: frozen values",
    "cloud/objects/adopt.py:Kept": "what moto remembers: frozen values",
    "cloud/objects/checksums.py:_Hash": "hashlib's, and a CRC",
    "image/layers.py:Writer": "any file in memory",
    "pack/lock.py:Source": "a lock of a few lines",
    "provider/fogbank.py:Images": "images of a small project, in tests/contracts/image",
    "provider/resource.py:Provider": "the stand-in, on clients that refuse or on a cloud of the run's own",
    "serve/connection.py:AnyService": "the service of a handler of two lines",
}


def protocols() -> set[str]:
    return {
        f"{path.relative_to(SOURCE)}:{node.name}"
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and any(is_protocol(base) for base in node.bases)
    }


def is_protocol(base: ast.expr) -> bool:
    plain = base.value if isinstance(base, ast.Subscript) else base
    return isinstance(plain, ast.Name) and plain.id == "Protocol"


def test_every_protocol_has_a_fake_or_a_reason_to_be_tested_on_the_real_thing() -> None:
    assert set(FAKES).isdisjoint(REAL)
    assert protocols() == set(FAKES) | set(REAL)


@pytest.mark.parametrize("name", FAKES)
def test_a_fake_has_what_its_protocol_has_with_the_same_parameters(name: str) -> None:
    protocol, fake = FAKES[name]
    members = {key: value for key, value in vars(protocol).items() if not key.startswith("_")}
    assert members

    for key, declared in members.items():
        assert hasattr(fake, key), key
        if inspect.isfunction(declared):
            asked = list(inspect.signature(declared).parameters.values())[1:]
            given = list(inspect.signature(getattr(fake, key)).parameters.values())
            assert [(p.name, p.kind, p.default) for p in given] == [(p.name, p.kind, p.default) for p in asked], key
