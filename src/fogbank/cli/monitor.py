"""`fogbank monitor`: run a monitoring schedule now, and show what its last execution found."""

from __future__ import annotations

from typing import Any

import click

from fogbank.cli.prepare import here
from fogbank.cli.terminal import Terminal
from fogbank.cloud.client import CloudClient
from fogbank.contracts.errors import VIOLATIONS_FOUND, DataError
from fogbank.project.service import Service

json_option = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")


@click.group()
def monitor() -> None:
    """Monitoring schedules: run one now, or show the last verdict."""


@monitor.command()
@click.argument("schedule")
@json_option
@click.pass_context
def run(ctx: click.Context, schedule: str, as_json: bool) -> None:
    """An execution of SCHEDULE now, over what was captured since the last one. Exit code 8 when there are violations."""
    terminal: Terminal = ctx.obj
    config = here()
    service = Service(config)
    with terminal.step(f"monitor {schedule}") as step:
        CloudClient(config.cloud).call("run-monitor", name=service.full_name(schedule))
        execution = service.last_execution(schedule)
        step.done(execution["MonitoringExecutionStatus"])
    ctx.exit(_show(terminal, service, execution, as_json=as_json))


@monitor.command()
@click.argument("schedule")
@json_option
@click.pass_context
def show(ctx: click.Context, schedule: str, as_json: bool) -> None:
    """The last execution of SCHEDULE. Exit code 8 when it found violations."""
    service = Service(here())
    ctx.exit(_show(ctx.obj, service, service.last_execution(schedule), as_json=as_json))


def _show(terminal: Terminal, service: Service, execution: dict[str, Any], *, as_json: bool) -> int:
    status = execution["MonitoringExecutionStatus"]
    if status == "Failed":
        reason = execution.get("FailureReason", "no reason was given")
        raise DataError(
            "monitor-failed",
            f"the execution failed: {reason}",
            "send traffic to the endpoint first" if "no data" in reason else "see `fogbank cloud logs`",
        )
    violations = service.violations(execution)
    if as_json:
        terminal.document({"status": status, "scheduled": execution["ScheduledTime"], "violations": violations})
    else:
        terminal.result(f"{status}: {len(violations)} violation(s)")
        for item in violations:
            terminal.result(
                f"  {item['feature_name']:<28} {item['constraint_check_type']:<24} {item['description'].strip()}"
            )
    return VIOLATIONS_FOUND if violations else 0
