"""`fogbank cache`: what fogbank keeps outside of projects, how large it is, and what may go."""

from __future__ import annotations

import click

from fogbank.cli.groups import Group
from fogbank.cli.options import json_option
from fogbank.cli.terminal import Terminal


@click.group(cls=Group, invoke_without_command=True)
@json_option
@click.pass_context
def cache(ctx: click.Context, as_json: bool) -> None:
    """Environments of models, bases of images and engines that are kept in fogbank's cache: show them, or prune them."""
    if ctx.invoked_subcommand is None:
        _show(ctx.obj, as_json=as_json)


@cache.command()
@json_option
@click.pass_obj
def show(terminal: Terminal, as_json: bool) -> None:
    """Show what there is: each environment with its distributions, its size and when it was last used."""
    _show(terminal, as_json=as_json)


@cache.command()
@click.option("--all", "all_", is_flag=True, help="Environments that were used a moment ago too.")
@click.option("--days", default=30, show_default=True, help="Environments that were not used for so long.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and leave it.")
@click.pass_obj
def prune(terminal: Terminal, all_: bool, days: int, dry_run: bool) -> None:
    """Remove environments of models; what is in use stays, and one that is needed again is made again."""
    from fogbank.project.workplace.caches import prune as pruned

    gone = pruned(0 if all_ else days * 86400, dry_run=dry_run)
    for item in gone:
        terminal.result(f"{'would remove' if dry_run else 'removed'} {item.path} ({item.words})")
    freed = sum(item.size for item in gone)
    terminal.result(f"{len(gone)} environment(s), {freed >> 20} MiB")


def _show(terminal: Terminal, *, as_json: bool) -> None:
    from fogbank.project.workplace.caches import kept

    items = kept()
    if as_json:
        terminal.document([item.document() for item in items])
        return
    for item in items:
        terminal.result(
            f"{item.kind:<12} {item.size >> 20:>6} MiB  {item.used:%Y-%m-%d}  {item.path}\n{'':<14}{item.words}"
        )
    terminal.result(f"{sum(item.size for item in items) >> 20} MiB in all")
