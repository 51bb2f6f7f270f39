"""What lies below the package's layers: a base image with a Python, opened from an OCI layout, or made of Debian packages.

In: a layout's folder; out: a `Base`, which knows where its Python is and what Debian packages it holds. `make_base` has mmdebstrap
unpack packages without running anything of them, so that a base for another machine needs no emulation.
"""

from __future__ import annotations

import io
import json
import lzma
import re
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from fogbank.contracts.dependencies import Target
from fogbank.contracts.errors import PackageError
from fogbank.ground.archive import ArchiveError, Member
from fogbank.ground.digest import canonical_json
from fogbank.ground.folders import write_whole
from fogbank.image.layers import Entry, LayerStore
from fogbank.image.layout import CONFIG, LAYER, MANIFEST, Descriptor, Document, Layout, compact_json, descriptor

SUITES = {"3.11": "bookworm", "3.13": "trixie"}
"""The Debian release that has each Python."""
PACKAGES = ("ca-certificates", "libgomp1", "libstdc++6", "tzdata")
"""Besides Python: what wheels expect of a system (manylinux lists libstdc++; LightGBM wants libgomp)."""
UNUSED = re.compile(
    r"(usr/share/(doc|man|info|locale|lintian|bash-completion|perl|perl5|debconf|pixmaps|applications|menu)|var/(cache|log|backups)"
    r"|var/lib/(apt|dpkg)|usr/lib/python3/dist-packages|usr/lib/python3\.\d+/(pydoc_data|lib2to3|idlelib|test|turtledemo|ensurepip)"
    r"|usr/lib/[^/]+/(gconv|perl|perl-base)|usr/(include|games|local)|usr/lib/(apt|dpkg|systemd|udev)|etc/(apt|cron\.\w+|dpkg|systemd))(/|$)"
)
"""What no server reads."""
CERTIFICATES = "usr/share/ca-certificates/mozilla/"
ACCOUNTS = {
    "etc/passwd": b"root:x:0:0:root:/root:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files dns\n",
}
TIME_LIMIT_S = 900
LONGEST_STATUS = 64 << 20
"""Bytes of dpkg's list of packages; those of a large image are a few megabytes."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """A base image for one platform. `python` is the path of its interpreter; `packages` are Debian's, as `name version`.

    `name` is what a person knows it by: a reference where `pulled`, and else something that is on this machine alone.
    """

    name: str
    platform: str
    layout: Layout
    manifest: Descriptor
    config: Document
    layers: tuple[Descriptor, ...]
    python: str
    packages: tuple[str, ...] = ()
    pulled: bool = False


def open_base(layout: Layout, name: str, target: Target, cache: Path, *, pulled: bool = False) -> Base:
    """The base of a layout for a target. Raises PackageError.

    Its codes: `base-platform-missing`, `base-without-python`, `base-without-glibc`, `layout-unreadable`, `digest-mismatch`.
    """
    images = layout.images()
    if target.platform not in images:
        raise PackageError(
            "base-platform-missing",
            f"the base {name} has {', '.join(sorted(images))}, and not {target.platform}",
            f"choose a base for {target.platform}, or run `fogbank base --platform {target.platform}`",
        )
    manifest = images[target.platform]
    document = layout.read(manifest)
    layers = tuple(descriptor(item) for item in document["layers"])
    config = layout.read(descriptor(document["config"]))
    record = cache / f"base-{manifest.digest.partition(':')[2][:24]}-{target.python}.json"
    if record.is_file():
        contents = json.loads(record.read_bytes())
    else:
        try:
            contents = asdict(_contents([layout.blob(item.digest) for item in layers], target))
        except (ArchiveError, tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError, RecursionError) as error:
            raise PackageError(
                "layout-unreadable", f"a layer of the base {name} cannot be read: {error}", "choose another base"
            ) from error
        write_whole(record, canonical_json(contents))
    if not contents["glibc"]:
        raise PackageError(
            "base-without-glibc",
            f"the base {name} has no glibc, and the wheels need it (manylinux)",
            "choose a base of Debian, Ubuntu, Amazon Linux or RHEL; Alpine has musl",
        )
    if not contents["python"]:
        raise PackageError(
            "base-without-python",
            f"the base {name} has no Python {target.python}, which trained the model",
            f"choose a base such as python:{target.python}-slim, or run `fogbank base`",
        )
    return Base(
        name=name,
        platform=target.platform,
        layout=layout,
        manifest=manifest,
        config=config,
        layers=layers,
        python=contents["python"],
        packages=tuple(contents["packages"]),
        pulled=pulled,
    )


@dataclass(kw_only=True)
class _Contents:
    python: str = ""
    glibc: bool = False
    packages: tuple[str, ...] = ()


def _contents(layers: Iterable[Path], target: Target) -> _Contents:
    """Where the Python is, whether there is a glibc, and which Debian packages there are; an upper layer's word counts."""
    contents = _Contents()
    pythons = [f"usr/local/bin/python{target.python}", f"usr/bin/python{target.python}"]
    for path in layers:
        with tarfile.open(path, "r:*", tarinfo=Member) as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if name in pythons and (not contents.python or pythons.index(name) == 0):
                    contents.python = f"/{name}"
                elif re.fullmatch(r"(usr/)?lib(64)?/.*libc\.so\.6", name):
                    contents.glibc = True
                elif name == "var/lib/dpkg/status":
                    contents.packages = tuple(_debian_packages(_status_in(tar, member)))
    return contents


def _status_in(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    """dpkg's list of packages; empty where it is a link to what its layer does not have."""
    try:
        stream = tar.extractfile(member)
    except KeyError:
        return ""
    return stream.read(LONGEST_STATUS).decode(errors="replace") if stream else ""


def _debian_packages(status: str) -> Iterator[str]:
    for block in status.split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines() if not line.startswith(" "))
        if "Package" in fields and "Version" in fields:
            yield f"{fields['Package']} {fields['Version']}"


def make_base(target: Target, store: LayerStore, folder: Path, mirror: str | None) -> Layout:
    """A base of Debian packages as a layout in `folder`: Python, certificates and what wheels need; no shell, no package manager.

    Raises PackageError (`mmdebstrap-missing`, `base-python`, `base-failed`).
    """
    suite = SUITES.get(target.python)
    if suite is None:
        raise PackageError(
            "base-python",
            f"no Debian release has Python {target.python} (those known: {', '.join(SUITES)})",
            f'set base = "python:{target.python}-slim" in [tool.fogbank], or train with one of these',
        )
    if shutil.which("mmdebstrap") is None:
        raise PackageError(
            "mmdebstrap-missing",
            "a base is made by mmdebstrap, which is not installed here",
            f'`apt-get install mmdebstrap`, or set base = "python:{target.python}-slim" in [tool.fogbank]',
        )
    with tempfile.TemporaryDirectory(prefix="fogbank-base-") as work:
        tar = Path(work) / "base.tar"
        _debootstrap(suite, target, mirror or _own_sources(suite), tar)
        layer = store.add(list(_base_entries(tar, target)))
    layout = Layout(folder)
    layout.copy(store.blob(layer.digest), layer.digest)
    config = {
        "architecture": target.architecture,
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"]},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": f"fogbank base (Debian {suite})"}],
    }
    described = layout.put(compact_json(config), CONFIG)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described.document(),
        "layers": [Descriptor(media_type=LAYER, digest=layer.digest, size=layer.size).document()],
    }
    others = layout.images() if (folder / "index.json").is_file() else {}
    layout.write_index({**others, target.platform: layout.put(compact_json(manifest), MANIFEST)}, "base")
    return layout


def _debootstrap(suite: str, target: Target, mirror: str | None, tar: Path) -> None:
    packages = ",".join((f"python{target.python}", *PACKAGES))
    command = ["mmdebstrap", "--quiet", "--variant=extract", "--skip=cleanup/apt", f"--architectures={target.architecture}",
               f"--include={packages}", "--format=tar", suite, str(tar), *([mirror] if mirror else [])]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIME_LIMIT_S)
    except subprocess.TimeoutExpired as error:
        raise PackageError("base-failed", f"mmdebstrap took longer than {TIME_LIMIT_S} s", "try again") from error
    if done.returncode != 0:
        raise PackageError(
            "base-failed", f"mmdebstrap: {done.stderr.strip()[-1000:]}", "look at the mirror; `--mirror` names another"
        )


def _own_sources(suite: str) -> str | None:
    """The sources of this machine where it is that Debian release, else none: mmdebstrap knows Debian's own."""
    for path in (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")):
        if path.is_file() and re.search(rf"\b{suite}\b", path.read_text()):
            return str(path)
    return None


def _base_entries(tar: Path, target: Target) -> Iterator[Entry]:
    """The members that a server needs, and what the packages' own scripts would have written."""
    bundle = io.BytesIO()
    debs = []
    with tarfile.open(tar) as archive:
        members = {member.name.removeprefix("./").rstrip("/"): member for member in archive}
        for name, member in sorted(members.items()):
            if name.endswith(".deb"):
                debs.append(name.rpartition("/")[2])
            if not name or UNUSED.match(name) or name in ACCOUNTS:
                continue
            if member.issym():
                yield Entry(name=name, link=member.linkname)
            elif member.islnk() or member.isfile():
                data = _content(archive, members, member)
                if name.startswith(CERTIFICATES):
                    bundle.write(data)
                yield Entry(name=name, data=data, mode=0o755 if member.mode & 0o111 else 0o644)
            elif member.isdir():
                yield Entry(name=name, mode=member.mode & 0o1777)
    yield from (Entry(name=name, data=data) for name, data in ACCOUNTS.items())
    yield Entry(name="etc/ssl/certs/ca-certificates.crt", data=bundle.getvalue())
    yield Entry(name="var/lib/dpkg/status", data="\n".join(map(_status, sorted(debs))).encode())
    yield Entry(name="tmp", mode=0o1777)
    yield Entry(name="root", mode=0o700)
    yield Entry(name="usr/bin/python3", link=f"python{target.python}")


def _status(deb: str) -> str:
    """What dpkg would say of a package file (name_version_architecture.deb): scanners of images look there."""
    name, version, architecture = unquote(deb.removesuffix(".deb")).split("_")
    return f"Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: {architecture}\n"


def _content(archive: tarfile.TarFile, members: dict[str, Any], member: tarfile.TarInfo) -> bytes:
    if member.islnk():
        member = members[str(PurePosixPath(member.linkname)).removeprefix("./")]
    stream = archive.extractfile(member)
    return stream.read() if stream else b""
