"""The project's Pulumi stacks: which engine drives them, and which of them are the local cloud's.

In: a project and a stack's name; out: what the engine did.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import EngineError, ProjectError
from fogbank.contracts.names import OWN_CREDENTIALS, is_local_stack, stack_prefix, unreached
from fogbank.project.account.account import AccountClients, AccountSettings, refuse_local_shell
from fogbank.project.calling.clients import Clients
from fogbank.project.local.cloud import ProjectCloud
from fogbank.project.workplace.config import BUDGET, POLICY
from fogbank.project.workplace.events import Step, Steps
from fogbank.project.workplace.installation import engine_recipes

if TYPE_CHECKING:
    from fogbank.cloud.client import Address
    from fogbank.engine.environment import Variables
    from fogbank.engine.locate import Engine
    from fogbank.engine.operations import Summary
    from fogbank.engine.stack import StackDriver
    from fogbank.engine.updates import Update

ENDPOINTS = "aws:endpoints"


def is_local(config: ProjectConfig, stack: str) -> bool:
    """Whether a stack is the local cloud's: each endpoint that its file sets is on this machine. Raises ProjectError.

    Where the file sets none, the name says it: `local` is, and the stand-in refuses it if the program means AWS after all.
    """
    return is_local_stack(stack, list(endpoint_urls(_stack_file(config.root / f"Pulumi.{stack}.yaml"))))


def account_settings(config: ProjectConfig, stack: str) -> AccountSettings:
    """How a stack on AWS reaches it, as its file says. Raises ProjectError, `stack-credentials` for those that only pulumi-aws would use."""
    values = stack_values(config, stack)
    if given := unreached(values):
        raise ProjectError("stack-credentials", f"the stack {stack} sets {', '.join(given)}", OWN_CREDENTIALS)
    return AccountSettings.of(values, dict(endpoints({"config": values})))


def stack_values(config: ProjectConfig, stack: str) -> dict[str, Any]:
    """A stack's configuration as its file has it. Raises ProjectError."""
    document = _stack_file(config.root / f"Pulumi.{stack}.yaml")
    values = document.get("config") if isinstance(document, dict) else None
    return dict(values) if isinstance(values, dict) else {}


def has_limits(config: ProjectConfig, stack: str) -> bool:
    """Whether a stack's configuration sets a budget or a policy."""
    return not stack_values(config, stack).keys().isdisjoint({BUDGET, POLICY})


def endpoint_urls(document: Any) -> Iterator[str]:
    """The endpoints in a stack file's document; one that is no text (a secret, say) is an empty string. Pure.

    >>> list(endpoint_urls({"config": {"aws:endpoints": [{"s3": "http://127.0.0.1:4566"}]}}))
    ['http://127.0.0.1:4566']
    """
    return (url for _, url in endpoints(document))


def endpoints(document: Any) -> Iterator[tuple[str, str]]:
    """The endpoints in a stack file's document, by pulumi-aws's name of the service. Pure."""
    config = document.get("config") if isinstance(document, dict) else None
    groups = config.get(ENDPOINTS) if isinstance(config, dict) else None
    if isinstance(groups, str):  # `pulumi config set` without --path takes the whole list as JSON
        with contextlib.suppress(ValueError):
            groups = json.loads(groups)
    for group in groups if isinstance(groups, list) else [groups] if groups else []:
        for service, url in group.items() if isinstance(group, dict) else [("", group)]:
            yield str(service), url if isinstance(url, str) else ""


def _stack_file(file: Path) -> Any:
    import yaml

    try:
        return _document(file, file.stat().st_mtime_ns)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ProjectError("stack-file-unreadable", f"{file} cannot be read: {error}", "mend that file") from error


@lru_cache(maxsize=8)
def _document(file: Path, _: int) -> Any:
    """A file's document, read once as long as it is what it was: whether a stack is local is asked at every step."""
    import yaml

    return yaml.safe_load(file.read_text(encoding="utf-8"))


def find_engine(progress: Callable[[str], None], *, fetch: bool = True) -> Engine:
    """The Pulumi engine. Raises EngineError."""
    from fogbank.engine.locate import find

    return find(os.environ, engine_recipes(), progress, fetch=fetch)


class ProjectStacks:
    """A project's stacks. Those of the local cloud need it to run."""

    def __init__(self, config: ProjectConfig, cloud: ProjectCloud, steps: Steps) -> None:
        self._config = config
        self._cloud = cloud
        self._steps = steps

    def up(self, stack: str, message: str = "") -> Summary:
        """Create and update; `message` goes into the stack's history. Raises CloudError, EngineError."""
        return self._drive("up", stack, lambda driver: driver.up(self._steps.listener, message))

    def history(self, stack: str) -> tuple[Update, ...]:
        """Every operation on the stack, newest first. Raises CloudError, EngineError."""
        with self._steps(f"history {stack}") as step:
            return self._driver(stack, step).history()

    def bucket(self, stack: str) -> str:
        """The bucket of the stack's ModelService; empty where there is none. Raises CloudError, EngineError."""
        with self._steps(f"bucket {stack}") as step:
            return self._driver(stack, step).bucket()

    def preview(self, stack: str, *, expect_no_changes: bool) -> Summary:
        """What `up` would do. Raises CloudError, EngineError, also for changes where none are expected."""
        return self._drive(
            "preview",
            stack,
            lambda driver: driver.preview(self._steps.listener, expect_no_changes=expect_no_changes),
        )

    def refresh(self, stack: str) -> Summary:
        """Make the state what the cloud says. Raises CloudError, EngineError."""
        return self._drive("refresh", stack, lambda driver: driver.refresh(self._steps.listener))

    def cancel(self, stack: str) -> str:
        """End what is under way; what was done, in a few words. Raises CloudError, EngineError."""
        with self._steps(f"cancel {stack}") as step:
            step.done(self._driver(stack, step).cancel())
        return step.outcome

    def destroy(self, stack: str) -> Summary:
        """Delete every resource, then the stack. Raises CloudError, EngineError."""
        return self._drive("destroy", stack, lambda driver: driver.destroy(self._steps.listener))

    def outputs(self, stack: str) -> dict[str, Any]:
        """The stack's outputs; secret ones as `[secret]`. A local stack's state says them, without an engine. Raises CloudError, EngineError."""
        from fogbank.engine.environment import backend_url, state_file
        from fogbank.engine.state import outputs_in

        own = os.environ.get("PULUMI_BACKEND_URL") in {None, "", backend_url(self._config.pulumi)}
        file = state_file(self._config.pulumi, stack) if own and self.is_local(stack) else None
        known = outputs_in(file) if file else None
        if known is not None:
            return known
        with self._steps(f"outputs {stack}") as step:
            return self._driver(stack, step).outputs()

    def environment(self, stack: str) -> Variables:
        """The environment in which plain `pulumi`, and boto3 and the AWS CLI too, work on a stack; what is None is to be unset.

        Raises CloudError, EngineError, ProjectError.
        """
        from fogbank.engine.environment import link_environment

        link_environment(self._config.root)
        address = self._cloud.address() if self.is_local(stack) else None
        with self._steps("engine") as step:
            engine = find_engine(step.progress)
            step.done(f"Pulumi {engine.version}")
        return self._variables(stack, engine, address)

    def is_local(self, stack: str) -> bool:
        """Whether it is the local cloud's. Raises ProjectError."""
        return is_local(self._config, stack)

    def clients(self, stack: str) -> Clients:
        """boto3 on the local cloud, or on the stack's account. Raises ProjectError (`shell-is-local`)."""
        if self.is_local(stack):
            return self._cloud.client
        refuse_local_shell(os.environ, stack)
        return AccountClients(account_settings(self._config, stack))

    def profile(self, stack: str) -> str:
        """The profile of AWS's files that a stack names; empty where it names none, or is local. Raises ProjectError."""
        return "" if self.is_local(stack) else account_settings(self._config, stack).profile

    def prefix(self, stack: str) -> str:
        """What the names of a stack's resources begin with, as the reference program says them. Raises ProjectError."""
        return stack_prefix(self._config.name, stack, local=self.is_local(stack))

    def _drive(self, verb: str, stack: str, operate: Callable[[StackDriver], Summary]) -> Summary:
        with self._steps(f"{verb} {stack}") as step:
            summary = operate(self._driver(stack, step))
            step.done(summary.words)
        return summary

    def _driver(self, stack: str, step: Step) -> StackDriver:
        """The engine over a stack; that its cloud is missing is said before an engine is fetched."""
        from fogbank.engine.previews import Previews
        from fogbank.engine.stack import StackDriver

        address = self._cloud.address() if self.is_local(stack) else None
        engine = find_engine(step.progress)
        previews = Previews(self._config.root, self._config.pulumi / "previewed") if address else None
        return StackDriver(self._config.root, engine, self._variables(stack, engine, address), stack, previews=previews)

    def _variables(self, stack: str, engine: Engine, address: Address | None) -> Variables:
        """A local stack's, or those of one on AWS, which is the user's own. Raises EngineError (`state-in-project`)."""
        from fogbank.engine.environment import account_environment, stack_environment, state_file

        if address is not None:
            return stack_environment(
                self._config.pulumi, engine, address.url, address.provider_port, self._cloud.secret()
            )
        if file := state_file(self._config.pulumi, stack):
            raise EngineError(
                "state-in-project",
                f"the state of the stack {stack}, which is on AWS, lies in {file}, where earlier versions kept it",
                f"`pulumi login`, `pulumi stack init {stack}`, `pulumi stack import -s {stack} --file {file}`, then move that file away",
            )
        return account_environment(self._config.pulumi, engine, os.environ)
