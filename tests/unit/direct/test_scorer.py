"""A package without a server: what it answers is what a job would write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.contracts.errors import DataError, DigestError
from fogbank.direct.scorer import Packed, Scorer, loaded
from fogbank.transform.records import MiniBatch
from tests.direct_work import packed_sums, request_of


def batch(body: bytes) -> MiniBatch:
    return MiniBatch(body, 5, body.count(b"\n"), len(body))


def test_rows_are_filtered_asked_joined_and_assembled(tmp_path: Path) -> None:
    scorer = Scorer(loaded(Packed.of(packed_sums(tmp_path))), request_of("$[1:]", "$[0,-1]", join=True))

    assert scorer(batch(b'x,1,2\r\n\r\n"y,z",0.5,3\n')) == b'x,30.0\n"y,z",35.0\n'
    assert scorer(batch(b"\n\n")) == b""


def test_what_the_model_refuses_is_said_with_its_records(tmp_path: Path) -> None:
    scorer = Scorer(loaded(Packed.of(packed_sums(tmp_path))), request_of())
    for body, said in ((b"1\n", "record 5: 400: "), (b"13,1\n1,1\n", "records 5-6: 500: ")):
        with pytest.raises(DataError) as error:
            scorer(batch(body))
        assert (error.value.code, error.value.cause[: len(said)]) == ("transform-failed", said)


def test_another_archive_than_the_manifests_is_not_loaded(tmp_path: Path) -> None:
    package = replace(Packed.of(packed_sums(tmp_path)), sha256="0" * 64)

    with pytest.raises(DigestError):
        loaded(package)
