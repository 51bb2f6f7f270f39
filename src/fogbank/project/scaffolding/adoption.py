"""A project around a model that somebody trained elsewhere: looked at, asked what it takes, and written so that it deploys.

In: a file or folder, and rows of a sample if there are any; out: a project without training code. What runs code when it is loaded is
loaded only once the user has said that it may be, in the environment that the file itself asks for.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fogbank.contracts.config import running_python
from fogbank.contracts.dependencies import WHEELS, Target, host_platform
from fogbank.contracts.errors import PackageError, ProjectError
from fogbank.contracts.manifest import INNER_NAME
from fogbank.contracts.schema import Column, Dtype, Rows, Schema, Value, document_of
from fogbank.ground.digest import sha256_file
from fogbank.pack import Fitted, Look, answer_of, code_files, fitted_from, imported_distributions, lock_lines, look_at
from fogbank.project.scaffolding.archives import HANDLER, Opened, opened
from fogbank.project.scaffolding.requirements import FILE, check_unlocked, merged, name_of
from fogbank.project.scaffolding.samples import Sample, categorized, known_columns, read_sample, remembered, typed
from fogbank.project.scaffolding.scaffold import (
    MONITOR,
    check_target,
    copy_rooms,
    render,
    write_project,
    write_workflow,
)
from fogbank.project.workplace.environments import model_python
from fogbank.project.workplace.events import Steps
from fogbank.project.workplace.installation import fogbank_version
from fogbank.project.workplace.origin import fogbank_source

LOADED = ("joblib", "skops", "xgboost", "lightgbm", "catboost", "onnx")
"""The kinds that are asked by loading them."""
SAMPLE_ROWS = 5
ROOM = "model"
TAKEN = frozenset({ROOM, "infra", "handlers", "tests"})
Trust = Callable[[Look], bool]
"""Whether a file that runs code when it is loaded may be loaded."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a loaded model says. `predictions` are those of the sample's rows."""

    fitted: Fitted = field(default_factory=Fitted)
    predictions: Sequence[Sequence[Any]] = ()


@dataclass(frozen=True, kw_only=True)
class Former:
    """What the project of a model's former version says: its columns and its answer's, its requirements' text, its own lock files.

    `handled` says that a handler answers; `rows` are the form in which the model took them.
    """

    columns: tuple[Column, ...] = ()
    output: tuple[Column, ...] = ()
    rows: Rows = "array"
    requirements: str = ""
    locks: tuple[Path, ...] = ()
    handled: bool = False


@dataclass
class Adoption:
    """One model on its way into a project; into one that is there, where there is a `former`."""

    name: str
    source: Opened
    sample_file: Path | None
    steps: Steps
    look: Look
    former: Former = field(default_factory=Former)
    needs: list[str] = field(default_factory=list)
    answer: Answer = field(default_factory=Answer)
    sample: Sample = field(default_factory=lambda: Sample(columns=()))

    @property
    def path(self) -> Path:
        """The model's file or folder."""
        return self.source.model

    @property
    def handled(self) -> bool:
        """Whether a handler of one's own answers: what the model alone says is no answer then."""
        return self.source.code is not None or self.former.handled

    def fill(self, _: str, folder: Path) -> None:
        """Write the project into a folder."""
        self.fill_model(folder)
        self._write_rooms(folder)

    def fill_model(self, folder: Path) -> None:
        """Write the model with all that is known of it, and the versions that it needs."""
        room = folder / ROOM
        for lock in self.former.locks:
            shutil.copyfile(lock, folder / lock.name)
        self._copy_model(room)
        self._copy_network(folder)
        check_unlocked(self.former.requirements, self._lines(self.look.needs))
        self.needs = self._needs()
        self._requirements(folder)
        if self.look.kind in LOADED:
            with self.steps("ask") as step:
                self._ask(folder)
                step.done(self._heard())
        else:
            self.sample = self._sampled(self.look.names, self.look.width)
        check_unlocked(
            self.former.requirements, self._lines(self.needs)
        )  # now it is known whether it takes a DataFrame
        self._describe(room)

    def _copy_model(self, room: Path) -> None:
        if self.path.is_dir():
            shutil.copytree(self.path, room, ignore=shutil.ignore_patterns("__pycache__", ".git", "code", INNER_NAME))
            return
        room.mkdir(parents=True)
        shutil.copyfile(self.path, room / self.look.file)

    def _copy_network(self, folder: Path) -> None:
        """The module that makes the network, and those of the user's own that it imports, travel into the project."""
        if self.look.network is None:
            return
        files = code_files(None, self.path.parent, [self.look.network.module])
        for module in sorted({Path(place).parts[0].removesuffix(".py") for place in files}):
            _copy_module(self.path.parent, module, folder)

    def _needs(self) -> list[str]:
        """The distributions; pandas too, where the model may have been trained on a DataFrame: it knows its columns by name, or wraps a booster."""
        wrapped = any(name.startswith(("lightgbm", "xgboost")) for name in self.look.needs)
        frames = self.look.kind == "skops" or (self.look.kind == "joblib" and (self.look.names or wrapped))
        return sorted({*self.look.needs, *(["pandas"] if frames else [])})

    def _requirements(self, folder: Path) -> None:
        """requirements.txt: what the file says that it was made with, and the names of what it does not say it of."""
        (folder / FILE).write_text(merged(self.former.requirements, self._lines(self.needs)))

    def _lines(self, names: Sequence[str]) -> set[str]:
        """Lines of requirements.txt: those that came with the file, and the others of these names with the versions that are known."""
        taken = {name_of(line) for line in self.look.requirements}
        return {
            *self.look.requirements,
            *(
                f"{name}=={self.look.versions[name]}" if name in self.look.versions else name
                for name in names
                if canonicalize_name(name) not in taken
            ),
        }

    def _ask(self, folder: Path) -> None:
        """Load the model in its own environment, and ask it of its columns, then for its predictions of the sample."""
        target = Target(platform=host_platform(), python=running_python())
        state = folder / ".fogbank"
        pins, lines = lock_lines(folder, self.needs, target, state)
        order: dict[str, Any] = {
            "model": str(folder / ROOM / self.look.file),
            "kind": self.look.kind,
            "trusted": [],
            "dtypes": [],
            "roots": [str(self.path.parent)] if self.look.foreign else [],
            "python": model_python(pins, lines, state / WHEELS, brought=True),
        }
        first = self._answered(order).fitted
        width = 1 if first.rows == "texts" else first.width or self.look.width  # a vectorizer's words are no columns
        self.sample = categorized(self._sampled(first.names or self.look.names, width, first.words), first.categories)
        columns = [{"name": column.name, "dtype": column.dtype} for column in self.sample.columns]
        order |= {"dtypes": [column.dtype for column in self.sample.columns]}
        if self.sample.cells and not self.handled:
            order |= {"cells": [list(row) for row in self.sample.cells], "columns": columns}
        self.answer = self._answered(order)
        for module in sorted({name.partition(".")[0] for name in self.answer.fitted.modules}):
            _copy_module(self.path.parent, module, folder)
        wanted = sorted({*self.look.needs, *(["pandas"] if self.answer.fitted.rows == "frame" else [])})
        if wanted != self.needs:
            self.needs = wanted
            self._requirements(folder)

    def _answered(self, order: Mapping[str, Any]) -> Answer:
        document, last = answer_of(dict(order))
        if document is None or not document["loaded"] or ("cells" in order and document["predictions"] is None):
            foreign = ", ".join(self.look.foreign)
            hint = (
                f"it names {foreign}: put that module beside {self.path.name}"
                if foreign
                else "look at the file and its versions"
            )
            raise PackageError(
                "model-unreadable", f"{self.path.name} does not load, or does not predict the sample: {last}", hint
            )
        return Answer(fitted=fitted_from(document["fitted"]), predictions=document["predictions"] or ())

    def _sampled(self, names: Sequence[str], width: int, words: Sequence[str] = ()) -> Sample:
        if self.sample_file is not None:
            sample = remembered(read_sample(self.sample_file, names, width), self.former.columns)
            return typed(sample, self.look.columns, words)
        columns = self.look.columns or known_columns(names, width, words)
        if not columns:
            raise PackageError(
                "columns-unknown",
                f"{self.path.name} does not say which columns it takes",
                "give some rows as it takes them, with a header: --sample rows.csv",
            )
        return remembered(Sample(columns=columns), self.former.columns)

    def _heard(self) -> str:
        classes = f", labels {', '.join(map(str, self._classes()[:6]))}" if self._classes() else ""
        columns = len(self.sample.columns)
        return f"{columns} column{'' if columns == 1 else 's'}{classes}, method predict"

    def _classes(self) -> tuple[Value, ...]:
        return self.answer.fitted.classes or self.look.classes

    def _describe(self, room: Path) -> None:
        """What training would have left beside the model."""
        rows: Rows = "frame" if self.look.handler == "mlflow" else self.answer.fitted.rows
        if self.look.kind not in LOADED:
            rows = self.former.rows if self.former.columns else rows
        schema = Schema(columns=self.sample.columns, rows=rows)
        output = Schema(columns=self._output())
        _write(room / "schema.json", {"input": document_of(schema), "output": document_of(output)})
        _write(room / "metrics.json", {"metrics": {}})
        if self.look.versions:
            record = {
                "model_sha256": sha256_file(room / self.look.file),
                "python": "",
                "versions": dict(self.look.versions),
            }
            _write(room / "environment.json", record)
        cells = self.sample.cells
        if cells:
            _rows(room / "sample.csv", cells[:SAMPLE_ROWS])
        if self.answer.predictions:
            header = (*output.names, *schema.names)
            lines = [[*given, *row] for given, row in zip(self.answer.predictions, cells, strict=True)]
            _rows(room / "baseline.csv", [header, *lines])

    def _output(self) -> tuple[Column, ...]:
        """The answer's columns, under the names that the former's have; a handler's are known by who wrote it, if by anybody."""
        own = self._own_output()
        former = self.former.output
        if self.handled or not own:
            return former or own
        same = [column.dtype for column in own] == [column.dtype for column in former]
        return former if same else own

    def _own_output(self) -> tuple[Column, ...]:
        """What the model says; none where only a handler knows them: nobody asked it yet."""
        if self.look.output:
            return self.look.output
        if self.look.kind not in LOADED or self.source.code is not None:
            return ()
        if (
            self.look.kind == "onnx" and not self.answer.predictions
        ):  # a graph does not say how many columns a row of its answer has
            return ()
        first = self.answer.predictions[0] if self.answer.predictions else [(self._classes() or (0.0,))[0]]
        names = ["prediction"] if len(first) == 1 else [f"prediction_{place}" for place in range(len(first))]
        return tuple(Column(name=name, dtype=_dtype(value)) for name, value in zip(names, first, strict=True))

    def _write_rooms(self, folder: Path) -> None:
        monitored = (folder / ROOM / "baseline.csv").is_file()
        copy_rooms(self.name, folder, ["infra"], () if monitored else (MONITOR,))
        files = {
            "infra/__main__.py": "adopted/program.py.j2",
            "pyproject.toml": "adopted/pyproject.toml.j2",
            "README.md": "adopted/README.md.j2",
            ".gitignore": "project/gitignore.j2",
        }
        if self.source.code is not None:
            ignored = shutil.ignore_patterns("__pycache__", "requirements.txt")
            shutil.copytree(self.source.code, folder / "handlers", ignore=ignored)
        elif self.look.handler:
            files["handlers/inference.py"] = f"adopted/handlers/{self.look.handler}.py.j2"
        if self.sample.cells:
            files["tests/test_service.py"] = "adopted/test_service.py.j2"
        values = {
            "name": self.name,
            "version": fogbank_version(),
            "source": fogbank_source(folder),
            "needs": self.needs,
            "look": self.look,
            "room": ROOM,
            "monitored": monitored,
            "sampled": bool(self.sample.cells),
        }
        write_workflow(folder)
        render(folder, files, values)


def looked(source: Opened, handled: bool = False) -> Look:
    """What the model is, and what the requirements that came with it say besides. `handled` says that the project's own handler loads it.

    Raises PackageError (`model-code-missing`, `model-renamed`, and as `look_at`).
    """
    look = look_at(source.model)
    if look.lacks and not (handled or source.loads):
        raise PackageError("model-code-missing", *look.lacks)
    if source.loads and source.model.is_file() and source.model.name != look.file:
        raise PackageError(
            "model-renamed",
            f"the handler's model_fn loads {source.model.name}, and in a project it would be {look.file}",
            f"call it {look.file}, in the archive and in code/{HANDLER}",
        )
    lines = (*look.requirements, *source.requirements)
    beside = imported_distributions(source.model.parent, look.foreign)  # what the user's own modules take
    needs = {*look.needs, *(Requirement(line).name for line in lines), *beside}
    return replace(look, requirements=lines, needs=tuple(sorted(needs)))


def looked_into(path: Path, folder: Path, steps: Steps, trust: Trust, *, handled: bool = False) -> tuple[Opened, Look]:
    """A model's file or folder, opened below a folder, and what it is; one that runs code only where it is trusted.

    Raises PackageError (`model-untrusted` where it may not be loaded).
    """
    with steps("look") as step:
        source = opened(path.absolute(), folder)
        look = looked(source, handled)
        step.done(look.what)
    if told := ", ".join(f"{library} {version}" for library, version in look.versions.items()):
        steps.notice(f"it was made with {told}")
    if look.runs_code and not trust(look):
        raise PackageError(
            "model-untrusted",
            f"{path.name} is a pickle: whoever made it decides what runs when it is loaded. It names {', '.join(look.needs)}"
            + (f" and {', '.join(look.foreign)}, which no library that is known here has" if look.foreign else ""),
            "say --trust if you know whose it is; else ask for the model as skops or ONNX, which run nothing",
        )
    return source, look


def adopt(name: str, path: Path, sample: Path | None, target: Path, steps: Steps, trust: Trust) -> None:
    """Write a project around a model. Raises DataError, PackageError (`model-untrusted` where it may not be loaded), ProjectError."""
    check_target(name, target)
    with tempfile.TemporaryDirectory(prefix="fogbank-adopt-") as folder:
        source, look = looked_into(path, Path(folder), steps, trust)
        adoption = Adoption(name=name, source=source, sample_file=sample, steps=steps, look=look)
        write_project(name, target, adoption.fill)
    if adoption.sample.cells and not adoption.answer.predictions:
        steps.notice(
            "no monitor is declared: a handler answers, and nobody asked it for the baseline's predictions (docs/13-bring.md)"
        )
    if look.batch:
        steps.notice(
            f"the program takes {look.batch} row{'s' if look.batch > 1 else ''} at a time, and is asked so often: exported with dynamic_shapes it "
            "takes all rows of a request at once"
        )
    tell_ignored(adoption.sample, steps)


def tell_ignored(sample: Sample, steps: Steps) -> None:
    """What of a sample is left out."""
    if sample.ignored:
        steps.notice(f"columns of the sample that the model does not take: {', '.join(sample.ignored)}")


def _dtype(value: Any) -> Dtype:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "integer" if isinstance(value, int) else "float"


def _copy_module(source: Path, module: str, folder: Path) -> None:
    """A module of the user's own that the model's pickle names travels into the project. Raises ProjectError."""
    for path in (source / f"{module}.py", source / module):
        if path.is_file():
            shutil.copyfile(path, folder / path.name)
        elif path.is_dir():
            if path.name in TAKEN:
                raise ProjectError(
                    "module-taken",
                    f"the model needs a module {module}, and a project's folder has that name",
                    "rename it",
                )
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))


def _write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n")


def _rows(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
