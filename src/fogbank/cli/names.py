"""The names that a shell completes: endpoints, schedules, stacks' outputs and examples, as they are now.

In: what is typed so far; out: names that begin so. A cloud that does not run, or no project, is no name and no error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fogbank.contracts.errors import FogbankError

if TYPE_CHECKING:
    from fogbank.project.calling.naming import Kind

Completion = Callable[[click.Context, click.Parameter, str], list[str]]


def names(*kinds: Kind) -> Completion:
    """What there is of some kinds in the stack that is meant."""

    def ask(ctx: click.Context) -> Iterable[str]:
        from fogbank.project.project import Project

        project = Project()
        return [name for kind in kinds for name in project.names(kind, ctx.params.get("stack") or "")]

    return _beginning(ask)


def _stacks(_: click.Context) -> Iterable[str]:
    from fogbank.project.workplace.config import find_project

    root, _table = find_project(Path.cwd())
    return [path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in root.glob("Pulumi.*.yaml")]


def _examples(_: click.Context) -> Iterable[str]:
    from fogbank.project.scaffolding.examples import examples

    return examples()


def _outputs(ctx: click.Context) -> Iterable[str]:
    from fogbank.project.project import Project

    return Project().outputs(ctx.params.get("stack") or "")


def _beginning(ask: Callable[[click.Context], Iterable[str]]) -> Completion:
    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        with contextlib.suppress(FogbankError, OSError):
            return sorted({name for name in ask(ctx) if name.startswith(incomplete)})
        return []

    return complete


stacks, examples, outputs = _beginning(_stacks), _beginning(_examples), _beginning(_outputs)
"""Of the project's files, of fogbank's own examples, and of the stack."""
