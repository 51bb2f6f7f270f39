"""The change log: one file a change in `changes/`, collected into CHANGELOG.md at a release.

In: `changes/<room>-<topic>.md`, each one bullet in plain words for users. Out: `collect.py` prints what the next release says;
`collect.py 0.2.0` writes it into CHANGELOG.md under that version and today's date, and removes the files.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
UNRELEASED = "## Unreleased"
NAME = re.compile(r"[a-z]+-[a-z0-9]+(-[a-z0-9]+)*\.md")
VERSION = re.compile(r"\d+\.\d+\.\d+([ab]\d+|rc\d+)?")
LONGEST_LINE = 160


def problems(name: str, text: str) -> list[str]:
    """What is wrong with a fragment; nothing where it is well formed."""
    lines = text.splitlines()
    wrong = []
    if not NAME.fullmatch(name):
        wrong.append("the name is not <room>-<topic>.md")
    if not text.startswith("- ") or len(text.strip()) < 10:
        wrong.append("it does not begin with a bullet, `- ` and a sentence")
    if any(not line.startswith("  ") for line in lines[1:]):
        wrong.append("it is more than one bullet: what follows the first line is indented by two spaces")
    if not text.endswith("\n") or any(line != line.rstrip() for line in lines):
        wrong.append("it does not end with a newline, or a line ends with a space")
    if any(len(line) > LONGEST_LINE for line in lines):
        wrong.append(f"a line is longer than {LONGEST_LINE} characters")
    return [f"changes/{name}: {problem}" for problem in wrong]


def fragments(folder: Path) -> dict[str, str]:
    """Name to text of every fragment, sorted: those of a room stand together. Raises ValueError for one that is not well formed."""
    texts = {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.name != "README.md"}
    wrong = [problem for name, text in texts.items() for problem in problems(name, text)]
    if wrong:
        raise ValueError("\n".join(wrong))
    return texts


def released(changelog: str, texts: Mapping[str, str], version: str, day: str) -> str:
    """The change log with what was unreleased, and these fragments after it, under a version and a day."""
    if not VERSION.fullmatch(version):
        raise ValueError(f"{version!r} is not a version")
    if f"## {version} " in changelog:
        raise ValueError(f"CHANGELOG.md has version {version} already")
    before, heading, rest = changelog.partition(UNRELEASED + "\n")
    if not heading:
        raise ValueError(f"CHANGELOG.md has no {UNRELEASED!r}")
    unreleased, following, older = rest.partition("\n## ")
    section = unreleased.strip("\n") + "\n" + "".join(texts.values())
    return f"{before}{UNRELEASED}\n\n## {version} - {day}\n\n{section.lstrip()}{following}{older}"


def main(arguments: list[str]) -> int:
    """Print, or release."""
    folder, changelog = ROOT / "changes", ROOT / "CHANGELOG.md"
    try:
        texts = fragments(folder)
        if not arguments:
            sys.stdout.write("".join(texts.values()))
            return 0
        [version] = arguments
        changelog.write_text(released(changelog.read_text(), texts, version, f"{datetime.now(UTC):%Y-%m-%d}"))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for name in texts:
        (folder / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
