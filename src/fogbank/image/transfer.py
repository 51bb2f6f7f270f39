"""An image's way from a layout to a registry, and back. What has arrived is never sent or fetched twice, also after a kill -9.

A push keeps, in a folder of its own, where the registry takes each unfinished blob; a pull keeps its part beside the blob's place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from fogbank.contracts.errors import DigestError, RegistryError
from fogbank.ground.digest import CHUNK, sha256_bytes, sha256_file
from fogbank.ground.folders import write_whole
from fogbank.image.docker import docker_manifest
from fogbank.image.layout import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    INDEX,
    MANIFEST,
    Descriptor,
    Layout,
    descriptor,
)
from fogbank.image.registry import Fetched, Registry, Upload, malformed

PIECE = 8 << 20
"""Bytes a request: what is lost of an upload that is interrupted, at most. ECR takes pieces of 5 MiB and more."""
AT_ONCE = 3
"""Blobs at once; ECR is sent one after another: it breaks connections otherwise (dotnet/sdk-container-builds#279)."""
BEGINNINGS = 3
"""How often an upload that the registry has lost is begun anew."""
Progress = Callable[[str], None]
Form = Literal["docker", "oci"]
Blob = Callable[[str, int], Iterator[bytes]]
"""A blob's bytes, by its digest, from an offset on."""


def push(
    layout: Layout,
    image: Descriptor,
    registry: Registry,
    state: Path,
    progress: Progress = lambda _: None,
    form: Form | None = None,
) -> str:
    """Push an image; the digest of what was pushed. `state` is a folder for what an interrupted push leaves.

    Its manifest is in Docker's form for ECR, since SageMaker takes no other, and in OCI's elsewhere, unless `form` says
    otherwise: another form is another digest. Without a tag it gets one of its own (`fogbank-<digest>`), since lifecycle rules
    delete what has none. Raises RegistryError, DigestError, PackageError (`base-layer-zstd`).
    """
    docker = (form or ("docker" if registry.reference.ecr else "oci")) == "docker"
    manifest, data = docker_manifest(layout, image) if docker else (image, layout.blob(image.digest).read_bytes())
    if registry.reference.ecr:
        registry.require_repository()
    document = layout.read(image)
    blobs = {item.digest: item for item in map(descriptor, (document["config"], *document["layers"]))}
    with ThreadPoolExecutor(1 if registry.reference.ecr else AT_ONCE) as pool:
        for done in [
            pool.submit(push_blob, layout.blob(item.digest), item, registry, state, progress) for item in blobs.values()
        ]:
            done.result()
    for name in (manifest.digest, registry.reference.tag or own_tag(manifest.digest)):
        if registry.digest_of(name) != manifest.digest:  # a tag that may not be moved is not written again
            registry.put_manifest(name, data, manifest.media_type)
    return registry.manifest(manifest.digest).descriptor.digest  # read back, and checked by its digest


def own_tag(digest: str) -> str:
    """The tag of an image that was given none."""
    return f"fogbank-{digest.partition(':')[2][:12]}"


def push_blob(path: Path, item: Descriptor, registry: Registry, state: Path, progress: Progress) -> None:
    """Push a blob that lies at `path`; one that was interrupted goes on. Raises RegistryError, DigestError."""
    note = _note(state, registry, item)
    if registry.has_blob(item.digest):
        note.unlink(missing_ok=True)  # it arrived whole, and the push was ended before it could say so
        return
    actual = f"sha256:{sha256_file(path)}" if path.is_file() else "no such file"
    if actual != item.digest:
        raise DigestError(path.name, item.digest, actual)
    upload = _resumed(note, registry, progress, item) or registry.begin_upload()
    beginnings = 0
    with path.open("rb") as stream:
        while upload.offset < item.size:
            stream.seek(upload.offset)
            sent = registry.send_piece(upload, stream.read(max(PIECE, upload.least)))
            beginnings += sent is None
            if beginnings > BEGINNINGS:
                raise RegistryError(
                    "registry-refused",
                    f"{registry.reference.host} loses its place in {item.digest} again and again",
                    "try again later; what has arrived is not sent twice",
                )
            upload = sent or registry.begin_upload()
            write_whole(note, json.dumps({"location": upload.location}).encode())
            progress(f"{item.digest[7:19]} {min(upload.offset, item.size) >> 20} of {item.size >> 20} MiB")
    try:
        registry.end_upload(upload, item.digest)
    finally:
        note.unlink(missing_ok=True)


def _note(state: Path, registry: Registry, item: Descriptor) -> Path:
    """Where an upload of this blob to this repository is kept in mind."""
    to = f"{registry.reference.host}/{registry.reference.name}/{item.digest}"
    return state / f"{sha256_bytes(to.encode())[:32]}.json"


def _resumed(note: Path, registry: Registry, progress: Progress, item: Descriptor) -> Upload | None:
    """The upload that an earlier push left, if the registry still has it."""
    try:
        location = str(json.loads(note.read_bytes())["location"])
    except (OSError, ValueError, KeyError):
        return None
    upload = registry.upload_status(location)
    if upload is None or upload.offset > item.size:
        return None
    progress(f"{item.digest[7:19]} goes on at {upload.offset >> 20} MiB")
    return upload


def pull(registry: Registry, layout: Layout, platform: str, progress: Progress = lambda _: None) -> Descriptor:
    """Pull one platform's image into a layout, whose index then names it. Raises RegistryError.

    Its codes besides the registry's own: `platform-missing`.
    """
    fetched = _for_platform(registry, registry.manifest(registry.reference.manifest_name), platform)
    try:
        document = json.loads(fetched.data)
        blobs = {item.digest: item for item in map(descriptor, (document["config"], *document["layers"]))}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise malformed(registry.reference, repr(error)) from error
    for item in blobs.values():
        progress(f"{item.digest[7:19]} {item.size >> 20} MiB")
        receive(registry.blob, layout.blob(item.digest), item, registry.reference.host)
    write_whole(layout.blob(fetched.descriptor.digest), fetched.data)
    manifest = Descriptor(
        media_type=fetched.descriptor.media_type, digest=fetched.descriptor.digest, size=len(fetched.data)
    )
    layout.write_index({platform: manifest}, str(registry.reference))
    return manifest


def _for_platform(registry: Registry, fetched: Fetched, platform: str) -> Fetched:
    if fetched.descriptor.media_type not in {INDEX, DOCKER_LIST}:
        return fetched
    has = []
    try:
        for item in json.loads(fetched.data)["manifests"]:
            about = item.get("platform", {})
            has.append(f"{about.get('os')}/{about.get('architecture')}")
            if has[-1] == platform and item["mediaType"] in {MANIFEST, DOCKER_MANIFEST}:
                return registry.manifest(descriptor(item).digest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise malformed(registry.reference, repr(error)) from error
    raise RegistryError(
        "platform-missing",
        f"{registry.reference} has {', '.join(sorted(set(has)))}, and not {platform}",
        "choose another image",
    )


def receive(blob: Blob, path: Path, item: Descriptor, whence: str) -> None:
    """Fetch a blob to `path`, where it appears whole or not at all; one that was interrupted goes on. Raises RegistryError."""
    if path.is_file() and f"sha256:{sha256_file(path)}" == item.digest:
        return
    path.unlink(missing_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    hasher = hashlib.sha256()
    with part.open("ab+") as out:
        out.seek(0)
        while piece := out.read(CHUNK):
            hasher.update(piece)
        if out.tell() < item.size:
            for piece in blob(item.digest, out.tell()):
                hasher.update(piece)
                out.write(piece)
                if out.tell() > item.size:  # its digest is another, whatever comes
                    break
    if f"sha256:{hasher.hexdigest()}" != item.digest:
        part.unlink()
        raise RegistryError(
            "digest-mismatch",
            f"the bytes of {item.digest} from {whence} are others: sha256:{hasher.hexdigest()}",
            "fetch again; nothing of it was kept",
        )
    part.rename(path)
