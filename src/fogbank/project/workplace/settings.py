"""One setting of `[tool.fogbank]`, written: the file changes in one step, in that key alone, and everything else of it stays.

In: the text of a pyproject.toml, a key and its value as TOML; out: the text with it. What is written in another way is left to its writer.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fogbank.contracts.config import TABLE
from fogbank.contracts.errors import ProjectError
from fogbank.ground.folders import write_whole

HEADER = re.compile(r"^\[tool\.fogbank\][ \t\r]*(?:#.*)?$", re.MULTILINE)
NEXT_TABLE = re.compile(r"^\[", re.MULTILINE)
STRING = r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
COMMENT = r"#[^\n]*"
VALUE = rf"""(?:{STRING}|\[(?:[^\[\]"'#]|{STRING}|{COMMENT})*\])"""
"""A string on a line, or a list without lists in it: of a bracket in a string or a comment nothing ends."""
ITEM = re.compile(rf"{COMMENT}|({STRING})")
FILE = "pyproject.toml"


def with_setting(text: str, key: str, value: str) -> str:
    """The text with that key in [tool.fogbank], everything else as it was. Raises ProjectError (`pyproject-unreadable`).

    >>> with_setting('[tool.fogbank]\\nbase = "a"   # mine\\n', "base", '"b"')
    '[tool.fogbank]\\nbase = "b"   # mine\\n'
    """
    return _written(text, key, value, lambda _: f"{key} = {value}")


def with_items(text: str, key: str, present: Sequence[str], items: Sequence[str]) -> str:
    """The text with more strings at the end of that list, whose comments stay. Raises ProjectError (`pyproject-unreadable`).

    `present` is what the list says, or where the key is not there its default, which is then written too.

    >>> print(with_items('[tool.fogbank]\\ndependencies = [\\n  "a",  # why\\n]', "dependencies", ["a"], ["b"]))
    [tool.fogbank]
    dependencies = [
      "a", "b",  # why
    ]
    """
    more = ", ".join(map(json.dumps, items))

    def extended(found: str) -> str:
        ends = [match.end() for match in ITEM.finditer(found) if match[1]]
        place = ends[-1] if ends else found.index("[") + 1
        return f"{found[:place]}{', ' if ends else ''}{more}{found[place:]}"

    return _written(text, key, json.dumps([*present, *items]), extended)


def _written(text: str, key: str, value: str, rewritten: Callable[[str], str]) -> str:
    """The text in which that key has the value: rewritten where it stands, or a line of its own; as it is, where it says so."""
    wanted = tomllib.loads(text)
    if _set(wanted, key, tomllib.loads(f"value = {value}")["value"]):
        return text
    header = HEADER.search(text)
    if header is None:
        raise _unwritten(key, value)
    following = NEXT_TABLE.search(text, header.end())
    end = following.start() if following else len(text)
    body, found = re.compile(rf"^{key}[ \t]*=[ \t]*{VALUE}", re.MULTILINE).subn(
        lambda match: rewritten(match[0]), text[header.end() : end], count=1
    )
    changed = text[: header.end()] + (body if found else f"\n{key} = {value}{body}") + text[end:]
    if not _says(changed, wanted):
        raise _unwritten(key, value)
    return changed


def write_setting(root: Path, key: str, value: str) -> None:
    """Write it into a project's file. Raises ProjectError."""
    place = (root / FILE).resolve()
    text = place.read_bytes().decode()
    if (changed := with_setting(text, key, value)) == text:
        return
    mode = place.stat().st_mode & 0o777
    write_whole(place, changed.encode())
    place.chmod(mode)


def _set(document: dict[str, Any], key: str, value: Any) -> bool:
    """Set it in the table of the file; whether it was so."""
    table = document.setdefault("tool", {}).setdefault("fogbank", {})
    same = key in table and table[key] == value
    table[key] = value
    return same


def _says(text: str, wanted: dict[str, Any]) -> bool:
    """Whether a text says that and no more: a header may stand in a string, a key in quotes."""
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _unwritten(key: str, value: str) -> ProjectError:
    return ProjectError(
        "pyproject-unreadable", f"{TABLE} is not where it is looked for", f"write it there yourself: {key} = {value}"
    )
