"""The command line: one file per verb. The only room that prints."""

from fogbank.cli.start import main

__all__ = ["main"]
