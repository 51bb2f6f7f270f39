"""Manifest files, read and written."""

from __future__ import annotations

import json

import pytest

from fogbank.contracts.object_manifests import ManifestError, capture_key, capture_manifest, manifest_keys


def test_a_manifest_has_a_prefix_and_names() -> None:
    assert manifest_keys(b'[{"prefix": "s3://b/p/"}, "a.csv", "b.csv"]') == ("s3://b/p/", ["a.csv", "b.csv"])
    for broken in (b"{}", b"[]", b'["a"]', b"\xff", b"[" * 100_000):
        with pytest.raises(ManifestError, match="not a SageMaker manifest"):
            manifest_keys(broken)


def test_what_is_written_is_read() -> None:
    body = capture_manifest("b", "out/", ["out/ä.out", "out/deep/b.out"])

    assert manifest_keys(body) == ("s3://b/out/", ["ä.out", "deep/b.out"])
    assert json.loads(capture_manifest("b", "in/a.csv", ["in/a.csv"])) == [{"prefix": "s3://b/in/a.csv"}, ""]


def test_manifests_lie_by_the_hour_in_which_a_job_started() -> None:
    assert capture_key("capture/", "input", 1705692334, "x") == "capture/input/2024/01/19/19/x.json"
