"""SNS as those see it who only publish: what was published lies in a list."""

from __future__ import annotations

from botocore.exceptions import ClientError


class Topics:
    """(topic, message) of all that was published; `gone` topics are not there."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str]] = []
        self.gone: set[str] = set()

    def publish(self, *, TopicArn: str, Message: str) -> None:  # noqa: N803 - boto3's names
        if TopicArn in self.gone:
            raise ClientError({"Error": {"Code": "NotFound", "Message": "Topic does not exist"}}, "Publish")
        self.published.append((TopicArn, Message))
