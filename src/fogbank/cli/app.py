"""The `fogbank` command: its verbs, and how every error ends."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import signal
import sys
import traceback
from functools import partial
from typing import NoReturn

import click

from fogbank import __version__
from fogbank.cli.groups import Group, with_quiet
from fogbank.contracts.errors import FogbankError, ProjectError

LEFT = "what was done so far stays, nothing half-written is used; the same again goes on"
VERBS = {
    "new": "new",
    "bring": "bring",
    "upgrade": "upgrade",
    "train": "train",
    "base": "base",
    "pack": "pack",
    "check": "check",
    "verify": "verify",
    "audit": "audit",
    "push": "push",
    "publish": "promotion",
    "fetch": "promotion",
    "up": "stack",
    "preview": "stack",
    "refresh": "stack",
    "cancel": "stack",
    "destroy": "stack",
    "outputs": "stack",
    "adopt": "adopt",
    "price": "price",
    "history": "history",
    "rollback": "history",
    "env": "env",
    "doctor": "doctor",
    "iam": "iam",
    "verify-account": "verify_account",
    "cloud": "cloud",
    "invoke": "invoke",
    "transform": "transform",
    "monitor": "monitor",
    "load": "load",
    "logs": "logs",
    "report": "reporting",
    "cache": "cache",
    "completion": "completion",
    "demo": "demo",
}


class Verbs(Group):
    """Imports a verb's file when the verb is used: `fogbank --help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a day's work."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"fogbank.cli.{VERBS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return with_quiet(command)


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
    _end_in_order()
    as_json = "--json" in (sys.argv[1:] if arguments is None else arguments)
    refuse, bug = partial(_refuse, as_json=as_json), partial(_bug, as_json=as_json)
    try:
        sys.exit(cli.main(arguments, prog_name="fogbank", standalone_mode=False) or 0)  # what a verb gives to ctx.exit
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        with contextlib.suppress(OSError):  # a terminal that is gone
            click.echo(f"interrupted: {LEFT}", err=True)
        sys.exit(130)
    except FogbankError as error:
        refuse(error)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        if error.errno == errno.EIO and not _listens():
            sys.exit(130)
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            bug(error)
        refuse(
            ProjectError(
                "disk-full",
                f"there is no room left: {error}",
                "make room, then run it again: nothing half-written is used",
            )
        )
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug ends in its traceback and a name
        bug(error)


def _end_in_order() -> None:
    """A polite kill and a closed terminal end as Ctrl-C does; where they are ignored (nohup), they stay ignored."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _listens() -> bool:
    """Whether there is anybody whom standard error reaches."""
    try:
        os.write(2, b"")
        return os.isatty(2)
    except OSError:
        return False


def _refuse(error: FogbankError, *, as_json: bool) -> NoReturn:
    from fogbank.cli.terminal import Terminal

    Terminal().error(error)
    if as_json:
        Terminal.document(error.document())
    sys.exit(error.exit_code)


def _bug(error: Exception, *, as_json: bool) -> NoReturn:
    traceback.print_exc()
    cause = f"this is a bug in fogbank: {error!r}"
    _refuse(FogbankError("internal", cause, "please report it with the lines above"), as_json=as_json)
