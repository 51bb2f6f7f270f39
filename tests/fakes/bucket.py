"""S3 as those see it who only put objects: in memory, away when it is told to be, as slow as it is told to be."""

from __future__ import annotations

import threading
from typing import Any

from botocore.exceptions import EndpointConnectionError


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
