"""The `fogbank` command: its verbs, and how every error ends."""

from __future__ import annotations

import errno
import importlib
import sys
import traceback
from typing import NoReturn

import click

from fogbank import __version__
from fogbank.contracts.errors import FogbankError, ProjectError

VERBS = {
    "new": "new",
    "train": "train",
    "base": "base",
    "pack": "pack",
    "check": "check",
    "verify": "verify",
    "push": "push",
    "up": "stack",
    "preview": "stack",
    "refresh": "stack",
    "destroy": "stack",
    "outputs": "stack",
    "env": "env",
    "doctor": "doctor",
    "cloud": "cloud",
    "invoke": "invoke",
    "transform": "transform",
    "monitor": "monitor",
    "logs": "logs",
    "demo": "demo",
}


class Verbs(click.Group):
    """Imports a verb's file when the verb is used: `fogbank --help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a day's work."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"fogbank.cli.{VERBS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="fogbank")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress; results and errors only.")
@click.pass_context
def cli(ctx: click.Context, quiet: bool) -> None:
    """Take a trained model to a managed cloud service: on AWS, or on a local cloud that really runs it."""
    from fogbank.cli.terminal import Terminal

    ctx.obj = Terminal(quiet=quiet)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; ends the process with a documented exit code."""
    try:
        sys.exit(cli.main(arguments, prog_name="fogbank", standalone_mode=False) or 0)  # what a verb gives to ctx.exit
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except FogbankError as error:
        _refuse(error)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            _bug(error)
        _refuse(
            ProjectError(
                "disk-full",
                f"there is no room left: {error}",
                "make room, then run it again: nothing half-written is used",
            )
        )
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug ends in its traceback and a name
        _bug(error)


def _refuse(error: FogbankError) -> NoReturn:
    from fogbank.cli.terminal import Terminal

    Terminal().error(error)
    sys.exit(error.exit_code)


def _bug(error: Exception) -> NoReturn:
    traceback.print_exc()
    cause = f"this is a bug in fogbank: {error!r}"
    _refuse(FogbankError("internal", cause, "please report it with the lines above"))
