"""The next version of a model that was brought, into the project that the former one has: the user's edits stay, what was the former's goes.

In: a project, a file or folder, and rows of a sample if there are new ones; out: the project with that model, its schema, its baseline and
its pins, or the project as it was. What differs for those who send requests is told, and agreed to, before anything is changed.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import PackageError, ProjectError
from fogbank.contracts.manifest import load_manifest
from fogbank.contracts.schema import Column, Schema, Value
from fogbank.ground.folders import private_folder
from fogbank.ground.paths import inside
from fogbank.pack import LOCK_FILES, LOCKED, Trained, read_trained
from fogbank.project.scaffolding.adoption import ROOM as FRESH
from fogbank.project.scaffolding.adoption import Adoption, Former, Trust, looked_into, tell_ignored
from fogbank.project.scaffolding.scaffold import MONITOR
from fogbank.project.workplace.events import Steps
from fogbank.project.workplace.settings import FILE, with_items
from fogbank.project.workplace.unfinished import begin, finished, placed_in

KNOWN = frozenset({"schema.json", "environment.json", "metrics.json", "sample.csv", "baseline.csv", "evaluation.json"})
"""What lies beside a model and is no part of it."""
SCORES = ("evaluation.json",)
"""What says how good the former model was, and nothing of the next one."""
Agree = Callable[[Sequence[str]], bool]
"""Whether the model may take the former's place, though it differs in this."""


@dataclass(frozen=True, kw_only=True)
class Successor:
    """The next version, written into a folder of its own beside the project, and what is there now."""

    config: ProjectConfig
    former: Trained
    fresh: Path
    adoption: Adoption

    @property
    def room(self) -> Path:
        """Where the project has its model."""
        return self.config.trained

    def differences(self) -> tuple[str, ...]:
        """What whoever sends requests would notice, or wrote a module that is replaced; a line each."""
        now = read_trained(self.fresh / FRESH)
        schemas = (*_columns(self.former.input, now.input), *_answers(self.former.output, now.output))
        return (*schemas, *self._labels(), *self._replaced())

    def modules(self) -> Iterator[tuple[Path, Path]]:
        """The files of the modules that came with the model, and where they will lie. Raises ProjectError (`change-blocked`)."""
        others = {FRESH, self.config.state.name, *LOCK_FILES}
        for path in sorted(self.fresh.rglob("*")):
            name = path.relative_to(self.fresh)
            if path.is_file() and name.parts[0] not in others:
                yield path, placed_in(self.config.root, name.as_posix())

    def _replaced(self) -> Iterator[str]:
        for path, place in self.modules():
            if place.exists():
                yield f"{path.relative_to(self.fresh)} is another one beside the model than in the project: it is replaced"

    def _labels(self) -> Iterator[str]:
        """Labels, as the package that is there has them: before the first `pack` nobody knows the former's."""
        fresh = self.adoption.answer.fitted.classes or self.adoption.look.classes
        earlier = _packed_labels(self.config)
        if not fresh or not earlier or set(fresh) == set(earlier):
            return
        yield f"labels: {_words(fresh)}; they were {_words(earlier)}"

    def put(self) -> None:
        """Let it take the former's place, whole, also if this process is killed meanwhile."""
        for name in LOCK_FILES[:-1]:
            (self.fresh / name).unlink(missing_ok=True)
        room = self.room.relative_to(self.config.root)
        if room != Path(FRESH):
            aside = (self.fresh / FRESH).rename(
                self.fresh.with_name("room")
            )  # it may belong into a folder of its own name
            (self.fresh / room).parent.mkdir(parents=True, exist_ok=True)
            aside.rename(self.fresh / room)
        self._declare()
        begin(self.config, self.fresh, self.gone())
        finished(self.config)

    def gone(self) -> list[str]:
        """What is removed: the former's model; of a folder all of it, as nobody knows which of its files were the model's."""
        room = self.room
        if self.adoption.path.is_dir() or not self.former.model.is_file():
            found = [path for path in room.iterdir() if path.name not in KNOWN]
        else:
            found = [self.former.model] if self.former.model.name != self.adoption.look.file else []
        stale = [room / name for name in SCORES if (room / name).is_file()]
        return sorted(path.relative_to(self.config.root).as_posix() for path in (*found, *stale))

    def _declare(self) -> None:
        """The project's pyproject.toml with the names that are new in `dependencies`, among the files. Raises ProjectError."""
        own = set(map(canonicalize_name, self.config.dependencies))
        missing = [name for name in self.adoption.needs if canonicalize_name(name) not in own]
        if not missing:
            return
        place = self.config.root / FILE
        if place.is_symlink():
            raise ProjectError(
                "pyproject-unreadable",
                f"{FILE} is a link to {place.readlink()}, which may be another project's too",
                f"write it there yourself: dependencies also has {', '.join(missing)}; then bring it again",
            )
        text = with_items(place.read_bytes().decode(), "dependencies", self.config.dependencies, missing)
        (self.fresh / FILE).write_bytes(text.encode())
        shutil.copymode(place, self.fresh / FILE)


def bring(config: ProjectConfig, path: Path, sample: Path | None, steps: Steps, trust: Trust, agree: Agree) -> bool:
    """Put the next version of the project's model in the former's place; False where nobody agreed to how it differs.

    Without a `sample` the rows of the baseline that is there are asked again. Raises DataError, PackageError (`model-untrusted`),
    ProjectError (`model-trained` where the project trains its own).
    """
    if config.model is None:
        raise ProjectError(
            "model-trained",
            "this project trains its own model: none was brought",
            "`fogbank train`; or `fogbank new NAME --from MODEL` in another folder, for a project around that one",
        )
    _check_own(config, config.model)
    config = finished(config)
    former = read_trained(config.trained)
    with tempfile.TemporaryDirectory(dir=private_folder(config.state), prefix=".bring-") as work:
        source, look = looked_into(path, Path(work) / "opened", steps, trust, handled=config.handler is not None)
        rows = sample or _rows_of(former, Path(work))
        adoption = Adoption(
            name=config.name, source=source, sample_file=rows, steps=steps, look=look, former=_said(config, former)
        )
        if (locked := config.root / LOCKED).is_dir():  # what was resolved once
            shutil.copytree(locked, Path(work) / "fresh" / LOCKED)
        adoption.fill_model(Path(work) / "fresh")
        fresh = Successor(config=config, former=former, fresh=Path(work) / "fresh", adoption=adoption)
        _keep(fresh, sampled=sample is not None)
        if (differences := fresh.differences()) and not agree(differences):
            return False
        with steps("replace") as step:
            fresh.put()
            step.done(f"{config.trained.relative_to(config.root)}/{look.file}, {_told(adoption)}")
    _tell(fresh, steps)
    return True


def _check_own(config: ProjectConfig, room: Path) -> None:
    """The model's folder is below the project's, through no link, and holds nothing of the project but the model. Raises ProjectError."""
    try:
        own = not inside(config.root, room.relative_to(config.root).as_posix()).is_symlink()
    except ValueError:  # an EscapeError is one
        own = False
    if not own or config.state.is_relative_to(room):
        raise ProjectError(
            "model-elsewhere",
            f"the project's model is in {room}, which is not a folder of its own for it",
            "replace it there by hand",
        )


def _said(config: ProjectConfig, former: Trained) -> Former:
    file = config.root / LOCK_FILES[-1]
    return Former(
        columns=former.input.columns,
        output=former.output.columns,
        rows=former.input.rows,
        requirements=file.read_text() if file.is_file() else "",
        locks=tuple(config.root / name for name in LOCK_FILES[:-1] if (config.root / name).is_file()),
        handled=config.handler is not None,
    )


def _rows_of(former: Trained, work: Path) -> Path | None:
    """The input's columns of the baseline, with their header, as a sample of a new file; None where there is no baseline."""
    if not former.baseline.is_file():
        return None
    file = work / former.baseline.name
    with former.baseline.open(newline="") as given, file.open("w", newline="") as taken:
        rows = csv.DictReader(given)
        writer = csv.DictWriter(taken, former.input.names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return file


def _keep(successor: Successor, *, sampled: bool) -> None:
    """What stays of the former's: gates, modules that are the same, and where there is no new sample its sample; scores do not."""
    fresh, room = successor.fresh / FRESH, successor.room
    if gates := successor.former.gates:
        (fresh / "metrics.json").write_text(json.dumps({"metrics": {}, "gates": gates}, indent=2) + "\n")
    if not sampled and successor.former.sample.is_file() and not _moved(successor):
        shutil.copyfile(room / "sample.csv", fresh / "sample.csv")
    for path, place in successor.modules():
        if place.is_file() and path.read_bytes() == place.read_bytes():
            path.unlink()


def _moved(successor: Successor) -> bool:
    """Whether a row is of other columns than it was."""
    return successor.former.input.names != tuple(column.name for column in successor.adoption.sample.columns)


def _told(adoption: Adoption) -> str:
    rows = len(adoption.answer.predictions)
    return f"baseline of {rows} rows with its own predictions" if rows else "no baseline of its own"


def _tell(successor: Successor, steps: Steps) -> None:
    """What the user may have to do yet."""
    adoption, config = successor.adoption, successor.config
    tell_ignored(adoption.sample, steps)
    if successor.former.metrics:
        steps.notice("the scores in metrics.json were the former model's: they are left out, its gates stay")
    asked = bool(adoption.answer.predictions)
    if not asked and successor.former.baseline.is_file():
        steps.notice(
            "baseline.csv has the former model's predictions: a handler answers, and nobody asked it yet (docs/13-bring.md)"
        )
    if asked and not (config.root / "infra" / MONITOR).is_file():
        steps.notice(
            "there is a baseline now, and no monitor: a MonitoringSchedule in infra/ is one (docs/03-declare.md)"
        )
    if adoption.source.code is not None:
        steps.notice("the handler that came in the archive is not taken: the project's own stays")
    if adoption.look.handler and config.handler is None:
        steps.notice(f"{adoption.look.what} takes a handler, and the project has none: `fogbank new --from` writes one")
    if adoption.look.versions and any((config.root / name).is_file() for name in LOCK_FILES[:-1]):
        steps.notice("the project's lock file rules over requirements.txt: lock it again where their versions differ")


def _columns(before: Schema, now: Schema) -> Iterator[str]:
    was, has = ({column.name: column for column in schema.columns} for schema in (before, now))
    yield from (f"column {name} is no more taken" for name in before.names if name not in has)
    yield from (
        f"column {name} ({has[name].dtype}) is new: a request must have it" for name in now.names if name not in was
    )
    yield from _types(was, has)
    common = [[name for name in names if name in was and name in has] for names in (before.names, now.names)]
    if common[0] != common[1]:
        yield f"columns in another order, which a CSV without a header goes by: {_words(now.names)}"
    if before.rows != now.rows:
        yield f"rows reach the model as {now.rows}; they did as {before.rows}"


def _types(was: dict[str, Column], has: dict[str, Column]) -> Iterator[str]:
    for name, column in has.items():
        former = was.get(name, column)
        if former.dtype != column.dtype:
            yield f"column {name} is {column.dtype}; it was {former.dtype}"
            continue
        if fresh := [value for value in column.categories if value not in former.categories]:
            yield f"column {name} has categories that are new: {_words(fresh)}"
        if lost := [value for value in former.categories if value not in column.categories]:
            yield f"column {name} has no more the categories {_words(lost)}"


def _answers(before: Schema, now: Schema) -> Iterator[str]:
    shapes = [[(column.name, column.dtype) for column in schema.columns] for schema in (before, now)]
    if shapes[0] != shapes[1]:
        words = [_words([f"{name} ({dtype})" for name, dtype in shape]) or "not known" for shape in shapes]
        yield f"an answer is {words[1]}; it was {words[0]}"


def _packed_labels(config: ProjectConfig) -> tuple[Value, ...]:
    try:
        return load_manifest(config.package).package.output.classes
    except PackageError:
        return ()


def _words(values: Sequence[Any]) -> str:
    shown = ", ".join(map(str, values[:8]))
    return shown if len(values) <= 8 else f"{shown} and {len(values) - 8} more"
