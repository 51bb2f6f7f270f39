"""A bucket of S3, read under the role of the job that reads: pages of listings, and objects.

In: a job's environment; out: keys and files. Source: S3 API Reference, ListObjectsV2 and GetObject.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path
from urllib.parse import quote, unquote_plus, urlencode

from fogbank.contracts.monitoring import S3_URL
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.role import RefusedError, Role


class Bucket:
    """One bucket, read under the job's role. Safe from several threads."""

    def __init__(self, env: Mapping[str, str], name: str) -> None:
        self._name, self._role = name, Role(env, "s3", S3_URL)

    def folders(self, prefix: str) -> Iterator[str]:
        """The names of the folders below a prefix."""
        for page in self._pages(prefix, delimiter="/"):
            for group in re.findall(r"<CommonPrefixes>(.*?)</CommonPrefixes>", page, re.DOTALL):
                yield _texts(group, "Prefix")[0].removeprefix(prefix).rstrip("/")

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """The keys of the objects below a prefix, those that sort after a key."""
        for page in self._pages(prefix, **({"start-after": after} if after else {})):
            yield from (key for key in _texts(page, "Key") if not key.endswith("/"))

    def download(self, key: str, place: Path) -> None:
        """An object, to a file."""
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(self.read(key))

    def read(self, key: str) -> bytes:
        """An object's body. Raises DatasetError."""
        return self._get(f"/{self._name}/{quote(key, safe='/~')}", "")

    def _pages(self, prefix: str, **more: str) -> Iterator[str]:
        asked = {"list-type": "2", "encoding-type": "url", "prefix": prefix, **more}
        while True:
            page = self._get(f"/{self._name}", urlencode(sorted(asked.items()), quote_via=quote, safe="~")).decode()
            yield page
            following = re.search(r"<NextContinuationToken>(.*?)</NextContinuationToken>", page, re.DOTALL)
            if following is None:
                return
            asked["continuation-token"] = unescape(following[1])

    def _get(self, path: str, query: str) -> bytes:
        try:
            return self._role.get(path, query)
        except RefusedError as error:
            raise DatasetError(f"captured records in s3://{self._name} cannot be read: {error}") from error


def _texts(page: str, name: str) -> list[str]:
    """The texts of elements of a listing, which are URL-encoded: no other sign of XML is in them."""
    return [unquote_plus(text) for text in re.findall(f"<{name}>(.*?)</{name}>", page, re.DOTALL)]
