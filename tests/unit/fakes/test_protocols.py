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
from fogbank.cloud.hosting.health import Patient
from fogbank.cloud.hosting.lines import Reply
from fogbank.cloud.hosting.pipeline import Machine
from fogbank.cloud.jobs import scoring
from fogbank.cloud.jobs.objects import Objects, Upload
from fogbank.cloud.jobs.processor import Processor
from fogbank.cloud.jobs.progress import Progress
from fogbank.cloud.objects.bucket import Buckets
from fogbank.cloud.time.timeline import Source
from tests.fakes.buckets import FakeBuckets
from tests.fakes.instances import FakeHost, FakeInstance
from tests.fakes.machines import FakeMachine
from tests.fakes.objects import MemoryObjects, MemoryUpload
from tests.fakes.patient import FakePatient
from tests.fakes.processor import FakeProcessor
from tests.fakes.progress import MemoryProgress
from tests.fakes.reply import FakeReply
from tests.fakes.scorers import FakeScorer, FakeStream
from tests.fakes.source import HourlySource

SOURCE = Path(__file__).parents[3] / "src" / "fogbank"
FAKES: dict[str, tuple[type, Any]] = {
    "cloud/hosting/health.py:Patient": (Patient, FakePatient()),
    "cloud/hosting/pipeline.py:Machine": (Machine, FakeMachine(lambda body: Reply(200, body, {}))),
    "cloud/hosting/pool.py:Host": (pool.Host, FakeHost()),
    "cloud/hosting/pool.py:Server": (pool.Server, FakeInstance("i", "m")),
    "cloud/jobs/objects.py:Objects": (Objects, MemoryObjects()),
    "cloud/jobs/objects.py:Upload": (Upload, MemoryUpload(MemoryObjects(), "b", "k", "", ())),
    "cloud/jobs/progress.py:Progress": (Progress, MemoryProgress()),
    "cloud/jobs/processor.py:Processor": (Processor, FakeProcessor(lambda *_: 0)),
    "cloud/jobs/scoring.py:Parameters": (scoring.Parameters, FakeScorer(0, lambda *_: FakeReply())),
    "cloud/jobs/scoring.py:Streaming": (scoring.Streaming, FakeStream(200, iter([]))),
    "cloud/jobs/scoring.py:Reply": (scoring.Reply, FakeReply()),
    "cloud/jobs/scoring.py:Scorer": (scoring.Scorer, FakeScorer(0, lambda *_: FakeReply())),
    "cloud/objects/bucket.py:Buckets": (Buckets, FakeBuckets()),
    "cloud/time/timeline.py:Source": (Source, HourlySource("hourly", datetime(2026, 1, 1, tzinfo=UTC))),
}
REAL = {
    "cloud/alarms/readings.py:Periods": "points in a file, in tests/contracts/aws/test_alarms.py",
    "cloud/api/resource.py:State": "NoState, and frozen values: nothing is quicker",
    "cloud/front.py:DataPlane": "the runtime, on instances in memory",
    "cloud/front.py:Door": "rooms of the cloud over a store in a folder",
    "cloud/front.py:Rights": "the guard of a real cloud, in tests/contracts/aws/test_enforcement.py and test_role_sessions.py",
    "cloud/front.py:Waits": "the polls of a real cloud, in tests/contracts/aws/test_polls.py",
    "cloud/ground/live.py:Flow": "a list of what it is told",
    "cloud/ground/payload.py:Readable": "any file in memory",
    "cloud/ground/sending.py:Sent": "a function",
    "cloud/hosting/bakes.py:Rolling": "rollouts of endpoints and of components, on instances in memory",
    "cloud/hosting/capacity.py:Capacity": "Provisioned: a number",
    "cloud/hosting/endpoints.py:Tenants": "the room of inference components, on instances in memory",
    "cloud/hosting/invocation.py:Plane": "the runtime, on instances in memory",
    "cloud/hosting/instance.py:Launcher": "processes of a server of a few lines, and containers in tests/contracts/image",
    "cloud/hosting/lines.py:Sink": "a stream: nothing is quicker",
    "cloud/hosting/pool.py:Answered": "replies of fake machines",
    "cloud/hosting/pipeline.py:Tell": "a function",
    "cloud/hosting/scaled.py:Targets": "the book of scalable targets, in tests/contracts/aws/test_scaling.py",
    "cloud/hosting/utilisation.py:Measured": "processes of instances, and frozen values",
    "cloud/hosting/workspace.py:Approval": "a project's own, with a key of the test's, in tests/unit/project/local/test_approval.py",
    "cloud/jobs/direct.py:Direct": "processes, and a package in this one, in tests/contracts/jobs/test_direct.py",
    "cloud/jobs/processor.py:Process": "processes",
    "cloud/moto/bridge.py:Objects": "objects on a shelf in a folder, in tests/contracts/aws/test_s3_objects.py",
    "cloud/objects/adopt.py:Begun": "what moto remembers: frozen values",
    "cloud/objects/adopt.py:Kept": "what moto remembers: frozen values",
    "cloud/objects/checksums.py:_Hash": "hashlib's, and a CRC",
    "cloud/observe/cloudwatch.py:Memory": "what moto remembers, in tests/contracts/aws/test_cloudwatch.py",
    "cloud/observe/queries.py:Between": "points in a file, in tests/contracts/aws/test_cloudwatch.py",
    "monitor/blocks.py:Bytes": "any file in memory",
    "transform/association.py:Associated": "rows and JSON: pure",
    "transform/association.py:LineRecords": "rows and JSON lines: pure",
    "transform/records.py:Laid": "bytes in files, in tests/contracts/jobs/test_direct.py",
    "image/layers.py:Writer": "any file in memory",
    "pack/lock.py:Source": "a lock of a few lines",
    "components/monitor_kinds.py:Kind": "four values of ours: pure",
    "provider/images.py:Images": "images of a small project, in tests/contracts/image",
    "provider/own.py:OwnType": "types of ours, over SageMaker's fakes",
    "project/versions/shelves.py:Shelf": "a bucket of a cloud of the run's own, registries, and ECR as it is, in tests/contracts/project/test_promotion.py",
    "provider/resource.py:Provider": "the stand-in, on clients that refuse or on a cloud of the run's own",
    "serve/connection.py:AnyService": "the service of a handler of two lines",
}


def protocols() -> set[str]:
    return {
        f"{path.relative_to(SOURCE)}:{node.name}"
        for path in SOURCE.rglob("*.py")
        if "Protocol" in (text := path.read_text())
        for node in ast.walk(ast.parse(text))
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
