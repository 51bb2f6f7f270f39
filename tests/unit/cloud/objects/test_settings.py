"""What a bucket is set to is said in S3's words, before moto takes any."""

from __future__ import annotations

import pytest

from tests.unit.cloud.objects.conftest import Room


@pytest.mark.parametrize(
    ("query", "body", "refused"),
    [
        ("versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>", b""),
        (
            "versioning",
            "<VersioningConfiguration><Status>Bogus</Status></VersioningConfiguration>",
            b"<Code>MalformedXML",
        ),
        ("versioning", "<VersioningConfiguration/>", b"<Code>IllegalVersioningConfigurationException"),
        ("versioning", "Enabled", b"<Code>MalformedXML"),
        ("encryption", "aws:kms", b""),
        ("encryption", "AES", b"<Code>MalformedXML"),
    ],
)
def test_settings_are_of_s3s_words(room: Room, query: str, body: str, refused: bytes) -> None:
    if query == "encryption":
        default = f"<ApplyServerSideEncryptionByDefault><SSEAlgorithm>{body}</SSEAlgorithm></ApplyServerSideEncryptionByDefault>"
        body = f"<ServerSideEncryptionConfiguration><Rule>{default}</Rule></ServerSideEncryptionConfiguration>"
    answer = room.ask("PUT", "", body.encode(), query=query)
    assert (answer.status, refused in answer.body) == (400 if refused else 204, True)
