from __future__ import annotations

import pytest

from fogbank.cloud.hosting.capacity import Load, Provisioned


@pytest.mark.parametrize("load", [Load(running=0, outstanding=0), Load(running=5, outstanding=99)])
def test_what_is_provisioned_is_there_whatever_the_load(load: Load) -> None:
    assert Provisioned(3).instances(load) == 3
