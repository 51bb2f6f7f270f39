"""What a person gives to be sent: files, standard input, or the rows themselves."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from fogbank.contracts.errors import DataError
from fogbank.project.calling.invoke import begins_as, request_of


@pytest.mark.parametrize(
    ("data", "body", "kind"),
    [
        ("[[1, 2]]", b"[[1, 2]]", "application/json"),
        (' {"age": 3}', b' {"age": 3}', "application/json"),
        ("1,2", b"1,2\n", "text/csv"),
        ("42", b"42\n", "text/csv"),
        ("what a joy", b"what a joy\n", "text/csv"),
        ('"what a joy"', b'"what a joy"', "application/json"),
        ("age,city\n3,Rome\n", b"age,city\n3,Rome\n", "text/csv"),
        ("x," * 5000, b"x," * 5000 + b"\n", "text/csv"),
    ],
)
def test_rows_themselves(data: str, body: bytes, kind: str) -> None:
    request = request_of(data, io.BytesIO())
    assert (request.body, request.content_type) == (body, kind)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"1,2\n", "text/csv"),
        (b'\n[{"a": 1}]', "application/json"),
        (b'\xef\xbb\xbf{"a": 1}', "application/json"),
        (b'{"a": 1}\n{"a": 2}\n', "application/jsonlines"),
        (b"[1, 2]\n[3, 4]", "application/jsonlines"),
        (b"[not json", "application/json"),
        (b"\x93NUMPY\x01", "application/x-npy"),
        (b"", "text/csv"),
    ],
)
def test_standard_input_is_what_it_begins_as(body: bytes, kind: str) -> None:
    request = request_of("-", io.BytesIO(body))
    assert (request.body, request.content_type, begins_as(body)) == (body, kind, kind)


def test_a_file_is_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a,b.csv"
    path.write_bytes(b"1,2\n")
    assert request_of(str(path), io.BytesIO()).body == b"1,2\n"
    for data, code in (
        (str(tmp_path / "no,ne.csv"), "input-missing"),
        ("[1, 2", "json-invalid"),
        ("README", "input-missing"),
    ):
        with pytest.raises(DataError) as caught:
            request_of(data, io.BytesIO())
        assert caught.value.code == code


@pytest.mark.parametrize("data", ["-", "[not json", "1,2", "rows.odd"])
def test_a_content_type_that_is_given_is_the_one(data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.odd").write_text("1,2\n")
    assert request_of(data, io.BytesIO(b"{}"), "text/plain").content_type == "text/plain"
