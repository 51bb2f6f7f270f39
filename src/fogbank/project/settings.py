"""One setting of `[tool.fogbank]`, written: the file changes in one step, in that key alone, and everything else of it stays.

In: the text of a pyproject.toml, a key and its value as TOML; out: the text with it. What is written in another way is left to its writer.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from fogbank.contracts.config import TABLE
from fogbank.contracts.errors import ProjectError
from fogbank.ground.folders import write_whole

HEADER = re.compile(r"^\[tool\.fogbank\][ \t\r]*(?:#.*)?$", re.MULTILINE)
NEXT_TABLE = re.compile(r"^\[", re.MULTILINE)
VALUE = r"""(?:"[^"\n]*"|'[^'\n]*'|\[[^\[\]]*\])"""
"""A string on a line, or a list without lists in it."""
FILE = "pyproject.toml"


def with_setting(text: str, key: str, value: str) -> str:
    """The text with that key in [tool.fogbank], everything else as it was. Raises ProjectError (`pyproject-unreadable`).

    >>> with_setting('[tool.fogbank]\\nbase = "a"   # mine\\n', "base", '"b"')
    '[tool.fogbank]\\nbase = "b"   # mine\\n'
    """
    header = HEADER.search(text)
    if header is None:
        raise _unwritten(key, value)
    following = NEXT_TABLE.search(text, header.end())
    end = following.start() if following else len(text)
    line = f"{key} = {value}"
    body, found = re.compile(rf"^{key}[ \t]*=[ \t]*{VALUE}", re.MULTILINE).subn(
        lambda _: line, text[header.end() : end], count=1
    )
    changed = text[: header.end()] + (body if found else f"\n{line}{body}") + text[end:]
    if not _differs_in(text, changed, key, value):
        raise _unwritten(key, value)
    return changed


def write_setting(root: Path, key: str, value: str) -> None:
    """Write it into a project's file. Raises ProjectError."""
    place = (root / FILE).resolve()
    mode = place.stat().st_mode & 0o777
    write_whole(place, with_setting(place.read_bytes().decode(), key, value).encode())
    place.chmod(mode)


def _differs_in(text: str, changed: str, key: str, value: str) -> bool:
    """Whether a text says what the other does but for the key: a header may stand in a string, a key in quotes."""
    wanted = tomllib.loads(text)
    wanted["tool"]["fogbank"][key] = tomllib.loads(f"value = {value}")["value"]
    try:
        return tomllib.loads(changed) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _unwritten(key: str, value: str) -> ProjectError:
    return ProjectError(
        "pyproject-unreadable", f"{TABLE} is not where it is looked for", f"write it there yourself: {key} = {value}"
    )
