"""Where functions, rules and what waits for its moment are put together, and hear of what moto answers.

In: the cloud's ground, moto, its clients; out: three doors (Lambda's calls, EventBridge's refusals of rules and of events), a source of what
rules make due, and the ends of what schedules and rules have begun.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fogbank.cloud.api.resource import Ground
from fogbank.cloud.functions.events import Events
from fogbank.cloud.functions.invocations import Invocations
from fogbank.cloud.functions.logs import Logs
from fogbank.cloud.functions.mappings import Mappings
from fogbank.cloud.functions.pool import Pool
from fogbank.cloud.functions.room import FunctionsRoom
from fogbank.cloud.functions.topics import published
from fogbank.cloud.ground.roles import Grants
from fogbank.cloud.hosting.environment import Environments
from fogbank.cloud.jobs.job import Jobs
from fogbank.cloud.moto import functions, rules
from fogbank.cloud.moto.gateway import MotoGateway
from fogbank.cloud.time.deliveries import Deliveries
from fogbank.cloud.time.entries import Entries
from fogbank.cloud.time.later import Later
from fogbank.cloud.time.rules import Rules
from fogbank.cloud.time.targets import Outcome

SWEEP_S, LOOK_S = 30.0, 1.0


@dataclass(frozen=True, kw_only=True)
class FunctionSettings:
    """`folder` is what functions work in; `grant` is what their roles get credentials with; `permitted` says whether a target's own policy lets
    a rule send to it, by the ARNs of both."""

    folder: Path
    environments: Environments
    grant: Grants
    permitted: Callable[[str, str], bool]


class EventRooms:
    """Functions and rules of one cloud; `client` makes boto3 clients of the cloud itself, `count` takes rules that had an event."""

    def __init__(
        self,
        ground: Ground,
        moto: MotoGateway,
        client: Callable[[str, str], Any],
        settings: FunctionSettings,
        count: Callable[[str, str], object],
    ) -> None:
        self.later = Later(ground.store, ground.clock, ground.runner)
        self.logs = Logs(client)
        self._runner = ground.runner
        self._pool = Pool(settings.folder, settings.environments, settings.grant)
        self.invocations = invocations = Invocations(self._pool, self.logs)
        self._events = Events(invocations, self.later, ground.clock, client)
        self._mappings = Mappings(invocations, ground.runner, client)
        self.functions = FunctionsRoom(invocations, self._events)
        self.outcomes: dict[str, Outcome] = {"Invoke": self._answered}
        self.rules = Rules(
            ground.store, ground.clock, Deliveries(client, self.outcomes, self.later, settings.permitted), count
        )
        self.entries = Entries(moto.handle)
        functions.install(self._events.take, moto.replaying)
        rules.install(lambda: moto.sends_events)
        moto.listeners += [published(self._events), self.rules.listen]

    def know(self, *kinds: Jobs[Any]) -> None:
        """Kinds of jobs whose ends are waited for where the clock is moved."""
        self.outcomes |= {f"Create{jobs.kind.stem}": _ended(jobs) for jobs in kinds}

    def start(self) -> None:
        """Do what waits, and look after queues and idle processes, from now on."""
        self.later.start()
        self._runner.every(("mappings",), LOOK_S, self._mappings.turn)
        self._runner.every(("functions",), SWEEP_S, self._pool.sweep)

    def clear(self) -> None:
        """Remove what an earlier process has left."""
        self._pool.clear()

    def close(self) -> None:
        """End every process that is idle; one that answers ends with its answer."""
        self._pool.close()

    def reset(self) -> None:
        """The functions are gone."""
        self._pool.reset()

    def write(self, region: str, group: str, stream: str, text: str) -> None:
        """A text into CloudWatch Logs, a line an event."""
        self.logs.append(region, group, stream, text.splitlines())

    def _answered(self, region: str, _: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
        return self._events.outcome(region, answer["ResponseMetadata"]["RequestId"])


def _ended(jobs: Jobs[Any]) -> Outcome:
    """What waits for a job's end, and says how it ended, in a sentence."""
    noun, kind = jobs.kind.path.replace("-", " "), jobs.kind

    def ended(region: str, request: Mapping[str, Any], _: Mapping[str, Any]) -> str:
        name = request[kind.key]
        job = jobs.wait(region, name)
        if job is None:
            return f"{noun} {name} started"
        words = job.public.get("FailureReason") or job.public.get("ExitMessage")
        status = str(job.public[kind.status or ""])
        return f"{noun} {name}: {status} ({words})" if words else f"{noun} {name}: {status}"

    return ended
