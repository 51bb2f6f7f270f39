"""The command line: one file per verb. The only room that prints, and the composition root."""

from fogbank.cli.app import main

__all__ = ["main"]
