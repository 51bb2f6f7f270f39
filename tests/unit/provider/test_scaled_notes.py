"""What is noted in an endpoint's tags is read again, and nothing else there is touched."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.provider.resource import ProvisionError
from fogbank.provider.scaled_notes import Notes
from tests.unit.provider.test_scaled import Account


def large(count: int) -> list[dict[str, Any]]:
    """What is not made smaller by compression."""
    return [{"name": hashlib.sha256(bytes([number])).hexdigest()} for number in range(count)]


def test_notes_go_over_several_tags_and_are_read_in_their_order() -> None:
    account = Account()
    notes = Notes(account, "live")
    notes.keep(large(60))
    assert len(account.notes()) > 10
    assert notes.kept() == large(60)
    notes.keep([{"at": datetime(2027, 1, 2, tzinfo=UTC)}])
    assert notes.kept() == [{"at": "2027-01-02T00:00:00+00:00"}], "the longer note's end is none of it"
    notes.drop()
    assert (notes.kept(), account.tags) == ([], {"team": "fraud"})


def test_who_may_not_ask_has_noted_nothing_and_any_other_refusal_is_one() -> None:
    class Refusing(Account):
        def list_tags(self, **request: Any) -> Any:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "ListTags")

        code = "AccessDeniedException"

    account = Refusing()
    assert Notes(account, "live").kept() == []
    account.code = "ThrottlingException"
    with pytest.raises(ProvisionError, match="ThrottlingException"):
        Notes(account, "live").kept()


def test_notes_that_cannot_be_read_are_an_error_that_names_them() -> None:
    account = Account()
    account.tags["fogbank:aside:0"] = "bm9uc2Vuc2U="
    with pytest.raises(ProvisionError, match=r"tags fogbank:aside:\* of endpoint live .* delete these tags"):
        Notes(account, "live").kept()
