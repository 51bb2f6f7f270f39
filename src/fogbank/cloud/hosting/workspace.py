"""How an instance comes to be: fetch the model data, find its environment or its image, start its server.

In: a Model document; out: a ready `Instance`, or StartError with the cause. Endpoints and transform jobs share it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from fogbank.cloud.api.models import Container, ModelData, containers, is_direct
from fogbank.cloud.ground.acting import acting
from fogbank.cloud.ground.roles import NO_GRANT, Grant, Grants
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.store import Document
from fogbank.cloud.ground.wire import DEFAULT_REGION
from fogbank.cloud.hosting.artifact import ArtifactError, fetch
from fogbank.cloud.hosting.containers import Containers
from fogbank.cloud.hosting.environment import DependencyError, Environments
from fogbank.cloud.hosting.health import Health
from fogbank.cloud.hosting.instance import MODELS, Instance, Launcher, LaunchPlan, ProcessLauncher, StartError
from fogbank.cloud.hosting.loading import Loader, Shelf
from fogbank.cloud.hosting.many_models import MultiModel
from fogbank.cloud.hosting.pipeline import Machine, Pipeline, Tell
from fogbank.cloud.observe.capture import Source
from fogbank.cloud.observe.measures import NAMESPACE, Values
from fogbank.contracts.container import ENV_MODEL_PYTHONS, STARTUP_LIMIT_S
from fogbank.contracts.dependencies import WHEELS
from fogbank.contracts.errors import TrustError
from fogbank.ground.paths import inside
from fogbank.ground.processes import working_below

KEPT_LOGS = 10
MORE = "additional-model-data-sources"
"""The folder below /opt/ml that has AdditionalModelDataSources, each by its ChannelName."""
Measure = Callable[[Source, Values, str, str], None]
"""Takes values of CloudWatch's metrics of a variant, or of a container of it, in a namespace."""


FAILURES = (ArtifactError, DependencyError, StartError, TrustError, OSError)
"""Why a model has no instance."""


class Approval(Protocol):
    """Decides what may run. Each raises TrustError for what may not."""

    def archive(self, file: Path) -> None:
        """Model data, as it was downloaded."""

    def image(self, uri: str) -> None:
        """An image that is to run as a container."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How long an instance may take to start in seconds, how many bytes of memory each container may have (0: all), who hears of it."""

    startup_limit_s: float = STARTUP_LIMIT_S
    memory: int = 0
    tell: Tell = lambda *_, **__: None


class Workspace:
    """Starts instances below one folder; `s3` makes a client of the cloud's own S3. With `containers`, instances are such. `grant` is
    what a model's role gets credentials with. `measure` counts what containers answered;
    `runner` runs what multi-model containers need."""

    def __init__(
        self,
        folder: Path,
        logs: Path,
        environments: Environments,
        s3: Callable[[], Any],
        grant: Grants,
        containers: Containers | None = None,
        approval: Approval | None = None,
        measure: Measure = lambda *_: None,
        runner: Runner | None = None,
    ) -> None:
        self._folder = folder
        self._logs = logs
        self._environments = environments
        self._s3, self._grant = s3, grant
        self._containers = containers
        self._approval = approval
        self._measure = measure
        self._runner = runner or Runner()
        self._many: dict[str, MultiModel] = {}
        self._lock = threading.Lock()
        self.health = Health()

    def host(self, model: Document, source: Source, startup_limit_s: float, memory: int = 0) -> ModelHost:
        """What starts and stops instances of a model, each with a log of its own, and with so many bytes of memory."""
        place = (
            f"components/{source.region}/{source.component}"
            if source.component
            else f"endpoints/{source.region}/{source.endpoint}"
        )
        logs = f"{place}/{source.variant}"

        def tell(values: Values, container: str = "", namespace: str = NAMESPACE) -> None:
            self._measure(source, values, container, namespace)

        terms = Terms(startup_limit_s=startup_limit_s, memory=memory, tell=tell)
        return ModelHost(workspace=self, model=model, logs=logs, terms=terms)

    def clear(self) -> None:
        """Remove what instances of an earlier process left, frozen ones too: those hear of nobody's end."""
        if self._containers is not None:
            self._containers.remove_left()
        if self._folder.is_dir():
            for process in working_below(self._folder):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(process, signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(
        self,
        model: Document,
        log_name: str,
        extra: Mapping[str, str],
        stop: threading.Event | None = None,
        terms: Terms = Terms(),
        planned: LaunchPlan | None = None,
    ) -> Machine:
        """A ready instance of the model: its one container, or all of them; `planned` is what `plan` gave, which is used up. Raises
        StartError, also where `stop` is set before it is ready."""
        parts = containers(model)
        alone = len(parts) == 1
        started: dict[str, Instance] = {}
        try:
            for part in parts:
                with _named(part, alone=alone):
                    log = log_name if alone else f"{log_name}/{part.hostname}"
                    started[part.hostname] = self._begin(model, part, log, extra, terms, planned)
            for part in parts:
                with _named(part, alone=alone):
                    started[part.hostname].wait_ready(stop)
        except StartError:
            self._end(list(started.values()), grace_s=1)
            raise
        for instance in started.values():
            self.health.watch(instance)
        role = str(model.get("ExecutionRoleArn", ""))
        machines = {part.hostname: self._machine(part, started[part.hostname], role, terms.tell) for part in parts}
        if alone:
            return next(iter(machines.values()))
        return Pipeline(Path(log_name).name, machines, terms.tell, direct=is_direct(model))

    def plan(self, model: Document, log_name: str, extra: Mapping[str, str], terms: Terms = Terms()) -> LaunchPlan:
        """What an instance of a model with one container is started from, its data fetched; whoever has it ends with `start` or
        `discard`. It is bound as the instance is: by its memory, and to no network where the model is isolated. Raises StartError."""
        [part] = containers(model)
        home = self._folder / uuid.uuid4().hex[:12]
        try:
            plan = self._planned(model, part, home, log_name, terms)
            return replace(plan, environment={**plan.environment, **extra})
        except FAILURES as error:
            shutil.rmtree(home, ignore_errors=True)
            raise StartError(str(error)) from error

    @staticmethod
    def discard(plan: LaunchPlan) -> None:
        """Remove what was fetched for a plan."""
        shutil.rmtree(plan.base_dir, ignore_errors=True)

    def _planned(self, model: Document, part: Container, home: Path, log_name: str, terms: Terms) -> LaunchPlan:
        """Raises FAILURES."""
        with acting(str(model.get("ExecutionRoleArn", ""))):
            plan = self._plan(part, home, log_name, terms.startup_limit_s)
        return replace(plan, memory=terms.memory, network=not model.get("EnableNetworkIsolation", False))

    def _machine(self, part: Container, instance: Instance, role: str, tell: Tell) -> Machine:
        """A container's server, with what is before it."""
        if not part.multi_model:
            return instance

        def bring(uri: str, to: Path) -> None:
            with acting(role):
                self._fetch(ModelData(uri=uri), to)

        folder = instance.plan.base_dir / MODELS
        own = self._containers is None
        shelf = Shelf(
            prefix=part.data.uri if part.data else "",
            folder=folder,
            seen=str(folder) if own else f"/opt/ml/{MODELS}",
            fetch=bring,
            python=self._python if own else None,
        )
        machine = MultiModel(instance, Loader(instance, shelf), self._runner, tell, cached=part.cached)
        with self._lock:
            self._many[instance.id] = machine
        return machine

    def report(self) -> None:
        """Tell how many models each multi-model container has."""
        with self._lock:
            machines = list(self._many.values())
        for machine in machines:
            machine.count()

    def stop(self, machine: Machine, grace_s: float = 30.0) -> None:
        """Stop the instance and remove its folders."""
        self._end(machine.instances, grace_s)

    def measured(self) -> list[Instance]:
        """The instances that are processes of this machine, and run."""
        if self._containers is not None:
            return []
        return [instance for instance in self.health.watched() if isinstance(instance, Instance)]

    def forget_logs(self, logs: str) -> None:
        """Remove the oldest logs of a folder, so that an instance that dies again and again does not fill the disk."""
        with contextlib.suppress(OSError):  # another instance of the variant starts too
            files = sorted((self._logs / logs).iterdir(), key=lambda file: file.stat().st_mtime)
            for file in files[:-KEPT_LOGS]:
                if file.is_dir():  # of an instance with several containers
                    shutil.rmtree(file, ignore_errors=True)
                else:
                    file.unlink(missing_ok=True)

    def _begin(
        self, model: Document, part: Container, log_name: str, extra: Mapping[str, str], terms: Terms,
        planned: LaunchPlan | None,
    ) -> Instance:  # fmt: skip
        """A container's server, which is not ready yet. Raises StartError."""
        home = planned.base_dir if planned is not None else self._folder / uuid.uuid4().hex[:12]
        grant = self._granted(model, log_name)
        try:
            plan = planned or self._planned(model, part, home, log_name, terms)
            environment = {**grant.environment, **plan.environment, **extra}
            return Instance(replace(plan, environment=environment), grant.end)
        except FAILURES as error:
            grant.end()
            shutil.rmtree(home, ignore_errors=True)
            raise StartError(str(error)) from error

    def _end(self, instances: Sequence[Instance], grace_s: float) -> None:
        for instance in instances:
            self.health.forget(instance)
            instance.leave()
            with self._lock:
                self._many.pop(instance.id, None)
        for instance in instances:
            instance.stop(grace_s)
            shutil.rmtree(instance.plan.base_dir, ignore_errors=True)

    def _granted(self, model: Document, log_name: str) -> Grant:
        """What the instance asks its role's credentials with; nothing where the model has no role, or is isolated from networks."""
        region = str(model.get("ModelArn", "")).split(":")[3:4]
        role = str(model.get("ExecutionRoleArn", ""))
        if not role or model.get("EnableNetworkIsolation"):
            return NO_GRANT
        return self._grant(role, Path(log_name).name, region[0] if region else DEFAULT_REGION)

    def _plan(self, container: Container, home: Path, log_name: str, limit_s: float) -> LaunchPlan:
        home.mkdir(parents=True)
        environment = container.environment
        if container.multi_model:
            (home / MODELS).mkdir()
            if self._containers is not None:
                _let_everybody_read(home / MODELS)
            pythons = {} if self._containers else {ENV_MODEL_PYTHONS: "true"}
            environment = {**environment, **pythons, "SAGEMAKER_MULTI_MODEL": "true"}
        elif container.data:
            self._fetch(container.data, home / "model")
        if container.more:
            environment = self._bring_more(container, home, environment)
        return LaunchPlan(
            launcher=self._launcher(container, home / "model"),
            base_dir=home,
            environment=environment,
            log=self._logs / f"{log_name}.log",
            startup_limit_s=limit_s,
        )

    def _bring_more(self, container: Container, home: Path, environment: Mapping[str, str]) -> Mapping[str, str]:
        """Fetch what a container has besides its model data; the environment, whose places are those of this machine. Raises ArtifactError."""
        (home / MORE).mkdir()
        for channel, data in container.more.items():
            self._fetch(data, inside(home / MORE, channel))
        if self._containers is None:
            return {key: _standing(value, home) for key, value in environment.items()}
        _let_everybody_read(home / MORE)
        return environment

    def _launcher(self, container: Container, model: Path) -> Launcher:
        if self._containers is not None:
            if self._approval is not None:
                self._approval.image(container.image)
            return self._containers.launcher(container.image)
        if not model.is_dir() and not container.multi_model:
            raise ArtifactError("the model has no model data: the local cloud runs the package in it, not the image")
        return ProcessLauncher(self._python(model), (self._environments.folder,), self._folder.parent)

    def _python(self, model: Path) -> Path:
        """The Python of an unpacked model's own environment. Raises DependencyError."""
        requirements = model / "code" / "requirements.txt"
        lines = requirements.read_text().split("\n") if requirements.is_file() else []
        return self._environments.python_for(lines, model / "code" / WHEELS)

    def _fetch(self, data: ModelData, folder: Path) -> None:
        """Download and unpack model data, if it is approved. Raises ArtifactError."""
        fetch(self._s3(), data, folder, self._approval.archive if self._approval is not None else None)
        if self._containers is not None:
            _let_everybody_read(folder.parent if folder.parent.parent.name == MODELS else folder)


@contextlib.contextmanager
def _named(part: Container, *, alone: bool) -> Iterator[None]:
    """Of several containers, the one that does not start is named."""
    try:
        yield
    except StartError as error:
        raise error if alone else StartError(f"container {part.hostname}: {error}") from error


def _standing(value: str, home: Path) -> str:
    """A variable that names a place of more data, which lies elsewhere on this machine."""
    there = f"/opt/ml/{MORE}"
    return value.replace(there, str(home / MORE), 1) if value == there or value.startswith(f"{there}/") else value


def _let_everybody_read(folder: Path) -> None:
    """A container's user need not be the cloud's; the folders above are closed to everybody else on this machine."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


@dataclass(frozen=True, kw_only=True)
class ModelHost:
    """Instances of one model."""

    workspace: Workspace
    model: Document
    logs: str
    terms: Terms

    def start(self, stop: threading.Event) -> Machine:
        """A ready instance. Raises StartError."""
        self.workspace.forget_logs(self.logs)
        log = f"{self.logs}/i-{uuid.uuid4().hex[:12]}"
        return self.workspace.start(self.model, log, {}, stop, self.terms)

    def stop(self, server: Machine, grace_s: float) -> None:
        """Stop it and remove its folder."""
        self.workspace.stop(server, grace_s)
