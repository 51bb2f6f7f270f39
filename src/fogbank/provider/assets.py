"""The bytes of Pulumi's assets and archives: from the program's own folder, from text, from a web address, or put together as a zip.

In: an asset as the engine hands it on; out: its bytes, which have the hash that the engine took. Source: Pulumi's SDK, `asset.py`.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3

from fogbank.provider.compare import SIGNATURE
from fogbank.provider.resource import ProvisionError

ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
REMOTE_LIMIT_S = 60
ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def asset_bytes(asset: dict[str, Any], program: Path | None) -> bytes:
    """The content. Raises ProvisionError where it cannot be had, or is not what the engine saw."""
    try:
        if asset.get(SIGNATURE) == ARCHIVE:
            return _archive(asset, program)
        data = _single(asset, program)
    except (OSError, zipfile.BadZipFile, urllib3.exceptions.HTTPError) as error:
        raise ProvisionError(f"the asset {_name(asset)} cannot be read: {error}") from error
    expected = asset.get("hash")
    if expected and hashlib.sha256(data).hexdigest() != expected:
        raise ProvisionError(f"the asset {_name(asset)} is not the file that the program saw: it changed meanwhile")
    return data


def _single(asset: dict[str, Any], program: Path | None) -> bytes:
    if "path" in asset:
        return _place(asset["path"], program).read_bytes()
    if "uri" in asset:
        return _fetched(asset["uri"], program)
    return str(asset.get("text") or "").encode()


def _archive(asset: dict[str, Any], program: Path | None) -> bytes:
    if "path" in asset:
        place = _place(asset["path"], program)
        if place.is_file():
            return place.read_bytes()
        files = {str(path.relative_to(place)): path for path in sorted(place.rglob("*")) if path.is_file()}
        return _zip({name: path.read_bytes() for name, path in files.items()})
    if "uri" in asset:
        return _fetched(asset["uri"], program)
    return _zip(dict(_members(asset.get("assets") or {}, program)))


def _members(assets: dict[str, Any], program: Path | None) -> list[tuple[str, bytes]]:
    members: list[tuple[str, bytes]] = []
    for name, asset in sorted(assets.items()):
        if asset.get(SIGNATURE) != ARCHIVE:
            members.append((name, asset_bytes(asset, program)))
            continue
        with zipfile.ZipFile(io.BytesIO(asset_bytes(asset, program))) as inner:
            members += [(f"{name}/{item.filename}", inner.read(item)) for item in inner.infolist() if not item.is_dir()]
    return members


def _zip(files: dict[str, bytes]) -> bytes:
    """A zip of files: the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            item = zipfile.ZipInfo(name, ZIP_TIME)
            item.external_attr = 0o644 << 16
            item.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(item, data)
    return out.getvalue()


def _place(path: str, program: Path | None) -> Path:
    if Path(path).is_absolute():
        return Path(path)
    if program is None:
        raise ProvisionError(
            f"the path {path} is relative, and it is not known here which folder the program lies in: "
            "give an absolute one, such as Path(__file__).parent / ..."
        )
    return program / path


def _fetched(uri: str, program: Path | None) -> bytes:
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return _place(parts.path, program).read_bytes()
    if parts.scheme not in {"http", "https"}:
        raise ProvisionError(f"the asset {uri} has the scheme {parts.scheme}; http, https and file are fetched")
    answer = urllib3.request("GET", uri, timeout=REMOTE_LIMIT_S, redirect=True)
    if answer.status != 200:
        raise ProvisionError(f"the asset {uri} was answered {answer.status}")
    return answer.data


def _name(asset: dict[str, Any]) -> str:
    return str(asset.get("path") or asset.get("uri") or "given as text")
