"""A name that somebody else chose, as a path below a folder: the one way in which such names become paths.

In: a folder and a name (a key, an archive's member, an entry of a manifest, a digest's file); out: a path below the folder, or an
EscapeError. tests/unit/test_joins.py holds every room to it.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath


class EscapeError(ValueError):
    """A name that would lead out of its folder; the text says how."""


def inside(folder: Path, name: str) -> Path:
    """The path of a name below a folder. Raises EscapeError for one that is absolute, goes up, holds a NUL, or leads through a link.

    >>> inside(Path("/srv"), "a/b.csv")
    PosixPath('/srv/a/b.csv')
    >>> inside(Path("/srv"), "a/../../b.csv")
    Traceback (most recent call last):
    ...
    fogbank.ground.paths.EscapeError: 'a/../../b.csv' leads out of its folder
    """
    place = folder
    for part in relative_name(name).parts:
        if place != folder and place.is_symlink():
            raise EscapeError(f"{name!r} leads through the link {place.name!r}")
        place /= part
    return place


def relative_name(name: str) -> PurePosixPath:
    """A name that stays below whatever folder it is put into. Raises EscapeError."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise EscapeError(f"{name!r} leads out of its folder")
    return path


def plain_name(name: str) -> str:
    """A name that is to be one file's, in no folder. Raises EscapeError.

    >>> plain_name("six-1.17.0-py2.py3-none-any.whl")
    'six-1.17.0-py2.py3-none-any.whl'
    """
    if not name or name in {".", ".."} or "/" in name or "\0" in name:
        raise EscapeError(f"{name!r} is no file's name")
    return name
