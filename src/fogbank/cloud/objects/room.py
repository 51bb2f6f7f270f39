"""S3's objects behind the cloud's door: every call about an object, answered or refused with S3's own error.

In: requests; out: answers. What is about a bucket's settings is not taken here: moto has it.
"""

from __future__ import annotations

import errno
import logging
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from functools import partial

from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.objects import deletes, labels, listing, reads, rules, settings, uploads, writes
from fogbank.cloud.objects.acl import is_public
from fogbank.cloud.objects.call import CHECKED, LIFECYCLE, Call
from fogbank.cloud.objects.errors import NotModifiedError, S3Error
from fogbank.cloud.objects.events import Told
from fogbank.cloud.objects.shelf import Shelf
from fogbank.cloud.objects.xml import document

log = logging.getLogger("fogbank.cloud")
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
Operation = Callable[[Call], Answer]
ACTIONS: Mapping[str, str] = {
    "GET": "s3:GetObject",
    "HEAD": "s3:GetObject",
    "PUT": "s3:PutObject",
    "DELETE": "s3:DeleteObject",
}

OF_BUCKETS: Mapping[str, str] = {
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
}
"""What a policy calls the operations that list a bucket."""
PERMISSIONS: Mapping[str, str] = {
    "HeadObject": "GetObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListParts": "ListMultipartUploadParts",
}
"""Operations that a policy calls by another name."""
ASKED = frozenset({"DeleteBucket", *LIFECYCLE.values(), *CHECKED.values()})
"""Operations that moto carries out as well, so that its journal has them."""


class ObjectsRoom:
    """The door. `ask` is moto's S3, which deletes a bucket; `tell` hears of what happened."""

    def __init__(self, shelf: Shelf, ask: Callable[[Request], Answer], tell: Told) -> None:
        self.shelf = shelf
        with_tell = {
            "PutObject": writes.put,
            "CopyObject": writes.copy,
            "PostObject": writes.post,
            "DeleteObject": deletes.one,
            "DeleteObjects": deletes.many,
            "CompleteMultipartUpload": uploads.complete,
            "PutObjectTagging": labels.put_tags,
            "DeleteObjectTagging": labels.delete_tags,
            "PutObjectAcl": labels.put_acl,
            "RestoreObject": labels.restore,
        }
        alone = {
            "GetObject": reads.get,
            "HeadObject": reads.get,
            "GetObjectAttributes": reads.attributes,
            "GetObjectTagging": labels.get_tags,
            "GetObjectAcl": labels.get_acl,
            "GetObjectRetention": labels.get_retention,
            "PutObjectRetention": labels.put_retention,
            "GetObjectLegalHold": labels.get_hold,
            "PutObjectLegalHold": labels.put_hold,
            "CreateMultipartUpload": uploads.create,
            "UploadPart": uploads.put_part,
            "UploadPartCopy": uploads.copy_part,
            "AbortMultipartUpload": uploads.abort,
            "ListParts": uploads.parts,
            "ListMultipartUploads": uploads.listed,
        }
        lists = {
            "ListObjects": ("ListBucketResult", listing.objects_v1),
            "ListObjectsV2": ("ListBucketResult", listing.objects_v2),
            "ListObjectVersions": ("ListVersionsResult", listing.versions),
        }
        asking = {
            "DeleteBucket": deletes.bucket,
            "PutBucketLifecycleConfiguration": rules.put,
            "GetBucketLifecycleConfiguration": rules.get,
            "DeleteBucketLifecycle": rules.delete,
            "PutBucketVersioning": settings.put_versioning,
            "PutBucketEncryption": settings.put_encryption,
        }
        self.operations: dict[str, Operation] = {
            **{name: partial(_asking, work, shelf, ask) for name, work in asking.items()},
            **{name: partial(_telling, work, shelf, tell) for name, work in with_tell.items()},
            **{name: partial(work, shelf) for name, work in alone.items()},
            **{name: partial(_listed, shelf, root, members) for name, (root, members) in lists.items()},
        }

    def takes(self, request: Request) -> bool:
        """Whether the request is about objects."""
        if request.service not in {"s3", ""} or request.path.startswith(("/v20180820/", "/_fogbank/", "/moto-api")):
            return False
        call = Call(request)
        if not call.operation:
            return False
        return request.service == "s3" or self.shelf.buckets.find(call.bucket) is not None

    def keeps(self, request: Request) -> bool:
        """Whether what the request changed is kept here alone: everything that is taken, but a bucket's end and its lifecycle."""
        return self.takes(request) and Call(request).operation not in ASKED

    def handle(self, request: Request) -> Answer:
        """Answer; a full disk and a missing file are S3's InternalError, and what was asked is not done."""
        call, request_id = Call(request), secrets.token_hex(8).upper()
        try:
            call.check()
            self.shelf.check_owner(call.bucket, call.headers.get("x-amz-expected-bucket-owner"))
            if call.key:
                self.shelf.check_policy(call.bucket, _action(call), call.key)
            self._check_everyone(call)
            answer = self.operations[call.operation](call)
        except S3Error as error:
            answer = error.answer(request_id)
        except NotModifiedError as error:
            answer = Answer(status=304, headers=error.headers)
        except (OSError, sqlite3.Error) as error:
            log.exception("%s %s", request.method, request.path)
            answer = _failed(error).answer(request_id)
        headers = {
            "x-amzn-RequestId": request_id,
            "x-amz-request-id": request_id,
            "x-amz-id-2": request_id,
            **{name: value for name, value in answer.headers.items() if name.lower() != "x-amzn-requestid"},
        }
        if request.method == "HEAD" and answer.status >= 400:
            return Answer(status=answer.status, headers={**headers, "Content-Length": "0"})
        return Answer(status=answer.status, headers=headers, payload=answer.payload)

    def _check_everyone(self, call: Call) -> None:
        """What nobody signed must be let in by a policy or by the object's own grants. Raises S3Error."""
        if call.signed:
            return
        if not call.key:
            action = OF_BUCKETS.get(call.operation, "")
            if action and not self.shelf.buckets.allows_everyone(call.bucket, action, ""):
                raise S3Error("AccessDenied")
            return
        if call.request.method not in ACTIONS:
            return
        if self.shelf.buckets.allows_everyone(call.bucket, ACTIONS[call.request.method], call.key):
            return
        current = self.shelf.index.current(call.bucket, call.key)
        reads_public = call.request.method in {"GET", "HEAD"} and current and is_public(current.fact("acl"))
        if not reads_public:
            raise S3Error("AccessDenied")


def _action(call: Call) -> str:
    """What a policy calls an operation on a key."""
    action = PERMISSIONS.get(call.operation, call.operation)
    versioned = "versionId" in call.query and action in {"GetObject", "DeleteObject"}
    return f"{action}Version" if versioned else action


def _failed(error: Exception) -> S3Error:
    full = (isinstance(error, OSError) and error.errno in FULL) or "full" in str(error)
    why = (
        "the disk of the local cloud is full"
        if full
        else f"the local cloud failed: {error!r}; see `fogbank cloud logs`"
    )
    return S3Error("InternalError", f"We encountered an internal error. Please try again: {why}")


def _telling(work: Callable[[Shelf, Call, Told], Answer], shelf: Shelf, tell: Told, call: Call) -> Answer:
    return work(shelf, call, tell)


def _asking(
    work: Callable[[Shelf, Call, Callable[[Request], Answer]], Answer],
    shelf: Shelf,
    ask: Callable[[Request], Answer],
    call: Call,
) -> Answer:
    return work(shelf, call, ask)


def _listed(shelf: Shelf, root: str, members: Callable[..., Mapping[str, object]], call: Call) -> Answer:
    shelf.bucket(call.bucket)
    return Answer(headers={"Content-Type": "application/xml"}, body=document(root, members(shelf.index, call)))
