"""How an instance comes to be: fetch the model data, find its environment or its image, start its server.

In: a Model document; out: a ready `Instance`, or StartError with the cause. Endpoints and transform jobs share it.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fogbank.cloud.api.models import Container, containers
from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.artifact import ArtifactError, fetch
from fogbank.cloud.hosting.containers import Containers
from fogbank.cloud.hosting.environment import DependencyError, Environments
from fogbank.cloud.hosting.instance import Instance, Launcher, LaunchPlan, ProcessLauncher, StartError
from fogbank.contracts.container import STARTUP_LIMIT_S

KEPT_LOGS = 10


class Workspace:
    """Starts instances below one folder; `s3` makes a client of the cloud's own S3. With `containers`, instances are such."""

    def __init__(
        self,
        folder: Path,
        logs: Path,
        environments: Environments,
        s3: Callable[[], Any],
        containers: Containers | None = None,
    ) -> None:
        self._folder = folder
        self._logs = logs
        self._environments = environments
        self._s3 = s3
        self._containers = containers

    def host(self, model: Document, logs: str, startup_limit_s: float) -> ModelHost:
        """What starts and stops instances of a model, each with a log of its own in the folder `logs`."""
        return ModelHost(workspace=self, model=model, logs=logs, startup_limit_s=startup_limit_s)

    def clear(self) -> None:
        """Remove what instances of an earlier process left."""
        if self._containers is not None:
            self._containers.remove_left()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(
        self,
        model: Document,
        log_name: str,
        extra: Mapping[str, str],
        startup_limit_s: float = STARTUP_LIMIT_S,
        stop: threading.Event | None = None,
    ) -> Instance:
        """A ready instance of the model. Raises StartError, also where `stop` is set before it is ready."""
        home = self._folder / uuid.uuid4().hex[:12]
        try:
            instance = Instance(self._plan(model, home, log_name, extra, startup_limit_s))
        except (ArtifactError, DependencyError, StartError, OSError) as error:
            shutil.rmtree(home, ignore_errors=True)
            raise StartError(str(error)) from error
        try:
            instance.wait_ready(stop)
        except StartError:
            self.stop(instance, grace_s=1)
            raise
        return instance

    def stop(self, instance: Instance, grace_s: float = 30.0) -> None:
        """Stop the instance and remove its folder."""
        instance.stop(grace_s)
        shutil.rmtree(instance.plan.base_dir, ignore_errors=True)

    def forget_logs(self, logs: str) -> None:
        """Remove the oldest logs of a folder, so that an instance that dies again and again does not fill the disk."""
        with contextlib.suppress(OSError):  # another instance of the variant starts too
            files = sorted((self._logs / logs).glob("*.log"), key=lambda file: file.stat().st_mtime)
            for file in files[:-KEPT_LOGS]:
                file.unlink(missing_ok=True)

    def _plan(self, model: Document, home: Path, log_name: str, extra: Mapping[str, str], limit_s: float) -> LaunchPlan:
        [container] = containers(model)
        home.mkdir(parents=True)
        if container.data_url:
            fetch(self._s3(), container.data_url, home / "model")
        return LaunchPlan(
            launcher=self._launcher(container, home / "model"),
            base_dir=home,
            environment={**container.environment, **extra},
            log=self._logs / f"{log_name}.log",
            startup_limit_s=limit_s,
        )

    def _launcher(self, container: Container, model: Path) -> Launcher:
        if self._containers is not None:
            return self._containers.launcher(container.image)
        if not model.is_dir():
            raise ArtifactError("the model has no ModelDataUrl: the local cloud runs the package in it, not the image")
        requirements = model / "code" / "requirements.txt"
        lines = requirements.read_text().split("\n") if requirements.is_file() else []
        return ProcessLauncher(self._environments.python_for(lines))


@dataclass(frozen=True, kw_only=True)
class ModelHost:
    """Instances of one model."""

    workspace: Workspace
    model: Document
    logs: str
    startup_limit_s: float

    def start(self, stop: threading.Event) -> Instance:
        """A ready instance. Raises StartError."""
        self.workspace.forget_logs(self.logs)
        log = f"{self.logs}/i-{uuid.uuid4().hex[:12]}"
        return self.workspace.start(self.model, log, {}, self.startup_limit_s, stop)

    def stop(self, server: Instance, grace_s: float) -> None:
        """Stop it and remove its folder."""
        self.workspace.stop(server, grace_s)
