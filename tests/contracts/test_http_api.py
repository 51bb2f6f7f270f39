"""HttpApi: an endpoint behind an HTTP API, declared by the real engine, called with signatures, with tokens and by a browser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.components import Cors, Endpoint, HttpApi, Jwt, ModelService, Throttle
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.testing import CloudProcess, Deployment
from tests.browser import FOREIGN, Site, visit
from tests.contracts.aws.issuer import Issuer, issuing
from tests.contracts.aws.test_function_urls import ask, signed

Deploy = Callable[..., Deployment]
PAGE = """<script>
async function told() {
  const asked = await fetch("URL", {method: "POST", body: BODY, headers: {"content-type": "text/csv", authorization: "Bearer TOKEN"}})
    .then(async answer => ({status: answer.status, text: await answer.text()})).catch(error => ({failed: error.name}));
  await fetch("/told", {method: "POST", body: JSON.stringify(asked)});
}
told();
</script>"""


@pytest.fixture
def package(fogbank_project: ProjectConfig) -> Manifest:
    return load_manifest(fogbank_project.package)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as found:
        yield found


def program(package: Manifest, **more: Any) -> Callable[[], dict[str, Any]]:
    def declared() -> dict[str, Any]:
        service = ModelService("churn", package=package, image="i", force_destroy=True)
        endpoint = Endpoint("live", service=service, endpoint_name="churn-live")
        api = HttpApi("front", endpoint=endpoint, **more)
        return {"url": api.url, "function": api.function_name, "arn": api.execution_arn}

    return declared


def test_a_page_that_is_allowed_calls_with_a_token_and_a_foreign_one_may_not(
    local_cloud: CloudProcess,
    deploy: Deploy,
    package: Manifest,
    fogbank_project: ProjectConfig,
    issuer: Issuer,
    tmp_path: Path,
) -> None:
    row, kind = (fogbank_project.trained / "sample.csv").read_bytes(), {"content_type": "text/csv"}
    pages = Site("")
    with pages.served() as here:
        origin = f"http://{FOREIGN}:{here}"
        jwt = Jwt(issuer=issuer.url, audience=["rows"], scopes=["rows.read"])
        url = deploy(program(package, authorization=jwt, cors=Cors(origins=[origin])), mocks=True).outputs["url"]
        claims: dict[str, Any] = {"aud": "rows", "exp": int(time.time()) + 3600}
        token = issuer.token(**claims, scope="rows.read")
        asked = [ask(url, "POST", row, authorization=each, **kind)[0] for each in ("", issuer.token(**claims), token)]
        assert asked == [401, 403, 200]
        assert ask(url, "POST", b"no,row", authorization=token, **kind)[0] == 400, "the model refuses it"

        pages.page = PAGE.replace("URL", url).replace("TOKEN", token).replace("BODY", json.dumps(row.decode()))
        seen = visit(f"{origin}/", pages, tmp_path / "allowed")
        assert (seen.get("status"), bool(seen.get("text"))) == (200, True), seen
        other = Site(pages.page)
        with other.served() as elsewhere:
            assert visit(f"http://{FOREIGN}:{elsewhere}/", other, tmp_path / "foreign") == {"failed": "TypeError"}
    [api] = local_cloud.client("apigatewayv2").get_apis()["Items"]
    assert url == f"{api['ApiEndpoint']}/invocations"


def test_an_api_lives_before_its_endpoint_and_lets_in_who_signs(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, fogbank_project: ProjectConfig
) -> None:
    row, kind = (fogbank_project.trained / "sample.csv").read_bytes(), {"content_type": "text/csv"}
    first = deploy(program(package, throttle=Throttle(rate=0.001, burst=2)))
    url, driver = first.outputs["url"], first.driver
    assert ask(url, "POST", row, **kind)[0] == 403, "it is not signed, and uses up one of two"
    status, headers, body = ask(url, "POST", row, **signed(local_cloud, url, service="execute-api", body=row), **kind)
    assert (status, bool(body)) == (200, True), headers
    assert ask(url, "POST", row, **kind)[0] == 429
    assert driver is not None
    driver.preview(lambda _: None, expect_no_changes=True)
    assert driver.refresh(lambda _: None).changed is False

    gateway = local_cloud.client("apigatewayv2")
    [api] = gateway.get_apis()["Items"]
    [route] = gateway.get_routes(ApiId=api["ApiId"])["Items"]
    gateway.update_route(ApiId=api["ApiId"], RouteId=route["RouteId"], AuthorizationType="NONE")
    assert driver.refresh(lambda _: None).changed is True
    second = deploy(program(package, throttle=Throttle(rate=9, burst=9)))
    assert (second.outputs["url"], ask(url, "POST", row, **kind)[0]) == (url, 403), (
        "what was opened by hand is closed again"
    )
    assert second.driver is not None
    second.driver.destroy(lambda _: None)
    assert gateway.get_apis()["Items"] == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        local_cloud.client("lambda").get_function(FunctionName=first.outputs["function"])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Jwt(issuer="shop", audience=[]), ["issuer must be an https address", "audience must name"]),
        (lambda: Cors(origins=[]), ["origins must name"]),
        (
            lambda: Cors(origins=["shop.example"], methods=["SEND"]),
            ["an origin is a scheme and a host", "methods has 'SEND'"],
        ),
        (lambda: Throttle(rate=0, burst=0), ["rate must be above 0", "burst must be 1 to"]),
    ],
)
def test_values_refuse_what_api_gateway_would(make: Callable[[], object], said: list[str]) -> None:
    with pytest.raises(ValueError, match=said[0]) as raised:
        make()
    assert [words for words in said if words not in str(raised.value)] == []
