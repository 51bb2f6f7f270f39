"""`fogbank new`: a project in a folder of its own, of the reference project's shape or around a model that is there."""

from __future__ import annotations

from pathlib import Path

import click

from fogbank.cli.asking import trusted
from fogbank.cli.names import examples as examples_there
from fogbank.cli.terminal import Terminal

LIST = ""
"""What `--example` is given where no name follows it."""


@click.command()
@click.argument("name", required=False)
@click.option(
    "--from", "source", type=click.Path(path_type=Path), help="A model that was trained elsewhere: a file or a folder."
)
@click.option("--sample", type=click.Path(path_type=Path), help="With --from: a CSV of rows as the model takes them.")
@click.option("--trust", is_flag=True, help="With --from: load the file though it is a pickle, which can run any code.")
@click.option(
    "--example",
    is_flag=False,
    flag_value=LIST,
    shell_complete=examples_there,
    help="One of fogbank's examples; without a name, which there are.",
)
@click.pass_obj
def new(
    terminal: Terminal, name: str | None, source: Path | None, sample: Path | None, trust: bool, example: str | None
) -> None:
    """Write a project called NAME into a new folder of that name.

    Without --from it trains a model of its own, to be replaced by yours. With --from MODEL it is a project around that model:
    .joblib, .pkl, .skops, .onnx, .ubj, .json, .txt, .cbm, .pt2, TorchScript, .keras, a SavedModel, an MLmodel folder or a Hugging
    Face folder. With --example EXAMPLE it is one of fogbank's own, called as that is where no NAME is given.
    """
    if example is not None:
        if source is not None or sample is not None or trust:
            raise click.UsageError("--example stands alone")
        _example(terminal, example, name)
        return
    if name is None:
        raise click.UsageError("say what the project is called: fogbank new NAME")
    from fogbank.project.scaffolding.adoption import adopt
    from fogbank.project.scaffolding.scaffold import write_project
    from fogbank.project.workplace.events import Steps

    target = Path.cwd() / name
    if source is not None:
        adopt(name, source, sample, target, Steps(terminal.show), lambda look: trust or trusted(look))
    elif sample is not None or trust:
        raise click.UsageError("--sample and --trust are for --from")
    else:
        write_project(name, target)
    terminal.note(f"a project in {target}; next: cd {name} && fogbank up")
    terminal.result(str(target))


def _example(terminal: Terminal, example: str, name: str | None) -> None:
    from fogbank.project.scaffolding.examples import examples, write_example

    if example == LIST:
        known = examples()
        width = max(map(len, known))
        terminal.result("\n".join(f"{each:<{width}}  {what}" for each, what in known.items()))
        return
    name = name or example
    target = Path.cwd() / name
    write_example(example, name, target)
    terminal.note(f"a project in {target}; next: cd {name} && fogbank up")
    terminal.result(str(target))
