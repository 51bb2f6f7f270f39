"""Who is let in: the user as he is, others by what they have signed, pages of other sites never."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import boto3
import pytest
import urllib3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from fogbank.cloud.gate import Gate
from fogbank.cloud.ground.peer import Peer
from fogbank.cloud.ground.roles import Issued, Roles
from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.identity import Identity
from fogbank.ground.aws import LOCAL_ACCESS_KEY

STRANGER = Peer(None)
FOREIGN = {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}
TYPED = {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
LINK = {**TYPED, "sec-fetch-site": "cross-site"}
MINE = (LOCAL_ACCESS_KEY, "key", None)
Key = tuple[str, str, str | None]


class Clock:
    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class House:
    """A gate, roles, and requests that come to them."""

    def __init__(self, *, open_: bool = False) -> None:
        self.clock = Clock()
        self.roles = Roles(lambda: "http://127.0.0.1:1", self.clock)
        self.gate = Gate("key", self.roles, open_=open_, wall=self.clock)
        self.identity = Identity(self.roles)

    def role(self) -> Key:
        grant = self.roles.grant("arn:aws:iam::123456789012:role/r", "i-1", "eu-west-1")
        issued = self.roles.credentials(grant.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
        assert issued is not None
        return issued.access_key, issued.secret, issued.token


def asked(
    headers: dict[str, str] | None = None,
    method: str = "POST",
    path: str = "/",
    service: str = "sagemaker",
    key: Key | None = None,
    **more: Any,
) -> Request:
    given = {"host": "127.0.0.1:4566", **(headers or {})}
    if key is not None:
        request = AWSRequest(method=method, url=f"http://127.0.0.1:4566{path}", data=b"body", headers={})
        auth = S3SigV4Auth if service == "s3" else SigV4Auth
        auth(Credentials(*key), service, "eu-west-1").add_auth(request)
        given |= {name.lower(): value for name, value in request.headers.items()}
    plain, _, query = path.partition("?")
    return Request(method=method, path=plain, query=query, headers=given, body=b"body", **more)


def code(answer: Answer | None) -> str | None:
    """The error's code as the protocol says it; None where the request is let in."""
    if answer is None:
        return None
    assert answer.status == 403
    text = answer.body.decode()
    return str(json.loads(text)["__type"]) if text.startswith("{") else re.findall("<Code>(.*)</Code>", text)[0]


def test_the_user_is_let_in_with_any_credentials_or_none() -> None:
    gate = House().gate

    assert gate.refusal(asked()) is None
    assert gate.refusal(asked(key=("any", "thing", None))) is None
    assert gate.refusal(asked(TYPED, method="GET")) is None, "an address that he has typed"


@pytest.mark.parametrize(
    ("service", "unsigned", "unknown", "wrong"),
    [
        ("s3", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
        ("sagemaker", None, "UnrecognizedClientException", "InvalidSignatureException"),
        ("iam", None, "InvalidClientTokenId", "SignatureDoesNotMatch"),
    ],
)
def test_a_stranger_signs_with_the_clouds_key(service: str, unsigned: str | None, unknown: str, wrong: str) -> None:
    gate = House().gate
    path = "/b/k" if service == "s3" else "/"

    assert gate.refusal(asked(path=path, service=service, key=MINE, peer=STRANGER)) is None
    assert code(gate.refusal(asked(path=path, peer=STRANGER))) == (unsigned or "AccessDenied")
    assert code(gate.refusal(asked(path=path, service=service, key=("AKIA", "key", None), peer=STRANGER))) == unknown
    assert code(gate.refusal(asked(path=path, service=service, key=(MINE[0], "no", None), peer=STRANGER))) == wrong


def form(fields: dict[str, str], path: str = "/bkt", **more: Any) -> Request:
    body, kind = urllib3.encode_multipart_formdata({**fields, "file": ("a", b"1")})
    headers = {"host": "127.0.0.1:4566", "content-type": kind, **more}
    return Request(method="POST", path=path, query="", headers=headers, body=body, peer=STRANGER)


def signed_form(secret: str, key: str = LOCAL_ACCESS_KEY) -> dict[str, str]:
    """As boto3 signs it."""
    s3 = boto3.client(
        "s3",
        region_name="eu-west-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(signature_version="s3v4"),
    )
    fields: dict[str, str] = s3.generate_presigned_post("bkt", "k")["fields"]
    return fields


def test_a_strangers_form_is_signed_with_the_clouds_key_and_goes_to_a_bucket_alone() -> None:
    gate = House().gate
    fields = signed_form("key")

    assert gate.refusal(form(fields)) is None
    assert code(gate.refusal(form({**fields, "policy": fields["policy"][::-1]}))) == "SignatureDoesNotMatch"
    assert code(gate.refusal(form(signed_form("another")))) == "SignatureDoesNotMatch"
    assert code(gate.refusal(form(signed_form("key", "AKIA")))) == "InvalidAccessKeyId"
    assert code(gate.refusal(form({"key": "k"}))) == "AccessDenied"
    assert gate.refusal(form(fields, "/", host="bkt.localhost:4566")) is None
    for host in ("moto-api.localhost", "b.localhost"):
        assert code(gate.refusal(form(fields, "/", host=host))) == "AccessDenied", host
    assert code(gate.refusal(form(fields, "/_fogbank/stop", host="bkt.localhost"))) == "AccessDenied"
    for path in ("/", "/_fogbank/stop", "/bkt/k", "/moto-api"):
        assert code(gate.refusal(form({**fields, "Action": "CreateUser"}, path))) == "AccessDenied", path
    assert code(gate.refusal(form(fields, origin="https://evil.example"))) == "AccessDenied"


def test_a_forms_fields_end_with_its_file() -> None:
    gate, fields = House().gate, signed_form("key")
    body, kind = urllib3.encode_multipart_formdata([*fields.items(), ("file", ("a", b"1")), ("Policy", "another")])
    more = {"content-type": kind, "host": "127.0.0.1:4566"}

    assert gate.refusal(Request(method="POST", path="/bkt", query="", headers=more, body=body, peer=STRANGER)) is None


def test_a_part_without_a_name_is_no_field() -> None:
    body = b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"
    more = {"content-type": "multipart/form-data; boundary=b", "host": "127.0.0.1:4566"}

    request = Request(method="POST", path="/bkt", query="", headers=more, body=body, peer=STRANGER)
    assert code(House().gate.refusal(request)) == "AccessDenied"


@pytest.mark.parametrize(("service", "unknown", "ended"), [
    ("sagemaker", "UnrecognizedClientException", "ExpiredTokenException"),
    ("s3", "InvalidAccessKeyId", "ExpiredToken"),
    ("iam", "InvalidClientTokenId", "ExpiredToken"),
])  # fmt: skip
def test_where_iam_is_enforced_a_roles_credentials_that_are_over_are_not_the_users(
    service: str, unknown: str, ended: str
) -> None:
    clock, key = Clock(), ("ASIAAAAAAAAAAAAAAAAA", "secret", "token")
    issued = Issued(role="r", session="s", access_key=key[0], secret=key[1], token=key[2], ends=clock() + 60)
    known = {key[0]: issued}
    roles = Roles(lambda: "http://127.0.0.1:1", clock)
    enforced = Gate("key", roles, known.get, enforced=True, wall=clock)
    stored = Gate("key", roles, known.get, wall=clock)
    request = asked(service=service, key=key)

    assert enforced.refusal(request) is None
    clock.ahead = 120
    assert code(enforced.refusal(request)) == ended
    known.clear()
    assert code(enforced.refusal(request)) == unknown
    assert stored.refusal(request) is None, "without IAM everything is the user's"


def test_an_open_gate_lets_everybody_in_but_pages_of_other_sites() -> None:
    gate = House(open_=True).gate

    assert gate.refusal(asked(peer=STRANGER)) is None
    assert gate.refusal(asked({"origin": "http://localhost:3000"}, peer=STRANGER)) is None
    assert gate.closed(asked(path="/moto-api/seed")) is None
    assert code(gate.refusal(asked(FOREIGN))) == "AccessDenied"


@pytest.mark.parametrize(
    ("headers", "method", "path"),
    [
        ({"host": "evil.example"}, "GET", "/"),
        ({"host": "127.0.0.1.evil.example"}, "GET", "/"),
        ({}, "POST", "/"),
        ({"host": "localhost:4566"}, "POST", "/"),
        ({"host": "bucket.localhost:4566"}, "POST", "/"),
        (FOREIGN, "POST", "/"),
        ({"origin": "https://evil.example"}, "POST", "/"),
        ({"origin": "null"}, "POST", "/"),
        ({"origin": "http://[::1"}, "POST", "/"),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, "GET", "/"),
        ({**LINK, "sec-fetch-dest": "iframe"}, "GET", "/b/k"),
        (LINK, "GET", "/b/k"),
        (LINK, "POST", "/b/k"),
        (TYPED, "GET", "/?Action=CreateUser&UserName=u"),
        ({"user-agent": "an older browser"}, "GET", "/?Action=CreateUser&UserName=u"),
        ({"user-agent": "an older browser"}, "GET", "/?UserName=u&%41ction=CreateUser"),
        (TYPED, "POST", "/"),
        ({"origin": "http://localhost:3000"}, "POST", "/"),
        ({"origin": "http://a.localhost:3000", "sec-fetch-site": "same-site"}, "POST", "/"),
        ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, "POST", "/_fogbank/reset"),
    ],
)
def test_a_page_in_the_users_browser_is_not_the_user(headers: dict[str, str], method: str, path: str) -> None:
    refused = code(House().gate.refusal(asked(headers, method, path)))
    of_a_page = set(headers) - {"host"} or not re.fullmatch(
        r"((.*\.)?localhost|127\.0\.0\.1):4566", headers.get("host", "127.0.0.1:4566")
    )

    assert refused == ("AccessDenied" if of_a_page else None)


def test_a_page_of_this_machine_and_a_link_sign() -> None:
    gate = House().gate
    page = {"origin": "http://localhost:3000", "sec-fetch-site": "cross-site"}

    assert gate.refusal(asked({"origin": "http://localhost:3000"}, key=MINE)) is None
    assert gate.refusal(asked(LINK, "GET", "/b/k", key=MINE)) is None
    assert code(gate.refusal(asked(page, key=MINE))) == "AccessDeniedException", (
        "localhost is another site than 127.0.0.1"
    )


def test_a_role_signs_wherever_it_comes_from_and_makes_none_of_the_clouds_own_calls() -> None:
    house = House()
    key, secret, token = house.role()

    assert house.gate.refusal(asked(key=(key, secret, token), peer=STRANGER)) is None
    assert house.gate.refusal(asked(key=(key, secret, token))) is None
    assert code(house.gate.refusal(asked(key=(key, "other", token)))) == "InvalidSignatureException"
    assert code(house.gate.refusal(asked(key=(key, secret, "other")))) == "UnrecognizedClientException"
    assert code(house.gate.refusal(asked(path="/_fogbank/reset", key=(key, secret, token)))) == "AccessDeniedException"
    house.clock.ahead = 3601
    assert code(house.gate.refusal(asked(key=(key, secret, token)))) == "ExpiredTokenException"


@pytest.mark.parametrize("path", ["/moto-api/reset", "/%6doto-api/recorder/start-recording", "/moto-api/"])
def test_motos_own_control_paths_are_closed(path: str) -> None:
    assert code(House().gate.closed(asked(path=path))) == "AccessDenied"
    assert House().gate.closed(asked(path="/bucket/moto-api/")) is None


def test_credentials_are_given_for_a_grants_token_while_it_lasts() -> None:
    house = House()
    grant = house.roles.grant("arn:aws:iam::123456789012:role/r", "i-1", "eu-west-1")
    token = grant.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]

    def ask(said: str, method: str = "GET") -> tuple[int, dict[str, str]]:
        request = asked({"authorization": said}, method, "/_fogbank/credentials", peer=STRANGER)
        assert method != "GET" or house.gate.refusal(request) is None
        assert house.identity.takes(request)
        answer = house.identity.handle(request)
        return answer.status, json.loads(answer.body)

    status, first = ask(token)
    again = ask(token)[1]
    house.clock.ahead = 1900
    later = ask(token)[1]
    grant.end()

    assert status == 200
    assert first == again
    assert first["AccessKeyId"].startswith("ASIA")
    assert later["AccessKeyId"] != first["AccessKeyId"], "asked anew before they end"
    assert ask(token)[0] == ask("other")[0] == 403
    assert ask(token, "POST")[0] == 405
    assert house.roles.find(later["AccessKeyId"]) is None, "what the grant was given to has ended"


def test_a_role_is_told_who_it_is() -> None:
    house = House()
    key = house.role()
    request = asked(service="sts", key=key)
    who = Request(
        method="POST", path="/", query="", headers=request.headers, body=b"Action=GetCallerIdentity&Version=2011-06-15"
    )

    assert house.identity.takes(who)
    assert b"<Arn>arn:aws:sts::123456789012:assumed-role/r/i-1</Arn>" in house.identity.handle(who).body
    assert not house.identity.takes(request)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:4566", "localhost:4566", "LOCALHOST:1", "[::1]:4566", "b.localhost:4566", "a.b.localhost"],
)
def test_this_machines_names_are_answered(host: str) -> None:
    assert House().gate.refusal(asked({"host": host})) is None


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.localhost.example", "evil_localhost",
        "127.0.0.1:4566@evil.example", "127.0.0.1,evil.example", "0.0.0.0:4566", "127.1", "192.168.1.2", "127.0.0.1:",
    ],
)  # fmt: skip
def test_other_names_are_refused_whoever_signs(host: str) -> None:
    assert code(House(open_=True).gate.refusal(asked({"host": host}, key=MINE))) in {
        "AccessDenied",
        "AccessDeniedException",
    }


@pytest.mark.parametrize(
    "origin",
    [
        "", "null", "https://evil.example", "http://127.0.0.1.evil.example", "http://localhost.evil.example:80", "file://",
        "chrome-extension://abcdef", "http://localhost@evil.example", "http://evil.example#localhost", "http://evil.example/localhost",
    ],
)  # fmt: skip
def test_pages_of_other_origins_are_refused_whoever_signs(origin: str) -> None:
    assert code(House(open_=True).gate.refusal(asked({"origin": origin}, key=MINE))) == "AccessDeniedException"
