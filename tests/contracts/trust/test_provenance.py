"""The provenance is an in-toto statement over every file of a package."""

from __future__ import annotations

import json
from pathlib import Path

from fogbank.contracts.manifest import Manifest
from fogbank.ground.digest import folder_digests, sha256_bytes
from fogbank.trust import statement
from tests.contracts.trust.sealed import MATERIALS, sealed


def test_the_provenance_is_an_in_toto_statement_over_every_file(manifest: Manifest) -> None:
    path = sealed(manifest, None)

    said = json.loads(path.read_bytes())
    assert (said["_type"], said["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert {item["name"] for item in said["subject"]} == {
        str(file.relative_to(manifest.folder)) for file in manifest.folder.rglob("*") if file.is_file() and file != path
    }
    uris = [item["uri"] for item in said["predicate"]["buildDefinition"]["resolvedDependencies"]]
    assert uris[0] == "git:HEAD"
    assert len(uris) == 4


def test_the_digests_of_a_folder_are_of_all_its_files_by_their_path(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two").write_bytes(b"2")
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "c").symlink_to("a")

    assert list(folder_digests(tmp_path).items()) == [
        ("a", sha256_bytes(b"1")),
        ("b/two", sha256_bytes(b"2")),
        ("c", sha256_bytes(b"1")),
    ]


def test_without_a_commit_and_materials_it_says_nothing_of_them(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")

    document = statement(tmp_path, [], {}, "0.1.0")

    assert document["predicate"]["buildDefinition"]["resolvedDependencies"] == []
    assert statement(tmp_path, MATERIALS, {}, "0.1.0") == statement(tmp_path, MATERIALS[::-1], {}, "0.1.0")
