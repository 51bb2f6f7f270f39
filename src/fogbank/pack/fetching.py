"""The sources of a version, from where its lock says: by hash, at a commit, or a copy of a folder; never from anywhere else.

In: an `Origin` with the place that it has here, and a folder; out: the folder of the sources below it, or the wheel that lies there already.
Nothing of what is fetched runs. git is the user's own, with what it is set up with; other addresses are asked with what `.netrc` says of them.
"""

from __future__ import annotations

import base64
import contextlib
import lzma
import netrc
import os
import re
import shutil
import subprocess
import urllib.request
import zipfile
import zlib
from collections.abc import Collection
from http.client import HTTPException
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fogbank.contracts.dependencies import Origin
from fogbank.contracts.errors import PackageError
from fogbank.ground.archive import ArchiveError, unpack_archive
from fogbank.ground.digest import CHUNK, canonical_json, sha256_bytes, sha256_file
from fogbank.ground.paths import EscapeError, inside, plain_name
from fogbank.ground.processes import run_bound

TIME_LIMIT_S, SIZE_LIMIT = 600, 1 << 30
SOURCES = "sources"
"""Below the folder that `fetched` is given: all that is unpacked, checked out or copied, and nothing else."""
DAMAGED = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
"""What an archive's readers raise: a RuntimeError (NotImplementedError is one) for one that is encrypted, or packed as none reads it."""
NO_SOURCES = frozenset({".git", ".hg", ".svn", ".venv", ".fogbank", ".tox", ".nox", "__pycache__", "node_modules"})
LEFT_OF_BUILDS = frozenset({"build", "dist", "venv"})
"""Folders that lie among sources and are none, these at the top alone: what an earlier build left would get into the next."""
GIT = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file", "GIT_LFS_SKIP_SMUDGE": "1"}
USER = re.compile(r"(?<=://)[^/\s@'\"]+@")
NOT_THIS_REPOSITORY = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX"}
)
"""What git's hooks are run with, and would lead it to the project's own repository."""


def fetched(name: str, origin: Origin, work: Path) -> Path:
    """The folder of the sources, or a wheel. Raises PackageError (`source-unreachable`, `source-hash-differs`, `source-unreadable`)."""
    work.mkdir(parents=True, exist_ok=True)
    if origin.kind == "folder":
        folder = _copied(name, Path(origin.place), work / SOURCES)
    elif origin.kind == "git":
        folder = _checked_out(name, origin, work / SOURCES)
    else:
        file = _archive(name, origin, work)
        if file.suffix == ".whl":
            return file
        folder = _unpacked(name, file, work / SOURCES)
    try:
        return inside(folder, origin.subdirectory) if origin.subdirectory else folder
    except EscapeError as error:
        raise _unreadable(name, str(error)) from error


def identity(origin: Origin) -> str:
    """What the sources are, as one digest: where they are from and their hash or commit; of a folder what it holds now.

    Raises PackageError (`source-unreachable`).
    """
    pinned = origin.pinned
    if origin.kind == "folder":
        pinned = sha256_bytes(canonical_json(_folder_files(Path(origin.place))))
    return sha256_bytes(canonical_json([origin.kind, origin.place, pinned, origin.subdirectory]))


def _folder_files(folder: Path) -> dict[str, str]:
    """Path below a folder to what the file holds, or to what a link names."""
    if not folder.is_dir():
        raise _unreachable(folder.name, f"there is no folder {folder}")
    files = {}
    for place, names, leaves in os.walk(folder):
        left = _ignored(folder, place, names)
        names[:] = [name for name in names if name not in left]
        for leaf in (*leaves, *(name for name in names if Path(place, name).is_symlink())):
            path = Path(place, leaf)
            held = f"link {path.readlink()}" if path.is_symlink() else sha256_file(path)
            files[str(path.relative_to(folder))] = held
    return files


def _ignored(root: Path, place: str, names: Collection[str]) -> set[str]:
    """Which folders of a place below the root are no sources."""
    none = NO_SOURCES | LEFT_OF_BUILDS if Path(place) == root else NO_SOURCES
    return {name for name in names if name in none or name.endswith(".egg-info")}


def _copied(name: str, folder: Path, target: Path) -> Path:
    if not folder.is_dir():
        raise _unreachable(name, f"there is no folder {folder}")
    try:
        shutil.copytree(folder, target, symlinks=True, ignore=lambda place, names: _ignored(folder, place, names))
    except (OSError, shutil.Error) as error:
        raise _unreadable(name, str(error)) from error
    return target


def _archive(name: str, origin: Origin, work: Path) -> Path:
    """The archive or the wheel, with the bytes that are locked."""
    if not origin.place.startswith(("http://", "https://")):
        source = Path(origin.place)
        if not source.is_file():
            raise _unreachable(name, f"there is no file {source}")
        file = work / source.name
        shutil.copyfile(source, file)
    else:
        try:
            file = work / plain_name(unquote(urlsplit(origin.place).path.rpartition("/")[2]) or "sources.tar.gz")
            _download(origin.place, file)
        except (OSError, ValueError, HTTPException) as error:  # urllib's are OSErrors
            raise _unreachable(name, f"{nameless(origin.place)} gives nothing: {nameless(str(error))}") from error
    if sha256_file(file) != origin.pinned:
        raise PackageError(
            "source-hash-differs",
            f"{file.name} of {name} has the SHA-256 {sha256_file(file)}, and {origin.pinned} is locked",
            "these are other bytes than were locked: do not use them; if you changed them yourself, lock again (`uv lock`)",
        )
    return file


def _download(address: str, file: Path) -> None:
    """Raises OSError, ValueError, HTTPException."""
    parts = urlsplit(address)
    user, _, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(parts._replace(netloc=host, fragment="").geturl())  # noqa: S310 - http or https alone
    pair = _credentials(user, parts.hostname or "")
    if pair:  # not handed on to where it is redirected
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    with urllib.request.urlopen(request, timeout=TIME_LIMIT_S / 10) as answer, file.open("wb") as stream:  # noqa: S310 - http or https alone
        while piece := answer.read(CHUNK):
            stream.write(piece)
            if stream.tell() > SIZE_LIMIT:
                raise ValueError(f"it is larger than {SIZE_LIMIT} bytes")


def _credentials(user: str, host: str) -> str:
    """`name:password`, as the address says it, else `.netrc`; empty for none."""
    if user:
        name, _, password = user.partition(":")
        return f"{unquote(name)}:{unquote(password)}"
    with contextlib.suppress(OSError, netrc.NetrcParseError):
        known = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
        return f"{known[0]}:{known[2]}" if known else ""
    return ""


def nameless(text: str) -> str:
    """A text without whom its addresses name: they have passwords.

    >>> nameless("https://user:secret@host.example/a is away")
    'https://host.example/a is away'
    """
    return USER.sub("", text)


def _unpacked(name: str, file: Path, target: Path) -> Path:
    """The one folder in an archive of sources (PEP 625), or the archive's own content."""
    try:
        if zipfile.is_zipfile(file):
            _unzip(file, target)
        else:
            unpack_archive(file, target)
    except (ArchiveError, EscapeError, *DAMAGED) as error:
        raise _unreadable(name, f"{file.name}: {error}") from error
    (first, *more) = sorted(target.iterdir()) or [target]
    return first if not more and first.is_dir() else target


def _unzip(file: Path, target: Path) -> None:
    with zipfile.ZipFile(file) as content:
        if sum(item.file_size for item in content.infolist()) > SIZE_LIMIT:
            raise zipfile.BadZipFile(f"it holds more than {SIZE_LIMIT} bytes")
        for item in content.infolist():
            place = inside(target, item.filename)
            if item.is_dir():
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            with content.open(item) as source, place.open("wb") as stream:
                shutil.copyfileobj(source, stream)


def _checked_out(name: str, origin: Origin, target: Path) -> Path:
    """The files of one commit, whose name is the hash of all of them; submodules are not among them."""
    target.mkdir()
    for arguments in (
        ["init", "--quiet"],
        ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", origin.place, origin.pinned],
    ):
        if (why := _git(target, arguments)) and arguments[0] == "fetch":
            # a server may give what its branches name alone
            everything = ["fetch", "--quiet", "--no-recurse-submodules", "--", origin.place, "+refs/*:refs/fetched/*"]
            why = _git(target, everything) and why
        if why:
            raise _unreachable(name, nameless(f"{origin.place} at {origin.pinned[:12]}: {why}"))
    if why := _git(target, ["checkout", "--quiet", "--detach", origin.pinned]):
        raise _unreachable(name, nameless(f"{origin.place} has no {origin.pinned[:12]}: {why}"))
    return target


def _git(folder: Path, arguments: list[str]) -> str:
    """Run git in a folder; why it failed, else nothing."""
    command = ["git", "-C", str(folder), "-c", "core.hooksPath=/dev/null", *arguments]
    own = {name: value for name, value in os.environ.items() if name not in NOT_THIS_REPOSITORY}
    try:
        done = run_bound(command, TIME_LIMIT_S, {**own, **GIT})
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stderr.strip()[-500:] or f"git ended with {done.returncode}") if done.returncode else ""


def _unreachable(name: str, why: str) -> PackageError:
    return PackageError(
        "source-unreachable", f"the sources of {name} cannot be had: {why}", "look at where the lock says that they are"
    )


def _unreadable(name: str, why: str) -> PackageError:
    return PackageError(
        "source-unreadable", f"the sources of {name} cannot be read: {why}", "lock another version of it"
    )
