"""`fogbank transform`: a batch transform job over one file, now."""

from __future__ import annotations

from pathlib import Path

import click

from fogbank.cli.prepare import here
from fogbank.cli.terminal import Terminal
from fogbank.contracts.errors import DataError
from fogbank.project.service import Service, read_input


@click.command()
@click.argument("schedule")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write the result. Default: FILE.out")
@click.pass_obj
def transform(terminal: Terminal, schedule: str, file: Path, output: Path | None) -> None:
    """Run the transform job that SCHEDULE (`nightly` means <project>-nightly) starts, over FILE, and fetch its output."""
    body = read_input(file)
    if not body.strip():
        raise DataError("transform-no-data", f"{file} is empty: there is nothing to transform", "give a file with rows")
    with terminal.step(f"transform {schedule}") as step:
        result = Service(here()).transform(schedule, file.name, body, lambda status: setattr(step, "doing", status))
        step.done(f"job {result.job} Completed")
    target = output or file.with_name(file.name + ".out")
    target.write_bytes(result.outputs[file.name + ".out"])
    terminal.result(str(target))
