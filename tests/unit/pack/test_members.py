"""A member of a zip is read where it is there, and of a size that may be read."""

from __future__ import annotations

import io
import zipfile

import pytest

from fogbank.pack.members import member


def test_a_member_is_read_up_to_its_bound() -> None:
    with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        archive.writestr("schema.json", b"123456789")
        assert member(archive, "schema.json", 9) == b"123456789"
        with pytest.raises(ValueError, match=r"schema\.json has 9 bytes, and at most 8"):
            member(archive, "schema.json", 8)
        with pytest.raises(KeyError):
            member(archive, "config.json")
