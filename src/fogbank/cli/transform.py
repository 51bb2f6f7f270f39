"""`fogbank transform`: a batch transform job over one file, now, or what it would write by an engine on this machine or a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fogbank.cli.names import names
from fogbank.cli.options import stack_option
from fogbank.cli.terminal import Terminal

if TYPE_CHECKING:
    from fogbank.project.calling.engines import EngineName


@click.command()
@click.argument("schedule", shell_complete=names("batch schedule"))
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "--out",
    type=click.Path(path_type=Path),
    help="Where to write the result. Default: FILE.out, beside FILE.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "spark", "ray"]),
    help="Score the package that is here on this machine's cores, on Spark or on Ray, and start no job. The same bytes.",
)
@stack_option
@click.pass_obj
def transform(
    terminal: Terminal, schedule: str, file: Path, output: Path | None, engine: EngineName | None, stack: str
) -> None:
    """Run the transform job that SCHEDULE (`nightly` means <project>-nightly) starts, over FILE, and fetch its output."""
    from fogbank.project.calling.invoke import read_input
    from fogbank.project.project import Project

    project, target = Project(events=terminal.show), output or file.with_name(file.name + ".out")
    if engine is None:
        result = project.transform(schedule, read_input(file), name=file.name, stack=stack)
        target.write_bytes(result.outputs[file.name + ".out"])
    else:
        project.transform_file(schedule, file, target, engine=engine, stack=stack)
    if output is None:
        terminal.note(f"written beside {file.name}; -o FILE writes it elsewhere")
    terminal.result(str(target))
