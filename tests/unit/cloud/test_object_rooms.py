"""Where moto and objects meet: a state in which moto kept the objects opens; moto's other services read and write the same objects."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fogbank.cloud.ground.store import OBJECTS_IN_JOURNAL, Store
from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.moto.bridge import uninstall
from fogbank.cloud.moto.gateway import MotoGateway
from fogbank.cloud.moto.snapshot import Snapshots
from fogbank.cloud.object_rooms import MotoBuckets, bring_back
from fogbank.cloud.objects.blobs import Blobs
from fogbank.cloud.objects.index import Index
from fogbank.cloud.objects.room import ObjectsRoom
from fogbank.cloud.objects.shelf import Shelf
from fogbank.ground.aws import LOCAL_ACCOUNT
from tests.unit.cloud.conftest import OpenStore
from tests.unit.cloud.objects.conftest import SIGNED

ENABLED = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


def request(method: str, path: str, body: bytes = b"", query: str = "", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method=method, path=path, query=query, headers={**SIGNED, **named}, body=body)


@pytest.fixture
def store(tmp_path: Path, open_store: OpenStore) -> Store:
    return open_store(tmp_path / "cloud.db")


@pytest.fixture
def moto(store: Store, tmp_path: Path) -> Iterator[MotoGateway]:
    gateway = MotoGateway(store, time.time, Snapshots(tmp_path, b"key"))
    gateway.reset()
    yield gateway
    uninstall()
    gateway.reset()


@pytest.fixture
def room(tmp_path: Path, moto: MotoGateway) -> Iterator[ObjectsRoom]:
    index = Index(tmp_path / "index.db", Blobs(tmp_path / "bodies", tmp_path / "incoming"))
    yield ObjectsRoom(Shelf(index, MotoBuckets(), time.time), moto.handle, lambda *_: None)
    index.close()


def test_objects_of_an_earlier_version_are_there(store: Store, moto: MotoGateway, room: ObjectsRoom) -> None:
    def earlier(method: str, path: str, body: bytes = b"", query: str = "", **headers: str) -> Answer:
        answer = moto.handle(request(method, path, body, query, **headers))
        assert answer.status < 300, answer.body
        return answer

    uninstall()
    earlier("PUT", "/plain")
    earlier("PUT", "/plain/%C3%BC%20k", body=b"1", content_type="text/x", x_amz_meta_a="2", x_amz_tagging="t=1")
    upload = re.search(rb"<UploadId>(.*?)</UploadId>", earlier("POST", "/plain/big", query="uploads").body)
    assert upload
    earlier("PUT", "/plain/big", body=b"part", query=f"partNumber=1&uploadId={upload[1].decode()}")
    earlier("PUT", "/versions")
    earlier("PUT", "/versions", body=ENABLED, query="versioning")
    names = [
        earlier("PUT", "/versions/k", body=body).headers["x-amz-version-id"] for body in (b"first", b"second", b"third")
    ]
    earlier("DELETE", "/versions/k")
    moto.reset()
    store.set_setting(OBJECTS_IN_JOURNAL, "yes")
    bring_back(moto, store, room)

    answer = room.handle(request("GET", "/plain/%C3%BC%20k"))
    assert (answer.body, answer.headers["Content-Type"], answer.headers["x-amz-meta-a"]) == (b"1", "text/x", "2")
    assert answer.headers["x-amz-tagging-count"] == "1"
    listed = room.handle(request("GET", "/plain/big", query=f"uploadId={upload[1].decode()}"))
    assert b"<PartNumber>1</PartNumber>" in listed.body
    assert room.handle(request("GET", "/versions/k")).status == 404
    bodies = [room.handle(request("GET", "/versions/k", query=f"versionId={name}")).body for name in names]
    assert bodies == [b"first", b"second", b"third"]
    assert [entry.path for entry in store.journal()] == ["/plain", "/versions", "/versions"]
    assert store.setting(OBJECTS_IN_JOURNAL, "") == ""


def test_motos_other_services_have_the_same_objects(store: Store, moto: MotoGateway, room: ObjectsRoom) -> None:
    from moto.s3.models import s3_backends

    bring_back(moto, store, room)
    assert moto.handle(request("PUT", "/bucket")).status == 200
    room.handle(request("PUT", "/bucket/in/a", body=b"template", x_amz_meta_n="1"))
    backend = s3_backends[LOCAL_ACCOUNT]["aws"]

    key: Any = backend.get_object("bucket", "in/a")
    assert (key.value, key.metadata["n"], backend.get_object("bucket", "no")) == (b"template", "1", None)
    backend.put_object("bucket", "out/log.gz", b"exported")
    assert room.handle(request("GET", "/bucket/out/log.gz")).body == b"exported"
    listed, _, _, _ = backend.list_objects(
        backend.get_bucket("bucket"), prefix="in/", delimiter=None, marker=None, max_keys=None
    )
    assert [item.value for item in listed] == [b"template"]
    assert backend.delete_bucket("bucket") is None
    assert room.handle(request("DELETE", "/bucket")).status == 409
    for name in ("in/a", "out/log.gz"):
        room.handle(request("DELETE", f"/bucket/{name}"))
    assert room.handle(request("DELETE", "/bucket")).status == 204
    assert MotoBuckets().find("bucket") is None


def test_a_snapshot_holds_the_buckets_of_the_objects(moto: MotoGateway, store: Store, room: ObjectsRoom) -> None:
    bring_back(moto, store, room)
    moto.handle(request("PUT", "/bucket-a"))
    room.handle(request("PUT", "/bucket-a/key", b"body"))
    moto.save()
    assert moto.history() == {"changes": 1, "since_snapshot": 0, "problem": ""}

    bring_back(moto, store, room)
    assert moto.history()["since_snapshot"] == 0, "nothing is played back"
    assert list(MotoBuckets().names()) == ["bucket-a"]
    assert MotoBuckets().find("bucket-a")
    assert room.handle(request("GET", "/bucket-a/key")).body == b"body"
    assert moto.handle(request("DELETE", "/bucket-a")).status == 409, "moto knows what is in it"
