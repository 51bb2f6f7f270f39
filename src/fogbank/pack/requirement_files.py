"""A requirements file as pip reads it: its encoding, and the files that it takes in (`-r`) or holds its versions to (`-c`).

In: a file; out: its text with what others say in their place. Sources: pip's "Requirements File Format", and its `auto_decode`.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

BOMS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
"""UTF-32's before UTF-16's, with which they begin."""
TAKEN_IN = re.compile(r"^\s*(?:-r|--requirement)[\s=]*(\S.*?)\s*(?:\s#.*)?$")
HELD_TO = re.compile(r"^(?:-c|--constraint)[\s=]*(\S.*)$")


def decoded(data: bytes) -> str:
    """The text of a file. Raises UnicodeDecodeError.

    >>> decoded("numpy".encode("utf-16"))
    'numpy'
    """
    mark, encoding = next(((mark, encoding) for mark, encoding in BOMS if data.startswith(mark)), (b"", "utf-8"))
    return data.removeprefix(mark).decode(encoding)


def whole_text(file: Path, above: tuple[Path, ...] = ()) -> str:
    """A file's text with that of the files that it takes in, each from where the file lies. Raises OSError, ValueError."""
    own = file.resolve()
    if own in above:
        raise ValueError(f"{file.name} takes itself in")
    lines = []
    for line in decoded(file.read_bytes()).splitlines():
        taken = TAKEN_IN.match(line)
        other = HELD_TO.match(line.strip())
        if taken:
            lines.append(whole_text(file.parent / taken[1], (*above, own)))
        elif other:
            lines.append(f"-c {(file.parent / other[1].partition(' #')[0].strip()).resolve()}")
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"
