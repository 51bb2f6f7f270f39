"""What an endpoint's tags say of scalable targets that step aside: a process that is killed meanwhile remembers nothing, the endpoint does.

In: targets, as JSON can say them; out: tags of the endpoint, and the targets again. A tag's value holds 256 characters, so the compressed JSON
goes over several. Source: the SageMaker API reference, "Tag" and "AddTags".
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from fogbank.provider.calls import GoneError, call, require
from fogbank.provider.resource import Properties, ProvisionError

KEY = "fogbank:aside:"
PART = 192
"""Bytes of which base64 makes 256 characters."""
MAY_NOT = frozenset({"AccessDeniedException", "AccessDenied"})


@dataclass(frozen=True)
class Notes:
    """The tags; `client` is SageMaker's."""

    client: Any
    endpoint: str

    def kept(self) -> list[Properties]:
        """What is noted; nothing of an endpoint that is gone, and for who may not ask. Raises ProvisionError."""
        try:
            tags = self._tags()
        except GoneError:
            return []
        except ProvisionError as error:
            if may_not(error):
                return []
            raise
        if not tags:
            return []
        raw = b"".join(base64.b64decode(tags[key]) for key in sorted(tags, key=_number))
        try:
            noted: list[Properties] = json.loads(
                zlib.decompressobj().decompress(raw)
            )  # of a longer note, an end may be left
        except (ValueError, zlib.error) as error:
            raise ProvisionError(
                f"the tags {KEY}* of endpoint {self.endpoint} say what scaled it, and cannot be read: {error}; register its scalable targets by "
                "hand and delete these tags"
            ) from error
        return noted

    def keep(self, noted: Sequence[Mapping[str, Any]]) -> None:
        """Note these instead of what is noted. Raises ProvisionError, with nothing changed."""
        packed = zlib.compress(json.dumps(noted, default=datetime.isoformat, separators=(",", ":")).encode(), 9)
        tags = [{"Key": f"{KEY}{number}", "Value": part} for number, part in enumerate(_parts(packed))]
        require(self.client, "AddTags", ResourceArn=self._arn(), Tags=tags)

    def drop(self) -> None:
        """Note nothing any more. Raises ProvisionError."""
        try:
            if keys := sorted(self._tags(), key=_number):
                call(self.client, "DeleteTags", ResourceArn=self._arn(), TagKeys=keys)
        except GoneError:
            return

    def _arn(self) -> str:
        return str(call(self.client, "DescribeEndpoint", EndpointName=self.endpoint)["EndpointArn"])

    def _tags(self) -> dict[str, str]:
        """The tags that are notes. Raises GoneError, ProvisionError."""
        found, arn, page = dict[str, str](), self._arn(), Properties()
        while True:
            answer = call(self.client, "ListTags", ResourceArn=arn, **page)
            found |= {tag["Key"]: tag["Value"] for tag in answer["Tags"] if tag["Key"].startswith(KEY)}
            if "NextToken" not in answer:
                return found
            page = {"NextToken": answer["NextToken"]}


def may_not(error: ProvisionError) -> bool:
    """Whether a call was refused for want of a permission."""
    cause = error.__cause__
    return isinstance(cause, ClientError) and cause.response["Error"]["Code"] in MAY_NOT


def _parts(packed: bytes) -> Iterator[str]:
    for first in range(0, len(packed), PART):
        yield base64.b64encode(packed[first : first + PART]).decode()


def _number(key: str) -> int:
    return int(key.removeprefix(KEY))
