"""The AWS API wire: long polls of SQS hold no thread of the cloud's, whatever their number."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from fogbank.testing import CloudProcess

POLLS = 150
"""More than twice the threads that the cloud has for requests."""
HEAD = (
    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Type: application/x-amz-json-1.0\r\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/sqs/aws4_request, Signature=-\r\nContent-Length: %d\r\n\r\n"
)


async def poll(port: int, url: str, wait_s: int) -> dict[str, Any]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": wait_s}).encode()
    writer.write((HEAD % len(body)).encode() + body)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    answer: dict[str, Any] = json.loads(await reader.readexactly(length))
    writer.close()
    return answer


def threads(cloud: CloudProcess) -> int:
    return len(list(Path(f"/proc/{cloud.address.pid}/task").iterdir()))


@pytest.mark.on_host
def test_polls_that_wait_hold_no_threads_and_each_gets_its_message(shared_cloud: CloudProcess, unique: str) -> None:
    sqs = shared_cloud.client("sqs")
    url, other = (sqs.create_queue(QueueName=f"{unique}-{number}")["QueueUrl"] for number in range(2))

    async def run() -> list[dict[str, Any]]:
        polls = [asyncio.create_task(poll(shared_cloud.address.port, url, 20)) for _ in range(POLLS)]
        await asyncio.sleep(0)
        for number in range(20):  # other calls are answered while all of them wait
            await asyncio.to_thread(sqs.send_message, QueueUrl=other, MessageBody=str(number))
            await asyncio.to_thread(sqs.get_queue_attributes, QueueUrl=other, AttributeNames=["All"])
        assert not [task for task in polls if task.done()]
        for start in range(0, POLLS, 10):
            entries = [{"Id": str(number), "MessageBody": str(number)} for number in range(start, start + 10)]
            await asyncio.to_thread(sqs.send_message_batch, QueueUrl=url, Entries=entries)
        return await asyncio.gather(*polls)

    answers = asyncio.run(run())
    bodies = [message["Body"] for answer in answers for message in answer["Messages"]]
    assert sorted(map(int, bodies)) == list(range(POLLS))
    assert threads(shared_cloud) < POLLS


def test_a_poll_that_gets_nothing_is_answered_when_its_time_is_over(shared_cloud: CloudProcess, unique: str) -> None:
    sqs = shared_cloud.client("sqs")
    url = sqs.create_queue(QueueName=unique)["QueueUrl"]

    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=1)
    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    assert message["Body"] == "late"
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.receive_message(QueueUrl=url + "x", WaitTimeSeconds=20)


def test_a_cloud_that_stops_does_not_wait_for_polls(tmp_path: Path) -> None:
    cloud = CloudProcess(tmp_path)
    cloud.start()
    url = cloud.client("sqs").create_queue(QueueName="q")["QueueUrl"]

    async def run() -> dict[str, Any]:
        task = asyncio.create_task(poll(cloud.address.port, url, 20))
        await asyncio.sleep(0)
        await asyncio.to_thread(cloud.client("sqs").list_queues)
        await asyncio.to_thread(cloud.stop)
        return await task

    assert "Messages" not in asyncio.run(run())


def test_a_message_is_seen_again_when_the_clouds_clock_says_so(local_cloud: CloudProcess, unique: str) -> None:
    sqs = local_cloud.client("sqs")
    url = sqs.create_queue(QueueName=unique, Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m", DelaySeconds=900)

    def received() -> int:
        return len(sqs.receive_message(QueueUrl=url).get("Messages", []))

    assert received() == 0
    local_cloud.advance(901)
    assert (received(), received()) == (1, 0)
    local_cloud.advance(300)
    assert received() == 0
    local_cloud.advance(301)
    assert received() == 1
