"""The project's own journey: deployed by the real engine, the HTTP API tells the mood of a text to who signs, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fogbank.contracts.config import ProjectConfig
from fogbank.testing import CloudProcess, Deployment


def test_the_api_tells_the_mood_of_a_text(
    fogbank_project: ProjectConfig, local_cloud: CloudProcess, deploy: Callable[..., Deployment]
) -> None:
    url = deploy(fogbank_project.root).outputs["url"]
    me = Credentials("fogbank-local", local_cloud.secret)

    def asked(document: object, *, signed: bool = True) -> tuple[int, dict[str, object]]:
        request = AWSRequest("POST", url, data=json.dumps(document), headers={"content-type": "application/json"})
        if signed:
            SigV4Auth(me, "execute-api", "us-east-1").add_auth(request)
        try:
            with urlopen(Request(url, request.body, dict(request.headers))) as answer:  # noqa: S310 - the cloud's own URL
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, {}

    status, said = asked({"text": "the delivery was quick and friendly"})
    assert (status, said["mood"]) == (200, "glad")
    assert asked({"text": "the delivery broke at once"})[1]["mood"] == "sad"
    assert asked({"text": ""})[0] == 400
    assert asked({"text": "x"}, signed=False)[0] == 403
