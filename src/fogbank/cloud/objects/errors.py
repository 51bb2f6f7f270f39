"""S3's errors, under S3's own codes. In: a code; out: an exception that the room answers with."""

from __future__ import annotations

from collections.abc import Mapping

from fogbank.cloud.ground.wire import Answer
from fogbank.cloud.objects.xml import document

STATUS: Mapping[str, int] = {
    "AccessDenied": 403,
    "BucketNotEmpty": 409,
    "InternalError": 500,
    "InvalidObjectState": 403,
    "InvalidPartNumber": 416,
    "InvalidRange": 416,
    "MethodNotAllowed": 405,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "NoSuchObjectLockConfiguration": 404,
    "NoSuchUpload": 404,
    "NoSuchVersion": 404,
    "NotImplemented": 501,
    "ObjectNotInActiveTierError": 403,
    "OperationAborted": 409,
    "PreconditionFailed": 412,
    "SignatureDoesNotMatch": 403,
}
"""Statuses other than 400."""
MESSAGES: Mapping[str, str] = {
    "AccessDenied": "Access Denied",
    "BadDigest": "The Content-MD5 you specified did not match what we received.",
    "BucketNotEmpty": "The bucket you tried to delete is not empty",
    "EntityTooLarge": "Your proposed upload exceeds the maximum allowed object size",
    "EntityTooSmall": "Your proposed upload is smaller than the minimum allowed object size.",
    "InvalidDigest": "The Content-MD5 you specified is not valid.",
    "InvalidObjectState": "The operation is not valid for the object's storage class",
    "InvalidPart": "One or more of the specified parts could not be found. The part might not have been uploaded, or the specified "
    "entity tag might not have matched the part's entity tag.",
    "InvalidPartOrder": "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
    "InvalidRange": "The requested range is not satisfiable",
    "InvalidStorageClass": "The storage class you specified is not valid",
    "KeyTooLongError": "Your key is too long",
    "MalformedXML": "The XML you provided was not well-formed or did not validate against our published schema",
    "MethodNotAllowed": "The specified method is not allowed against this resource.",
    "NoSuchBucket": "The specified bucket does not exist",
    "NoSuchKey": "The specified key does not exist.",
    "NoSuchObjectLockConfiguration": "The specified object does not have a ObjectLock configuration",
    "NoSuchUpload": "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    "NoSuchVersion": "The specified version does not exist.",
    "PreconditionFailed": "At least one of the pre-conditions you specified did not hold",
    "SignatureDoesNotMatch": "The request signature we calculated does not match the signature you provided. Check your key and "
    "signing method.",
    "XAmzContentSHA256Mismatch": "The provided 'x-amz-content-sha256' header does not match what was computed.",
}


class S3Error(Exception):
    """S3 refuses under `code`; `members` are what the error's document says besides, `headers` what the answer does."""

    def __init__(
        self, code: str, message: str = "", /, headers: Mapping[str, str] | None = None, **members: object
    ) -> None:
        super().__init__(message or MESSAGES.get(code, code))
        self.code, self.message = code, message or MESSAGES.get(code, code)
        self.headers, self.members = dict(headers or {}), members

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS.get(self.code, 400)

    def answer(self, request_id: str) -> Answer:
        """As S3 answers it."""
        members = {"Code": self.code, "Message": self.message, **self.members, "RequestId": request_id}
        headers = {"Content-Type": "application/xml", **self.headers}
        return Answer(status=self.status, headers=headers, body=document("Error", members, namespace=""))


class NotModifiedError(Exception):
    """304: the client has it already."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__("not modified")
        self.headers = headers
