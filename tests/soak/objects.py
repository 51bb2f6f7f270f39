"""Writers of S3: objects with and without conditions, versions, multipart uploads."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from tests.contracts.aws.served import Served
from tests.soak.ledger import Cell, ask
from tests.soak.writer import Writer, code_of

PART = 5 << 20
"""The smallest part of a multipart upload but for its last one."""
SIZES = (0, 10, 3_000, 150_000)


@dataclass(frozen=True)
class Content:
    """An object as a client sees it: its bytes by their digest, its ETag and what its owner said of it."""

    sha256: str
    etag: str
    note: str


def content(body: bytes, note: str) -> Content:
    """What must be there after a plain PUT of this body."""
    return Content(hashlib.sha256(body).hexdigest(), f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"', note)


class Objects(Writer):
    """Objects of a bucket: written, overwritten, deleted, copied, with conditions that hold and conditions that do not."""

    KEYS = 30

    def __init__(self, served: Served, chance: random.Random) -> None:
        super().__init__(served, chance)
        self._s3, self._bucket = served.s3, served.name
        self._cells = {key: Cell[Content | None](key, None) for key in self._names()}

    def _names(self) -> list[str]:
        odd = ["a b+c?d=e&f.csv", "ünï/#1", "deep/er/and/deeper", "100%", "trailing/"]
        return [f"objects/{name}" for name in [*odd, *(f"plain-{i}" for i in range(self.KEYS - len(odd)))]]

    def step(self) -> None:
        cell = self.chance.choice(list(self._cells.values()))
        kind = self.chance.choice([self._put] * 5 + [self._delete, self._copy, self._conditional, self._refused])
        kind(cell)

    def _body(self) -> bytes:
        return self.chance.randbytes(self.chance.choice(SIZES))

    def _put(self, cell: Cell[Content | None], **conditions: str) -> None:
        body, note = self._body(), f"step {self.steps}"
        given = {"Bucket": self._bucket, "Key": cell.name, "Body": body, "Metadata": {"note": note}, **conditions}
        cell.write(content(body, note), lambda: ask(self._s3.put_object, **given))

    def _delete(self, cell: Cell[Content | None]) -> None:
        cell.write(None, lambda: ask(self._s3.delete_object, Bucket=self._bucket, Key=cell.name))

    def _copy(self, cell: Cell[Content | None]) -> None:
        sources = [other for other in self._cells.values() if other.fact is not None and other is not cell]
        if sources:
            source = self.chance.choice(sources)
            place = {"Bucket": self._bucket, "Key": source.name}
            cell.write(
                source.fact,
                lambda: ask(self._s3.copy_object, Bucket=self._bucket, Key=cell.name, CopySource=place),
            )

    def _conditional(self, cell: Cell[Content | None]) -> None:
        """A condition that holds."""
        self._put(cell, **({"IfMatch": cell.fact.etag} if cell.fact else {"IfNoneMatch": "*"}))

    def _refused(self, cell: Cell[Content | None]) -> None:
        """A condition that does not: 412, and nothing changes."""
        if cell.fact is None:
            return
        try:
            self._put(cell, **self.chance.choice([{"IfMatch": f'"{"0" * 32}"'}, {"IfNoneMatch": "*"}]))
        except ClientError as error:
            if code_of(error) == "PreconditionFailed":
                return
            raise
        raise AssertionError(f"{cell.name}: a condition that does not hold was not refused")

    def compare(self) -> list[str]:
        wrong = []
        listed = self._listed()
        for cell in self._cells.values():
            there = self._read(cell.name)
            wrong += cell.compare(there)
            if (cell.name in listed) is not (there is not None):
                wrong.append(f"{cell.name} is {'not ' if there else ''}listed, and {'is' if there else 'is not'} there")
        return wrong + [f"{key} is there, and nobody wrote it" for key in listed - set(self._cells)]

    def _listed(self) -> set[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix="objects/")
        return ask(lambda: {item["Key"] for page in pages for item in page.get("Contents", [])})

    def _read(self, key: str) -> Content | None:
        def read() -> Content:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
            data = answer["Body"].read()
            return Content(hashlib.sha256(data).hexdigest(), answer["ETag"], answer["Metadata"].get("note", ""))

        try:
            return ask(read)
        except ClientError as error:
            if code_of(error) == "NoSuchKey":
                return None
            raise


class Versions(Writer):
    """Versions of one object in a bucket that keeps them: each has the id that its writer was told."""

    pace_s = 0.05

    def __init__(self, served: Served, chance: random.Random) -> None:
        super().__init__(served, chance)
        self._s3, self._bucket = served.s3, f"{served.name}-versions"
        self._s3.create_bucket(Bucket=self._bucket)
        enabled = {"Status": "Enabled"}
        self._s3.put_bucket_versioning(Bucket=self._bucket, VersioningConfiguration=enabled)
        self._told: list[tuple[str, str]] = []

    def step(self) -> None:
        body = self.chance.randbytes(100)
        answer = ask(self._s3.put_object, Bucket=self._bucket, Key="k", Body=body)
        self._told.append((answer["VersionId"], content(body, "").etag))

    def compare(self) -> list[str]:
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket)
        there = ask(lambda: [(v["VersionId"], v["ETag"]) for page in pages for v in page.get("Versions", [])])[::-1]
        lost = [f"the version {version} of k is lost" for version in self._told if version not in there]
        if not lost and [version for version in there if version in self._told] != self._told:
            lost = ["the versions of k are in another order than they were written in"]
        self._told = there  # what nobody answered is a fact now, where it was done
        return lost


@dataclass
class Upload:
    """A multipart upload: its id, and the parts that were acknowledged."""

    key: str
    id: str
    parts: list[tuple[int, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


class Multipart(Writer):
    """Multipart uploads: begun, sent in parts, completed or given up; nothing is seen of one before it is complete."""

    pace_s = 0.2

    def __init__(self, served: Served, chance: random.Random) -> None:
        super().__init__(served, chance)
        self._s3, self._bucket = served.s3, served.name
        self._cells = {key: Cell[str | None](key, None) for key in ("multipart/a", "multipart/b")}
        self._block = chance.randbytes(PART)
        self._open: Upload | None = None

    def step(self) -> None:
        if self._open is None:
            key = self.chance.choice(list(self._cells))
            self._open = Upload(key, ask(self._s3.create_multipart_upload, Bucket=self._bucket, Key=key)["UploadId"])
            return
        upload = self._open
        sent = len(upload.parts)
        if sent < 2:
            body = self._block[: PART if sent == 0 else 1000] + self.chance.randbytes(16)
            upload.bodies[sent:] = [body]
            answer = ask(self._s3.upload_part, **self._of(upload), PartNumber=sent + 1, Body=body)
            upload.parts.append((sent + 1, answer["ETag"]))
        elif self.chance.random() < 0.2:
            ask(self._s3.abort_multipart_upload, **self._of(upload))
            self._open = None
        else:
            self._complete(upload)

    def _complete(self, upload: Upload) -> None:
        parts = {"Parts": [{"PartNumber": number, "ETag": etag} for number, etag in upload.parts]}
        whole = hashlib.sha256(b"".join(upload.bodies)).hexdigest()
        self._cells[upload.key].write(
            whole, lambda: ask(self._s3.complete_multipart_upload, **self._of(upload), MultipartUpload=parts)
        )
        self._open = None

    def _of(self, upload: Upload) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": upload.key, "UploadId": upload.id}

    def compare(self) -> list[str]:
        wrong = []
        for cell in self._cells.values():
            before = cell.fact
            wrong += cell.compare(self._digest(cell.name))
            if cell.fact != before:
                self._open = None  # the completion that nobody answered was done
        if self._open is not None:
            wrong += self._still_open(self._open)
        return wrong

    def _still_open(self, upload: Upload) -> list[str]:
        try:
            listed = ask(self._s3.list_parts, **self._of(upload)).get("Parts", [])
        except ClientError as error:
            self._open = None
            given_up = len(upload.parts) == 2  # an abort that nobody answered
            return [] if given_up and code_of(error) == "NoSuchUpload" else [f"upload {upload.id}: {error}"]
        there = {(part["PartNumber"], part["ETag"]) for part in listed}
        return [f"part {part} of the upload to {upload.key} is lost" for part in upload.parts if part not in there]

    def _digest(self, key: str) -> str | None:
        try:
            return ask(
                lambda: hashlib.sha256(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()).hexdigest()
            )
        except ClientError as error:
            if code_of(error) == "NoSuchKey":
                return None
            raise
