"""Which package was fetched, or is an earlier deployment's, and was not packed here: until the project is trained or packed again, a fetched
one is what is deployed, and either has the image that it came with.

In: a project; out: whether its package is the one that `fogbank fetch`, or `fogbank rollback`, put there.
"""

from __future__ import annotations

import json

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import OUTER_NAME
from fogbank.ground.digest import canonical_json, sha256_file
from fogbank.ground.folders import write_whole

RECORD, BACK = "fetched.json", "rolled-back.json"


def remember(config: ProjectConfig, reference: str, manifest_sha256: str) -> None:
    """A package with that manifest.json, out of that place, is about to be put in the project's folder."""
    record = {"reference": reference, "manifest_sha256": manifest_sha256}
    write_whole(config.state / RECORD, canonical_json(record))


def forget(config: ProjectConfig) -> None:
    """The project's package is its own again."""
    for name in (RECORD, BACK):
        (config.state / name).unlink(missing_ok=True)


def go_back(config: ProjectConfig) -> None:
    """The project's package is an earlier deployment's."""
    forget(config)
    write_whole(config.state / BACK, sha256_file(config.package / OUTER_NAME).encode())


def is_back(config: ProjectConfig) -> bool:
    """Whether the package is an earlier deployment's."""
    try:
        return (config.state / BACK).read_text() == sha256_file(config.package / OUTER_NAME)
    except OSError:
        return False


def is_fetched(config: ProjectConfig) -> bool:
    """Whether the package is a fetched one. Raises PackageError (`fetch-unfinished`) where another is there: nobody said which is meant."""
    file, there = config.state / RECORD, config.package / OUTER_NAME
    try:
        record = json.loads(file.read_bytes())
        reference, wanted = str(record["reference"]), str(record["manifest_sha256"])
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, TypeError):
        reference, wanted = "what was fetched", ""
    if there.is_file() and sha256_file(there) == wanted:
        return True
    raise PackageError(
        "fetch-unfinished",
        f"{reference} was being fetched, and is not what lies in {config.package}",
        "run `fogbank fetch` again; or `fogbank pack`, for a package of this project's own",
    )
