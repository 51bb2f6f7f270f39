"""Groups of commands that guess what was meant, and `-q` behind every verb as well as before it."""

from __future__ import annotations

import difflib
from typing import Any

import click

LONGEST = 300
"""Characters of a first sentence."""


class Group(click.Group):
    """Names the commands that are near to one that is none."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's. Raises UsageError with the guess."""
        if args[0].startswith("-") or ctx.resilient_parsing or self.get_command(ctx, args[0]):
            return super().resolve_command(ctx, args)
        known = self.list_commands(ctx)
        near = difflib.get_close_matches(args[0], known, n=3)
        guess = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(known)}"
        raise click.UsageError(f"No such command {args[0]!r}; {guess}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each command with its whole first sentence."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, command.get_short_help_str(LONGEST)) for name, command in commands if command and not command.hidden
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """As click's; with `-q`."""
        command = super().get_command(ctx, cmd_name)
        return command and with_quiet(command)


def with_quiet(command: click.Command) -> click.Command:
    """The command, which takes `-q` of its own too."""
    if not any("-q" in item.opts for item in command.params):
        command.params.append(
            click.Option(["-q", "--quiet"], is_flag=True, expose_value=False, callback=_hush, help="Print no progress.")
        )
    return command


def _hush(ctx: click.Context, _: click.Parameter, value: Any) -> None:
    if value and ctx.obj is not None:
        ctx.obj.hush()
