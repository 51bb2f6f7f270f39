"""A project that an earlier fogbank wrote, as this one would write it: what is fogbank's is renewed, what the user changed is theirs.

In: a project; out: the files that differ, and those that are left, each with the reason. Which files are still as fogbank wrote them is
known by their digests: from the mark that `fogbank new` leaves, and, of projects older than the mark, from `earlier.json`.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import ProjectError
from fogbank.ground.paths import inside
from fogbank.project.scaffolding.mark import MARK, ROOM, Mark, digest_of, document_of, is_fogbanks, read_mark
from fogbank.project.scaffolding.scaffold import MONITOR, copy_rooms, render, write_workflow
from fogbank.project.workplace.installation import fogbank_version
from fogbank.project.workplace.origin import WHEELS, fogbank_source

SETTINGS = "pyproject.toml"
REQUIREMENT = re.compile(r'"fogbank\s*>=\s*[0-9][^",;\s]*"')
SOURCE = re.compile(r"(?m)^fogbank = \{.*\}(?=   # where this fogbank came from)")
Files = Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One file as it is and as it will be; None where there is none."""

    path: str
    before: bytes | None
    after: bytes | None

    @property
    def difference(self) -> str:
        """The unified difference; of what is no text, its size."""
        try:
            before, after = ((text or b"").decode().splitlines(keepends=True) for text in (self.before, self.after))
        except UnicodeDecodeError:
            return f"+++ {self.path}: {len(self.after or b''):,} bytes\n"
        names = (f"a/{self.path}" if self.before is not None else os.devnull, f"b/{self.path}")
        return "".join(
            difflib.unified_diff(before, after, names[0], names[1] if self.after is not None else os.devnull)
        )


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """What brings a project up to date: `written_by` is a version, or empty; `kept` has the reason of each file that is left."""

    written_by: str
    changes: tuple[Change, ...]
    kept: Mapping[str, str]
    mark: Mark


def planned(config: ProjectConfig) -> Upgrade:
    """What this fogbank would change. Raises ProjectError (`mark-unreadable`)."""
    mark = read_mark(config.root)
    with tempfile.TemporaryDirectory(prefix="fogbank-upgrade-") as work:
        today = _today(config, Path(work))
    written, kept = dict(mark.files), dict[str, str]()
    changes: list[Change] = []
    for unit in _units(today, mark):
        theirs = {path: why for path in unit if (why := _changed(config.root, path, today, mark))}
        if theirs:
            kept |= {path: why for path, why in theirs.items() if _is_news(path, today, mark)}
            continue
        for path in unit:
            before, after = _read(inside(config.root, path)), today.get(path)
            if after is None:
                written.pop(path, None)
            else:
                written[path] = digest_of(path, after)
            if before != after:
                changes.append(Change(path=path, before=before, after=after))
    changes += _wheel_and_settings(config.root, today)
    return Upgrade(
        written_by=mark.version, changes=tuple(changes), kept=kept, mark=Mark(version=fogbank_version(), files=written)
    )


def apply(root: Path, upgrade: Upgrade) -> None:
    """Make the changes; the mark comes last, so that one which is broken off is planned again from where it was."""
    for change in upgrade.changes:
        if change.after is None:
            inside(root, change.path).unlink(missing_ok=True)
        else:
            _write(inside(root, change.path), change.after)
    _write(root / MARK, document_of(upgrade.mark))


def written_today(config: ProjectConfig, path: str) -> bytes:
    """One file as this fogbank writes it. Raises ProjectError (`file-unknown`)."""
    with tempfile.TemporaryDirectory(prefix="fogbank-upgrade-") as work:
        today = _today(config, Path(work))
    if path not in today:
        raise ProjectError("file-unknown", f"fogbank writes no {path}", f"choose one of {', '.join(sorted(today))}")
    return today[path]


def _today(config: ProjectConfig, folder: Path) -> Files:
    """What is fogbank's in such a project, by its path."""
    brought = config.model is not None
    monitored = not brought or (config.root / ROOM / MONITOR).is_file()
    copy_rooms(config.name, folder, [ROOM], () if monitored else (MONITOR,))
    write_workflow(folder)
    program = {f"{ROOM}/__main__.py": "adopted/program.py.j2"} if brought else {}
    render(folder, {".gitignore": "project/gitignore.j2", **program}, {"monitored": monitored})
    source = fogbank_source(folder)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    settings = (config.root / SETTINGS).read_text(encoding="utf-8")
    files[SETTINGS] = _settings(settings, source).encode()
    return files


def _settings(text: str, source: str) -> str:
    """pyproject.toml, which is the user's, with the requirement of fogbank and its place alone renewed."""
    text = REQUIREMENT.sub(f'"fogbank>={fogbank_version()}"', text)
    return SOURCE.sub(lambda _: f"fogbank = {source}", text) if source else text


def _wheel_and_settings(root: Path, today: Files) -> Iterator[Change]:
    """The settings, and the wheel that they name: of what they name no more nothing is brought."""
    settings = today[SETTINGS].decode()
    for path, after in today.items():
        named = path == SETTINGS or (path.startswith(f"{WHEELS}/") and path in settings)
        if named and (before := _read(inside(root, path))) != after:
            yield Change(path=path, before=before, after=after)


def _units(today: Files, mark: Mark) -> Iterator[Sequence[str]]:
    """What is renewed together or not at all: the program, as its files know each other; any other file alone."""
    paths = sorted(filter(is_fogbanks, {*today, *mark.files, *_earlier()}))
    yield [path for path in paths if path.startswith(f"{ROOM}/")]
    yield from ([path] for path in paths if not path.startswith(f"{ROOM}/"))


def _changed(root: Path, path: str, today: Files, mark: Mark) -> str:
    """Why a file is the user's; empty where it is as fogbank wrote it."""
    content = _read(inside(root, path))
    if content is None:
        return "you removed it" if path in mark.files else ""
    digest = digest_of(path, content)
    if path in today and digest == digest_of(path, today[path]):
        return ""
    known = {mark.files[path]} if path in mark.files else set(_earlier().get(path, ()))
    return "" if digest in known else "you changed it"


def _is_news(path: str, today: Files, mark: Mark) -> bool:
    """Whether fogbank's own may differ from what the user started with: without a mark, nobody knows."""
    return path in today and mark.files.get(path) != digest_of(path, today[path])


def _earlier() -> Mapping[str, Sequence[str]]:
    """Digests of all that fogbank wrote before it left a mark, from this repository's history; nothing is added to them."""
    found: dict[str, list[str]] = json.loads(Path(__file__).with_name("earlier.json").read_text())
    return found


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)
