"""A page in the user's browser, which is a real Chromium: whatever it sends to the local cloud, nothing is changed and nothing read."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from fogbank.testing import CloudProcess
from tests.browser import FOREIGN, Site, shown, visit

ATTACK = (Path(__file__).parent / "attack.html").read_text()
SEEN = [
    "GET /_fogbank/reset",
    "POST /_fogbank/stop",
    "GET /?Action=CreateUser",
    "PUT /attacked/put",
    "DELETE /attacked/secret",
    "OPTIONS /",
]
"""What the page must have sent, as another server saw it that was attacked beside the cloud."""


@pytest.fixture
def attacked(local_cloud: CloudProcess) -> CloudProcess:
    """A cloud with a bucket, in which there is something to be read, taken and changed."""
    s3 = local_cloud.client("s3")
    s3.create_bucket(Bucket="attacked")
    s3.put_object(Bucket="attacked", Key="secret.js", Body=b"window.secret = 'read'", ContentType="text/javascript")
    s3.put_object(Bucket="attacked", Key="secret", Body=b"<p>the secret</p>", ContentType="text/html")
    return local_cloud


@pytest.mark.parametrize("host", [FOREIGN, "localhost"])
def test_a_page_changes_nothing_and_reads_nothing(attacked: CloudProcess, tmp_path: Path, host: str) -> None:
    before = attacked.admin.call("status")
    witness = Site("")
    with witness.served() as elsewhere:
        port = attacked.address.port
        targets = [f"http://127.0.0.1:{port}", f"http://localhost:{port}", f"http://127.0.0.1:{elsewhere}"]
        page = ATTACK.replace("TARGETS", json.dumps(targets)).replace("BUCKET", "attacked").replace("NAME", "taken")
        site = Site(page)
        with site.served() as here:
            read = visit(f"http://{host}:{here}/", site, tmp_path / "profile")

    assert [line for line in read if str(elsewhere) not in line] == []
    assert [request for request in SEEN if not any(asked.startswith(request) for asked in witness.asked)] == []
    after = attacked.admin.call("status")
    assert (after["pid"], after["started"]) == (before["pid"], before["started"])
    hours = (datetime.fromisoformat(after["time"]) - datetime.fromisoformat(before["time"])).total_seconds() / 3600
    assert hours < 1, "its clock was not moved"
    s3, iam = attacked.client("s3"), attacked.client("iam")
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="attacked")["Contents"]] == ["secret", "secret.js"]
    assert [user["UserName"] for user in iam.list_users()["Users"]] == []
    assert not list(attacked.folder.glob("moto_recording*"))


def test_what_the_user_opens_himself_is_shown_and_a_link_when_it_is_signed(
    attacked: CloudProcess, tmp_path: Path
) -> None:
    url = attacked.client("s3").generate_presigned_url("get_object", Params={"Bucket": "attacked", "Key": "secret"})
    for name, link, secret in (("typed", "", True), ("signed", url, True), ("bare", url.partition("?")[0], False)):
        site = Site(f"<script>location = {json.dumps(link)}</script>")
        with site.served() as here:
            seen = shown(f"http://{FOREIGN}:{here}/" if link else url, tmp_path / name)

        assert ("the secret" in seen) is secret, (name, seen)
