"""Hosting, put together: the registry's packages, models, configurations, endpoints, and what invokes them at once or later.

In: what every room stands on, clients of the cloud itself, CloudWatch's rooms; out: the kinds of resources, and a data plane.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from fogbank.cloud.api.models import Models
from fogbank.cloud.api.resource import Ground, Resource
from fogbank.cloud.ground.roles import Grants
from fogbank.cloud.ground.wire import DEFAULT_REGION
from fogbank.cloud.hosting.acceptance import Acceptance
from fogbank.cloud.hosting.backlog import Backlog
from fogbank.cloud.hosting.bakes import catch_up
from fogbank.cloud.hosting.components import Components
from fogbank.cloud.hosting.configs import EndpointConfigs
from fogbank.cloud.hosting.containers import Containers
from fogbank.cloud.hosting.deliveries import Deliveries
from fogbank.cloud.hosting.endpoints import Endpoints
from fogbank.cloud.hosting.environment import Environments
from fogbank.cloud.hosting.health import PERIOD_S
from fogbank.cloud.hosting.notices import Notices
from fogbank.cloud.hosting.runtime import Runtime
from fogbank.cloud.hosting.utilisation import LOOK_S, Utilisation
from fogbank.cloud.hosting.workspace import Approval, Workspace
from fogbank.cloud.observe.capture import Recorder, Source
from fogbank.cloud.observe.measures import Values
from fogbank.cloud.registry.groups import Groups
from fogbank.cloud.registry.packages import Packages
from fogbank.cloud.watch_rooms import WatchRooms
from fogbank.ground.walls import obstacle

log = logging.getLogger("fogbank.cloud")
MODELS_PERIOD_S = 60.0
Clients = Callable[[str, str], Any]
"""A service and a region to a boto3 client of the cloud itself."""


@dataclass(frozen=True, kw_only=True)
class HostSettings:
    """`folder` holds what instances need and say. `grant` is what a model's role gets credentials with. With `containers`, instances are
    such; `approval` decides what may run at all."""

    folder: Path
    environments: Environments
    grant: Grants
    containers: Containers | None
    approval: Approval | None


class HostRooms:
    """The rooms of hosting."""

    def __init__(self, ground: Ground, settings: HostSettings, clients: Clients, watching: WatchRooms) -> None:
        folder, logs = settings.folder, settings.folder / "logs"
        self._runner, self._clock, self._metrics = ground.runner, ground.clock, watching.metrics
        samples = watching.metrics.samples
        self.workspace = Workspace(
            folder / "instances",
            logs,
            settings.environments,
            partial(clients, "s3", DEFAULT_REGION),
            settings.grant,
            settings.containers,
            settings.approval,
            self._measure,
            ground.runner,
        )
        groups = Groups(ground)
        self.packages = packages = Packages(ground, groups)
        self.models = Models(ground, packages.containers)
        configs = EndpointConfigs(ground, self.models)
        notices = Notices(clients, samples)
        self.endpoints = Endpoints(
            ground,
            self.models,
            configs,
            self.workspace.host,
            samples,
            partial(notices.announce, ground.runner),
            watching.state,
        )
        self.components = Components(ground, self.models, self.endpoints, watching.state)
        self.recorder = Recorder(folder / "capture", ground.clock, partial(clients, "s3", DEFAULT_REGION))
        deliveries = Deliveries(ground.store, ground.clock, clients, notices, samples)
        self.backlog = Backlog(ground, self.endpoints, deliveries, self.recorder, samples)
        acceptance = Acceptance(ground, self.endpoints, self.backlog)
        self.runtime = Runtime(self.endpoints, self.components, acceptance, self.recorder, watching.metrics)
        self.kinds: tuple[Resource[Any], ...] = (
            self.models,
            configs,
            self.endpoints,
            self.components,
            groups,
            packages,
        )
        self._uses = Utilisation(logs, watching.points, ground.clock.epoch, reserved=self.components.reserved)

    def start(self) -> None:
        """Go on with what was accepted, and look after instances from now on."""
        self.backlog.resume()
        self._runner.submit(("walls",), lambda _: _tell_of_walls())
        self._runner.every(("utilisation",), LOOK_S, lambda: self._uses.look(self.workspace.measured()))
        self._runner.every(("health",), PERIOD_S, self.workspace.health.turn)
        self._runner.every(("models",), MODELS_PERIOD_S, self.workspace.report)

    def catch_up(self, until: datetime) -> None:
        """What goes by the clock, up to a moment that it has not reached."""
        catch_up((self.endpoints.rollouts, self.components.rollouts), self._clock, until)

    def stop(self) -> None:
        """End every instance."""
        self.backlog.close()
        self.components.stop()
        self.endpoints.stop()

    def bring_up(self) -> None:
        """Bring every endpoint up again, and what they host."""
        self.endpoints.start()
        self.components.start()

    @contextmanager
    def emptied(self) -> Iterator[None]:
        """While the caller forgets the records, none is made; when this ends, everything that ran has stopped."""
        with self.components.emptied(), self.endpoints.emptied():
            yield

    def _measure(self, source: Source, values: Values, container: str, namespace: str) -> None:
        self._metrics.measure(source, values, container, namespace)


def _tell_of_walls() -> None:
    """Where instances see what the user sees, the log says so, once."""
    if why := obstacle():
        log.warning("instances, functions and jobs run without namespaces of their own: %s", why)
