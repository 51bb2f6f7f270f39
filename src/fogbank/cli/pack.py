"""`fogbank pack`: model, handler and locked dependencies into model.tar.gz and its manifest."""

from __future__ import annotations

from dataclasses import asdict

import click

from fogbank.cli.compose import ensure_trained, here, run_pack, told_model
from fogbank.cli.terminal import Terminal


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the digests as JSON.")
@click.pass_obj
def pack(terminal: Terminal, as_json: bool) -> None:
    """Package the model, the handler and their locked dependencies. Same input, same bytes."""
    config = here()
    ensure_trained(config, terminal)
    with terminal.step("pack") as step:
        manifest = run_pack(config)
        step.done(f"{manifest.artifact} sha256 {manifest.artifact_sha256[:12]}, {told_model(manifest)}")
    if as_json:
        terminal.document(
            {
                "name": manifest.name,
                "artifact": str(manifest.artifact_path),
                "artifact_sha256": manifest.artifact_sha256,
                "package_sha256": manifest.package_sha256,
                "statistics_sha256": manifest.statistics_sha256,
                "constraints_sha256": manifest.constraints_sha256,
                "compilation": asdict(manifest.package.compilation),
                "files": manifest.package.files,
            }
        )
    else:
        terminal.result(str(manifest.artifact_path))
