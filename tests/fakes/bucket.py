"""S3 as those see it who put and get objects: in memory, away when it is told to be, as slow as it is told to be."""

from __future__ import annotations

import io
import threading
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError


class Bucket:
    """Objects by `bucket/key`. `away`: no connection; while `go` is not set, a call that came (`asked`) waits."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.away = False
        self.asked, self.go = threading.Event(), threading.Event()
        self.go.set()

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803 - boto3's names
        self.asked.set()
        assert self.go.wait(20)
        if self.away:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1")
        self.objects[f"{Bucket}/{Key}"] = Body

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if f"{Bucket}/{Key}" not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "it is not there"}}, "GetObject")
        body = self.objects[f"{Bucket}/{Key}"]
        return {"ContentLength": len(body), "Body": io.BytesIO(body)}
