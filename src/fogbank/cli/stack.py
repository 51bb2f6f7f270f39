"""`fogbank up | preview | refresh | destroy | outputs`: the Pulumi engine over the project's stack."""

from __future__ import annotations

import click

from fogbank.cli.prepare import here, prepare
from fogbank.cli.terminal import Step as Progress
from fogbank.cli.terminal import Terminal
from fogbank.contracts.config import ProjectConfig
from fogbank.engine.stack import Listen, StackDriver, Step, Summary
from fogbank.project.cloud import cloud_address
from fogbank.project.stack import LOCAL, driver, find_engine, is_local

OPS = {
    "create": "creating",
    "update": "updating",
    "replace": "replacing",
    "create-replacement": "replacing",
    "delete": "deleting",
    "delete-replaced": "deleting old",
    "read": "reading",
    "refresh": "refreshing",
}
stack_option = click.option(
    "-s", "--stack", help="The Pulumi stack. Default: `stack` in [tool.fogbank], which is `local` unless set."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.command()
@stack_option
@click.option("--packed", is_flag=True, help="Deploy the package that is there, byte for byte: train and pack nothing.")
@click.option("--no-check", is_flag=True, help="Deploy without rehearsing the package first (`fogbank check`).")
@json_option
@click.pass_obj
def up(terminal: Terminal, stack: str | None, packed: bool, no_check: bool, as_json: bool) -> None:
    """Train, pack and check what has changed, start the local cloud, and create or update the stack's resources."""
    config, name = _chosen(stack)
    prepare(config, name, terminal, packed=packed, check=not no_check)
    with terminal.step(f"up {name}") as step:
        summary = _driver(config, name, step).up(tell(step))
        step.done(told(summary))
    if as_json:
        terminal.document({"changes": dict(summary.changes), "outputs": dict(summary.outputs)})
        return
    for key, value in summary.outputs.items():
        if key != "transform_job":
            terminal.result(f"{key:<16} {value}")


@click.command()
@stack_option
@click.option("--expect-no-changes", is_flag=True, help="Fail if anything would change.")
@json_option
@click.pass_obj
def preview(terminal: Terminal, stack: str | None, expect_no_changes: bool, as_json: bool) -> None:
    """Show what `up` would do."""
    config, name = _chosen(stack)
    prepare(config, name, terminal)
    seen: list[Step] = []
    with terminal.step(f"preview {name}") as step:
        chosen = _driver(config, name, step)
        summary = chosen.preview(seen.append, expect_no_changes=expect_no_changes)
        step.done(told(summary))
    if as_json:
        terminal.document({"changes": dict(summary.changes)})
        return
    for item in {(s.op, s.kind, s.name): s for s in seen if s.op != "same"}.values():
        terminal.result(f"{item.op:<20} {item.kind:<64} {item.name}")


@click.command()
@stack_option
@click.pass_obj
def refresh(terminal: Terminal, stack: str | None) -> None:
    """Make the stack's state what the cloud says."""
    config, name = _chosen(stack)
    with terminal.step(f"refresh {name}") as step:
        step.done(told(_driver(config, name, step).refresh(tell(step))))


@click.command()
@stack_option
@click.option("--yes", is_flag=True, help="Do not ask, also for a stack that is not local.")
@click.pass_obj
def destroy(terminal: Terminal, stack: str | None, yes: bool) -> None:
    """Delete every resource of the stack, and the stack."""
    config, name = _chosen(stack)
    if not is_local(config, name) and not yes:
        click.confirm(f"Delete every resource of the stack {name!r} on AWS?", abort=True)
    with terminal.step(f"destroy {name}") as step:
        step.done(told(_driver(config, name, step).destroy(tell(step))))


@click.command()
@stack_option
@click.argument("name", required=False)
@click.pass_obj
def outputs(terminal: Terminal, stack: str | None, name: str | None) -> None:
    """The stack's outputs as JSON, or one of them."""
    config, chosen = _chosen(stack)
    with terminal.step(f"outputs {chosen}") as step:
        found = _driver(config, chosen, step).outputs()
    if name is None:
        terminal.document(found)
    elif name in found:
        terminal.result(str(found[name]))
    else:
        raise click.BadParameter(f"no output {name!r}; there are {', '.join(found) or 'none'}", param_hint="NAME")


def tell(step: Progress) -> Listen:
    """Resource operations as a step's progress."""

    def listen(item: Step) -> None:
        if item.op in OPS and not item.done:
            step.tell(f"{OPS[item.op]} {item.name}")

    return listen


def told(summary: Summary) -> str:
    """A summary in a few words.

    >>> told(Summary(changes={"create": 2, "same": 3}))
    '2 create, 3 same'
    """
    return ", ".join(f"{count} {op}" for op, count in sorted(summary.changes.items())) or "nothing to do"


def _chosen(stack: str | None) -> tuple[ProjectConfig, str]:
    config = here()
    return config, stack or config.stack or LOCAL


def _driver(config: ProjectConfig, stack: str, step: Progress) -> StackDriver:
    if is_local(config, stack):
        cloud_address(config)
    return driver(config, find_engine(step.tell), stack)
