"""Where a lock says that sources are: what is named by a hash or a commit, or lies in a folder of the project's, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.dependencies import Origin
from fogbank.pack.origins import located, pylock_origins, uv_origins

HASH, COMMIT = "b" * 64, "c" * 40
ADDRESS = "https://corp.example/other-2.0.tar.gz"
FILE = {"hash": f"sha256:{HASH}"}


@pytest.mark.parametrize(
    ("package", "origin"),
    [
        ({"source": {"url": ADDRESS}, "sdist": {"url": ADDRESS, **FILE}}, Origin(kind="archive", place=ADDRESS, pinned=HASH)),
        ({"source": {"registry": "https://corp.example"}, "sdist": {"url": ADDRESS, **FILE}},
         Origin(kind="archive", place=ADDRESS, pinned=HASH)),
        ({"source": {"url": ADDRESS, "subdirectory": "b"}, "sdist": {"url": ADDRESS, **FILE}},
         Origin(kind="archive", place=ADDRESS, pinned=HASH, subdirectory="b")),
        ({"source": {"url": ADDRESS}, "sdist": FILE}, Origin(kind="archive", place=ADDRESS, pinned=HASH)),
        ({"source": {"url": ADDRESS}, "sdist": {"url": ADDRESS}}, None),
        ({"source": {"url": ADDRESS}, "sdist": {"url": ADDRESS, "hash": f"sha512:{HASH}"}}, None),
        ({"source": {"path": "libs/other.tar.gz"}, "sdist": FILE}, Origin(kind="archive", place="libs/other.tar.gz", pinned=HASH)),
        ({"source": {"path": "libs/other.whl"}, "wheels": [FILE]}, Origin(kind="archive", place="libs/other.whl", pinned=HASH)),
        ({"source": {"path": "libs/other.whl"}}, None),
        ({"source": {"registry": "../wheels"}, "sdist": {"path": "other.tar.gz", **FILE}},
         Origin(kind="archive", place="../wheels/other.tar.gz", pinned=HASH)),
        ({"source": {"editable": "libs/a"}}, Origin(kind="folder", place="libs/a")),
        ({"source": {"directory": "libs/a", "subdirectory": "b"}}, Origin(kind="folder", place="libs/a", subdirectory="b")),
        ({"source": {"virtual": "libs/a"}}, None),
        ({"source": {"git": f"ssh://git@host.example/me/a.git?rev=main&subdirectory=x%2Fy#{COMMIT}"}},
         Origin(kind="git", place="ssh://git@host.example/me/a.git", pinned=COMMIT, subdirectory="x/y")),
        ({"source": {"git": "https://host.example/me/a.git?rev=main#main"}}, None),
        ({"source": {"git": "https://host.example/me/a.git"}}, None),
    ],
)  # fmt: skip
def test_what_a_uv_lock_names(package: dict[str, Any], origin: Origin | None) -> None:
    assert uv_origins(package, package["source"]) == ((origin,) if origin else ())


@pytest.mark.parametrize(
    ("package", "origin"),
    [
        ({"vcs": {"type": "git", "url": "https://host.example/a", "commit-id": COMMIT}},
         Origin(kind="git", place="https://host.example/a", pinned=COMMIT)),
        ({"vcs": {"type": "hg", "url": "https://host.example/a", "commit-id": COMMIT}}, None),
        ({"vcs": {"type": "git", "url": "https://host.example/a", "commit-id": "main"}}, None),
        ({"directory": {"path": "libs/a", "subdirectory": "b"}}, Origin(kind="folder", place="libs/a", subdirectory="b")),
        ({"archive": {"url": ADDRESS, "hashes": {"sha256": HASH}}}, Origin(kind="archive", place=ADDRESS, pinned=HASH)),
        ({"archive": {"url": ADDRESS, "hashes": {"md5": HASH}}}, None),
        ({"sdist": {"url": ADDRESS, "hashes": {"sha256": HASH}}}, Origin(kind="archive", place=ADDRESS, pinned=HASH)),
        ({"wheels": [{"url": "https://corp.example/a.whl", "hashes": {"sha256": HASH}}]}, None),
        ({"wheels": [{"path": "a.whl", "hashes": {"sha256": HASH}}]}, Origin(kind="archive", place="a.whl", pinned=HASH)),
    ],
)  # fmt: skip
def test_what_a_pylock_names(package: dict[str, Any], origin: Origin | None) -> None:
    assert pylock_origins(package) == ((origin,) if origin else ())


def test_a_path_leads_from_the_lock_and_never_to_the_project_itself(tmp_path: Path) -> None:
    folder = Origin(kind="folder", place="libs/a")

    assert located([folder], tmp_path) == (Origin(kind="folder", place=str((tmp_path / "libs" / "a").resolve())),)
    assert located([folder], None) == (), "a lock that was made of requirements lies in no folder"
    for place in (".", "..", str(tmp_path)):
        assert located([Origin(kind="folder", place=place)], tmp_path) == ()
    repository = Origin(kind="git", place="https://host.example/a", pinned=COMMIT)
    assert located([repository], None) == (repository,)
