"""`fogbank transform`: a batch transform job over one file, now."""

from __future__ import annotations

from pathlib import Path

import click

from fogbank.cli.options import stack_option
from fogbank.cli.terminal import Terminal


@click.command()
@click.argument("schedule")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write the result. Default: FILE.out")
@stack_option
@click.pass_obj
def transform(terminal: Terminal, schedule: str, file: Path, output: Path | None, stack: str) -> None:
    """Run the transform job that SCHEDULE (`nightly` means <project>-nightly) starts, over FILE, and fetch its output."""
    from fogbank.project.invoke import read_input
    from fogbank.project.project import Project

    result = Project(events=terminal.show).transform(schedule, read_input(file), name=file.name, stack=stack)
    target = output or file.with_name(file.name + ".out")
    target.write_bytes(result.outputs[file.name + ".out"])
    terminal.result(str(target))
