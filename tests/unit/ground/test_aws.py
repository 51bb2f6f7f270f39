"""S3 URIs and keys keep every character; clients of the local cloud are made once, by one factory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError

from fogbank.ground.aws import LOCAL_ACCESS_KEY, LocalClients, join_key, split_uri


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("s3://b", ("b", "")),
        ("s3://b/", ("b", "")),
        ("s3://b/a/c.csv", ("b", "a/c.csv")),
        ("s3://b//a", ("b", "/a")),
        ("s3://b/a%20b c?d#e&f=ü.csv", ("b", "a%20b c?d#e&f=ü.csv")),
        ("s3://b/s3://c/d", ("b", "s3://c/d")),
        ("s3://b/folder/", ("b", "folder/")),
    ],
)
def test_an_s3_uri_is_a_bucket_and_a_key_of_any_characters(uri: str, parts: tuple[str, str]) -> None:
    assert split_uri(uri) == parts


@pytest.mark.parametrize("uri", ["", "b/a", "s3:/b/a", "s3://", "s3:///a", "https://b/a", "S3://b/a", " s3://b/a"])
def test_what_is_no_s3_uri_is_refused_with_its_text(uri: str) -> None:
    with pytest.raises(ValueError, match="not an S3 URI") as caught:
        split_uri(uri)
    assert repr(uri) in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        (("out", "a.csv"), "out/a.csv"),
        (("out/", "a.csv"), "out/a.csv"),
        (("/out/deep/", "", "a b/c.csv"), "out/deep/a b/c.csv"),
        (("", "", "a.csv"), "a.csv"),
        (("out", "/a.csv"), "out//a.csv"),
        (("out", "folder/"), "out/folder/"),
        (("out", ""), "out"),
        (("a.csv",), "a.csv"),
    ],
)
def test_a_key_is_joined_of_folders_and_a_last_part_that_stays_as_it_is(parts: tuple[str, ...], key: str) -> None:
    assert join_key(*parts) == key


def test_a_client_is_made_once_for_a_service_and_region_also_by_many_threads() -> None:
    clients = LocalClients("http://127.0.0.1:1", read_timeout_s=7, attempts=3, connections=5)
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: id(clients("s3", "eu-west-1")), range(16)))

    client = clients("s3", "eu-west-1")
    assert made == {id(client)}
    assert clients("s3", "us-east-1") is not client
    assert clients("sqs", "eu-west-1") is not client
    assert (client.meta.endpoint_url, client.meta.region_name) == ("http://127.0.0.1:1", "eu-west-1")
    config = client.meta.config
    assert (config.read_timeout, config.max_pool_connections, config.retries["total_max_attempts"]) == (7, 5, 3)
    assert (config.s3["addressing_style"], config.proxies) == ("path", {})


def test_the_clients_of_all_clouds_share_what_was_read_of_a_service() -> None:
    one, other = (
        LocalClients(f"http://127.0.0.1:{port}", secret)("sqs", "eu-west-1") for port, secret in ((1, "a"), (2, "b"))
    )

    assert one.meta.service_model.metadata is other.meta.service_model.metadata
    assert one.meta.endpoint_url != other.meta.endpoint_url
    one.meta.events.register("before-send.sqs", lambda **_: AWSResponse("", 200, {}, None))
    with pytest.raises(EndpointConnectionError):
        other.list_queues()


def test_a_client_signs_with_the_local_key_whatever_this_machine_is_logged_in_as(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    url = LocalClients("http://127.0.0.1:1")("s3", "us-east-1").generate_presigned_url(
        "get_object", Params={"Bucket": "b", "Key": "k"}
    )

    assert LOCAL_ACCESS_KEY in url
    assert "AKIAREAL" not in url
