"""When a service says that what a call names is not there, and when it says something else."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from fogbank.provider.calls import is_gone


@pytest.mark.parametrize(
    ("code", "said", "gone"),
    [
        (
            "ValidationException",
            "Cannot find resource policy for: arn:aws:sagemaker:us-east-1:1:model-package-group/g",
            True,
        ),
        ("ValidationException", "Could not find endpoint", True),
        ("ValidationException", "Model package group g does not exist.", True),
        ("ValidationException", "Cannot find S3 object: s3://bucket/model.tar.gz", False),
        ("AccessDeniedException", "Cannot find resource policy for: g", False),
        ("ResourceNotFound", "", True),
    ],
)
def test_a_refresh_drops_what_is_gone_alone(code: str, said: str, gone: bool) -> None:
    assert is_gone(ClientError({"Error": {"Code": code, "Message": said}}, "Describe")) is gone
