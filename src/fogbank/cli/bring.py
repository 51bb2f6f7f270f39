"""`fogbank bring`: the next version of a model that was trained elsewhere, in place of the one that the project has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from fogbank.cli.asking import confirmed, trusted
from fogbank.cli.terminal import Terminal


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--sample", type=click.Path(path_type=Path), help="A new CSV of rows; without one, the baseline's are asked again."
)
@click.option("--trust", is_flag=True, help="Load the file though it is a pickle, which can run any code.")
@click.option("--yes", is_flag=True, help="Do not ask, also where requests or answers are other ones.")
@click.pass_obj
def bring(terminal: Terminal, model: Path, sample: Path | None, trust: bool, yes: bool) -> None:
    """Put the next version of the project's model, the file or folder MODEL, in the former one's place.

    For projects that `fogbank new --from` wrote. It is looked into without loading it, and loaded with --trust or after a yes; the baseline is
    made with its predictions, the versions that it needs go into requirements.txt. Where it takes other columns, or answers otherwise, the
    differences are told, and you are asked. Your program, handler, tests and the types of your schema.json stay. The next `up` deploys it.
    """
    from fogbank.project.scaffolding.successor import bring as put
    from fogbank.project.workplace.config import load_config
    from fogbank.project.workplace.events import Steps

    def agree(differences: Sequence[str]) -> bool:
        for line in differences:
            terminal.note(f"  {line}")
        return yes or confirmed(
            "Whoever sends requests, or wrote what is replaced, may notice that. Replace the model?"
        )

    config = load_config(Path())
    if not put(config, model, sample, Steps(terminal.show), lambda look: trust or trusted(look), agree):
        raise click.Abort
    terminal.note("next: fogbank up")
    terminal.result(str(config.trained))
