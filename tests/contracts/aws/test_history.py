"""What moto went through, after `kill -9` of a real cloud: by its snapshot, by its journal, and at any moment around a snapshot."""

from __future__ import annotations

import random
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from fogbank.cloud.moto.snapshot import FILE
from fogbank.project.local.launch import LOG
from fogbank.testing import CloudProcess
from tests.waiting import until

ROUNDS = 2


def test_keys_and_dates_are_those_that_clients_were_told_and_damage_is_said(local_cloud: CloudProcess) -> None:
    iam, kms = local_cloud.client("iam"), local_cloud.client("kms")
    for region in ("us-east-1", "cn-north-1"):
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != "us-east-1" else {}
        s3 = local_cloud.client("s3", region)
        s3.create_bucket(Bucket=f"b-{region}", **where)
        s3.put_object(Bucket=f"b-{region}", Key="k", Body=b"1")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]
    key = kms.create_key()["KeyMetadata"]
    secret = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret")["CiphertextBlob"]
    local_cloud.client("sqs").create_queue(QueueName="later")
    until(lambda: local_cloud.admin.call("status")["history"]["since_snapshot"] == 0)

    local_cloud.kill()
    local_cloud.start()

    iam, kms = local_cloud.client("iam"), local_cloud.client("kms")
    assert iam.get_role(RoleName="r")["Role"]["CreateDate"] == role["CreateDate"]
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["CreationDate"] == key["CreationDate"]
    assert kms.decrypt(CiphertextBlob=secret)["Plaintext"] == b"secret"
    for region in ("us-east-1", "cn-north-1"):
        s3 = local_cloud.client("s3", region)
        assert s3.get_object(Bucket=f"b-{region}", Key="k")["Body"].read() == b"1"

    local_cloud.kill()
    file = local_cloud.folder / FILE
    file.write_bytes(file.read_bytes()[:-1])
    local_cloud.start()

    assert local_cloud.client("iam").get_role(RoleName="r")["Role"]["RoleId"] == role["RoleId"]
    assert len(local_cloud.client("sqs").list_queues()["QueueUrls"]) == 1
    assert "the snapshot is damaged" in (local_cloud.folder / LOG).read_text()


def test_kill_9_around_a_snapshot_loses_nothing_that_was_acknowledged(local_cloud: CloudProcess) -> None:
    names: list[str] = []
    keys: list[str] = []
    chance = random.Random(20261126)

    def write(turn: int) -> None:
        sqs, kms = local_cloud.client("sqs"), local_cloud.client("kms")
        for number in range(10_000):
            try:
                names.append(sqs.create_queue(QueueName=f"q{turn}-{number}")["QueueUrl"].rpartition("/")[2])
                keys.append(kms.create_key()["KeyMetadata"]["KeyId"])  # answered when a snapshot has it
            except (BotoCoreError, ClientError, HTTPError, KeyError):
                return  # it was killed, before it answered or in the middle of an answer

    for turn in range(ROUNDS):
        before = len(keys)
        writer = threading.Thread(target=write, args=(turn,))
        writer.start()
        until(lambda before=before: len(keys) > before + chance.randrange(1, 12))  # type: ignore[misc]  # bound early
        local_cloud.kill()
        writer.join()
        local_cloud.start()
        urls = local_cloud.client("sqs").list_queues()["QueueUrls"]
        pages = local_cloud.client("kms").get_paginator("list_keys").paginate()

        assert set(names) <= {url.rpartition("/")[2] for url in urls}
        assert set(keys) <= {key["KeyId"] for page in pages for key in page["Keys"]}


def test_a_long_poll_stops_nobody(shared_cloud: CloudProcess, unique: str) -> None:
    sqs = shared_cloud.client("sqs")
    url = sqs.create_queue(QueueName=unique)["QueueUrl"]
    bodies: list[str] = []

    def poll() -> None:
        answer = shared_cloud.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)
        bodies.extend(message["Body"] for message in answer.get("Messages", []))

    polling = threading.Thread(target=poll)
    polling.start()
    for number in range(3):
        sqs.tag_queue(QueueUrl=url, Tags={"n": str(number)})
    assert polling.is_alive(), "what was written was answered before the poll was"
    sqs.send_message(QueueUrl=url, MessageBody="m")
    polling.join(20)

    assert bodies == ["m"]


@pytest.mark.parametrize("wait", ["21", "-1"])
def test_a_wait_that_sqs_refuses_is_refused(shared_cloud: CloudProcess, unique: str, wait: str) -> None:
    sqs = shared_cloud.client("sqs")
    url = sqs.create_queue(QueueName=unique)["QueueUrl"]

    with pytest.raises(ClientError, match="WaitTimeSeconds"):
        sqs.receive_message(QueueUrl=url, WaitTimeSeconds=int(wait))
