"""The objects' room without a network: what is kept, what is swept, what a full disk leaves."""

from __future__ import annotations

import base64
import errno
import hashlib
from collections import Counter
from urllib.parse import quote

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from fogbank.cloud.ground.payload import Payload
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.objects.blobs import Blobs
from fogbank.cloud.objects.bucket import Bucket
from fogbank.cloud.objects.index import Index
from tests.drawn import at_most
from tests.unit.cloud.objects.conftest import SIGNED, Room


def test_the_same_bytes_lie_there_once_and_go_with_the_last_object(room: Room) -> None:
    for key in ("a", "b"):
        assert room.ask("PUT", key, b"same").status == 200
    room.ask("PUT", "c", x_amz_copy_source="/b/a")
    assert len(room.bodies()) == 1

    for key in ("a", "b"):
        room.ask("DELETE", key)
    answer = room.ask("GET", "c")
    assert answer.body == b"same"
    answer.payload.close()
    room.ask("PUT", "c", b"other")
    assert [path.read_bytes() for path in room.bodies()] == [b"other"]
    room.ask("DELETE", "c")
    assert room.bodies() == []
    assert room.events[-1] == "ObjectRemoved:Delete c"


def test_a_body_that_is_being_read_stays_until_it_is_read(room: Room) -> None:
    room.ask("PUT", "k", b"read me")
    answer = room.ask("GET", "k")
    room.ask("DELETE", "k")

    assert answer.payload.read() == b"read me"
    answer.payload.close()
    answer.payload.close()
    assert room.bodies() == []


def test_what_nothing_refers_to_is_swept(room: Room) -> None:
    room.ask("PUT", "k", b"kept")
    orphan = room.shelf.blobs.file("0" * 64)
    orphan.write_bytes(b"left by a kill")

    assert room.shelf.index.sweep() == 1
    assert [path.read_bytes() for path in room.bodies()] == [b"kept"]


class FullBlobs(Blobs):
    """A disk that is full."""

    def draft(self, payload: Payload) -> Payload:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_said_and_loses_nothing(room: Room) -> None:
    room.ask("PUT", "k", b"good")
    room.shelf.index.blobs = FullBlobs(room.folder / "bodies", room.folder / "incoming")
    answer = room.ask("PUT", "k", b"refused")

    assert (answer.status, b"<Code>InternalError</Code>" in answer.body, b"full" in answer.body) == (500, True, True)
    assert room.ask("GET", "k").body == b"good"
    assert list((room.folder / "incoming").iterdir()) == []


def test_everything_is_there_again_after_a_start(room: Room) -> None:
    room.ask("PUT", "k", b"1", x_amz_meta_a="ü")
    upload = room.ask("POST", "big", query="uploads").body.decode().partition("<UploadId>")[2].partition("<")[0]
    room.ask("PUT", "big", b"part", query=f"partNumber=1&uploadId={upload}")
    again = Index(room.folder / "index.db", Blobs(room.folder / "bodies", room.folder / "incoming"))
    room.shelf.index.close()
    room.shelf.index = again

    answer = room.ask("GET", "k")
    assert (answer.body, answer.headers["x-amz-meta-a"]) == (b"1", "ü")
    assert b"<PartNumber>1</PartNumber>" in room.ask("GET", "big", query=f"uploadId={upload}").body
    room.ask("DELETE", "big", query=f"uploadId={upload}")
    assert len(room.bodies()) == 1


def test_what_is_about_a_buckets_settings_is_not_taken(room: Room) -> None:
    def takes(method: str, path: str, query: str = "", headers: dict[str, str] = SIGNED) -> bool:
        return room.door.takes(Request(method=method, path=path, query=query, headers=headers))

    ours = [("GET", "/b", ""), ("GET", "/b/", "prefix=a"), ("PUT", "/b/k", "tagging")]
    others = [
        ("GET", "/b", "versioning"),
        ("PUT", "/b", ""),
        ("HEAD", "/b", ""),
        ("GET", "/", ""),
        ("POST", "/b/k", "select"),
    ]
    assert [takes(method, path, query) for method, path, query in ours] == [True] * 3
    assert [takes(method, path, query) for method, path, query in others] == [False] * 5
    assert [takes("GET", "/b/k", "", {}), takes("GET", "/other/k", "", {})] == [True, False]
    assert not takes("POST", "/b", "", {"authorization": SIGNED["authorization"].replace("/s3/", "/sqs/")})


def test_nobody_who_does_not_sign_reads_or_writes(room: Room) -> None:
    room.ask("PUT", "k", b"1")
    for method in ("GET", "PUT", "DELETE"):
        answer = room.door.handle(Request(method=method, path="/b/k", query="", headers={}))
        assert answer.status == 403
    room.ask("PUT", "k", query="acl", x_amz_acl="public-read")
    assert room.door.handle(Request(method="GET", path="/b/k", query="", headers={})).body == b"1"


def test_a_key_that_is_no_text_is_refused(room: Room) -> None:
    answer = room.door.handle(Request(method="PUT", path="/b/%ff", query="", headers=SIGNED))

    assert (answer.status, b"InvalidURI" in answer.body) == (400, True)


def customer(letter: str, prefix: str = "x_amz_") -> dict[str, str]:
    """The headers of a customer's key."""
    key = letter.encode() * 32
    parts = {
        "algorithm": "AES256",
        "key": base64.b64encode(key).decode(),
        "key_md5": base64.b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode(),
    }
    return {f"{prefix}server_side_encryption_customer_{part}": value for part, value in parts.items()}


def test_a_customers_key_is_exchanged_by_a_copy_onto_itself(room: Room) -> None:
    """The encryption changes, so S3 takes it; the same key again changes nothing."""
    room.ask("PUT", "k", b"1", "", **customer("a"))
    source = {"x_amz_copy_source": "/b/k", **customer("a", "x_amz_copy_source_")}
    assert room.ask("PUT", "k", b"", "", **source, **customer("a")).status == 400
    answer = room.ask("PUT", "k", b"", "", **source, **customer("b"))
    assert (answer.status, "x-amz-server-side-encryption" in answer.headers) == (200, False)
    assert room.ask("GET", "k", b"", "", **customer("a")).status == 403
    assert room.ask("GET", "k", b"", "", **customer("b")).body == b"1"

    source = {"x_amz_copy_source": "/b/k", **customer("b", "x_amz_copy_source_")}
    assert room.ask("PUT", "k", b"", "", **source).status == 200
    assert room.ask("GET", "k").body == b"1"


def test_a_customers_key_under_a_digest_that_is_no_ascii_is_refused(room: Room) -> None:
    wrong = {**customer("a"), "x_amz_server_side_encryption_customer_key_md5": "ü"}
    answer = room.ask("PUT", "k", b"1", "", **wrong)
    assert (answer.status, b"did not match the hash" in answer.body) == (400, True)


@pytest.mark.parametrize(
    ("said", "taken"),
    [("a\u00a0b", True), ("é\t", True), ("\u00ad", True), ("日", False), ("a\n", False), ("\x7f", False)],
)
def test_an_answers_header_is_what_latin_1_can_say(room: Room, said: str, taken: bool) -> None:
    room.ask("PUT", "k", b"1")
    answer = room.ask("GET", "k", query=f"response-content-disposition={quote(said)}")
    if taken:
        assert (answer.status, answer.headers["Content-Disposition"]) == (200, said)
    else:
        assert (answer.status, b"cannot be represented using ISO-8859-1" in answer.body) == (400, True)


def test_nobody_who_does_not_sign_lists_a_private_bucket(room: Room) -> None:
    for query in ("", "list-type=2", "versions", "uploads"):
        answer = room.door.handle(Request(method="GET", path="/b", query=query, headers={}))
        assert (answer.status, b"AccessDenied" in answer.body) == (403, True)
        assert room.ask("GET", "", query=query).status == 200


def test_a_part_has_the_checksum_that_its_upload_was_begun_with(room: Room) -> None:
    def begun(**headers: str) -> str:
        body = room.ask("POST", "k", b"", "uploads", **headers).body.decode()
        return body.partition("<UploadId>")[2].partition("<")[0]

    upload, crc = begun(x_amz_checksum_algorithm="SHA256"), {"x_amz_checksum_crc32": "g9zvtw=="}
    answer = room.ask("PUT", "k", b"1", f"partNumber=1&uploadId={upload}", **crc)
    assert b"expected checksum Type: sha256, actual checksum Type: crc32<" in answer.body
    assert answer.status == 400
    assert room.ask("PUT", "k", b"1", query=f"partNumber=1&uploadId={upload}").status == 200
    assert room.ask("PUT", "k", b"1", f"partNumber=1&uploadId={begun()}", **crc).status == 200


def test_an_object_is_encrypted_in_a_way_that_s3_has(room: Room) -> None:
    answer = room.ask("PUT", "k", b"1", x_amz_server_side_encryption="AES")
    assert (answer.status, b"<Code>InvalidArgument" in answer.body) == (400, True)
    assert room.ask("PUT", "k", b"1", x_amz_server_side_encryption="aws:kms").status == 200


KEYS = st.sampled_from(["a", "a/", "a/b", "a//b", "ü", "z"])
BODIES = st.binary(max_size=20)


@pytest.fixture
def machine(room: Room) -> type[RuleBasedStateMachine]:
    return type("Objects", (ObjectsMachine,), {"room": room})


class ObjectsMachine(RuleBasedStateMachine):
    """Objects beside a list of versions in memory, newest first; None is a delete marker."""

    room: Room

    @initialize()
    def begin(self) -> None:
        self.room.shelf.index.clear()
        self.room.buckets.set(Bucket(name="b", region="us-east-1"))
        self.model: dict[str, list[tuple[str, bytes | None]]] = {}
        self.versioning = ""

    @rule(versioning=st.sampled_from(["Enabled", "Suspended"]))
    def version(self, versioning: str) -> None:
        self.versioning = versioning
        self.room.buckets.set(Bucket(name="b", region="us-east-1", versioning=versioning))

    def _lay(self, key: str, name: str, body: bytes | None) -> None:
        self.model[key] = [(name, body), *(item for item in self.model.get(key, []) if item[0] != name)]

    @rule(key=KEYS, body=BODIES)
    def put(self, key: str, body: bytes) -> None:
        answer = self.room.ask("PUT", key, body)
        assert answer.status == 200
        self._lay(key, answer.headers.get("x-amz-version-id", "null"), body)

    @rule(key=KEYS, source=KEYS)
    def copy(self, key: str, source: str) -> None:
        versions = self.model.get(source, [])
        there = bool(versions) and versions[0][1] is not None
        answer = self.room.ask("PUT", key, x_amz_copy_source=f"/b/{source}".replace("ü", "%C3%BC"))
        assert answer.status == (400 if there and key == source else 200 if there else 404)
        if answer.status == 200:
            self._lay(key, answer.headers.get("x-amz-version-id", "null"), versions[0][1])

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        answer = self.room.ask("DELETE", key)
        assert answer.status == 204
        if self.versioning:
            self._lay(key, answer.headers["x-amz-version-id"], None)
        else:
            self.model[key] = [item for item in self.model.get(key, []) if item[0] != "null"]

    @rule(key=KEYS, number=st.integers(0, 3))
    def delete_version(self, key: str, number: int) -> None:
        versions = self.model.get(key, [])
        if number < len(versions):
            assert self.room.ask("DELETE", key, query=f"versionId={versions[number][0]}").status == 204
            del versions[number]

    @rule()
    def read(self) -> None:
        latest = {key: versions[0][1] for key, versions in self.model.items() if versions}
        for key, body in latest.items():
            answer = self.room.ask("GET", key)
            assert (answer.status, answer.body if body is not None else None) == (404 if body is None else 200, body)
            answer.payload.close()
        listed = self.room.ask("GET", "", query="list-type=2").body.decode()
        shown = [part.partition("</Key>")[0] for part in listed.split("<Key>")[1:]]
        assert shown == sorted((key for key, body in latest.items() if body is not None), key=str.encode)
        versions = self.room.ask("GET", "", query="versions").body.decode()
        counted = Counter(part.partition("</Key>")[0] for part in versions.split("<Key>")[1:])
        assert counted == Counter({key: len(items) for key, items in self.model.items() if items})
        kept = {body for items in self.model.values() for _, body in items if body is not None}
        assert {path.read_bytes() for path in self.room.bodies()} == kept


def test_objects_are_as_a_small_model_says(machine: type[RuleBasedStateMachine]) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(machine, settings=settings(at_most(30), stateful_step_count=25))
