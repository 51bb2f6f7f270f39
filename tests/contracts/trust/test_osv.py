"""Known vulnerabilities, from a server of OSV's API; and what is said where there is none."""

from __future__ import annotations

import pytest

from fogbank.contracts.errors import TrustError
from fogbank.ground.ports import free_port
from fogbank.trust import Osv
from tests.fakes.osv import osv

JINJA = {
    "id": "GHSA-h5c8-rqwp-cp95",
    "aliases": ["CVE-2024-22195"],
    "summary": "Jinja vulnerable to HTML attribute injection",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}],
    "database_specific": {"severity": "MODERATE"},
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Jinja2"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.3"}]}],
        },
        {
            "package": {"ecosystem": "npm", "name": "jinja2"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "9"}]}],
        },
    ],
}


def test_what_is_known_is_told_with_its_names_and_its_fix() -> None:
    with osv() as (url, state):
        state.known = {("jinja2", "3.1.2"): ["GHSA-h5c8-rqwp-cp95", "PYSEC-1", "PYSEC-2"]}
        state.documents = {
            "GHSA-h5c8-rqwp-cp95": JINJA,
            "PYSEC-1": {"id": "PYSEC-1", "details": "first line\nsecond"},
            "PYSEC-2": {"id": "PYSEC-2", "withdrawn": "2026-01-01T00:00:00Z"},
        }
        found = Osv(url).vulnerabilities([("numpy", "2.4.6"), ("jinja2", "3.1.2")])

    assert [str(item) for item in found] == [
        "jinja2 3.1.2: GHSA-h5c8-rqwp-cp95, CVE-2024-22195 (moderate): Jinja vulnerable to HTML attribute injection; fixed in 3.1.3",
        "jinja2 3.1.2: PYSEC-1: first line; no fix is known",
    ]
    assert {(query["package"]["ecosystem"], query["package"]["name"]) for query in state.asked} == {
        ("PyPI", "numpy"),
        ("PyPI", "jinja2"),
    }


@pytest.mark.parametrize(
    ("path", "answer", "code"),
    [
        ("/v1/querybatch", (500, b"{}"), "osv-unreachable"),
        ("/v1/querybatch", (403, b"<html>a proxy</html>"), "osv-unreachable"),
        ("/v1/querybatch", (200, b"<html>a proxy</html>"), "osv-malformed"),
        ("/v1/querybatch", (200, b"[]"), "osv-malformed"),
        ("/v1/querybatch", (200, b"[" * 100_000), "osv-malformed"),
        ("/v1/querybatch", (200, b'{"results": []}'), "osv-malformed"),
        ("/v1/querybatch", (200, b'{"results": [{"vulns": [{"id": "../../etc"}]}]}'), "osv-malformed"),
        ("/v1/querybatch", (200, b'{"results": [{"vulns": 5}]}'), "osv-malformed"),
        ("/v1/vulns", (404, b"{}"), "osv-unreachable"),
    ],
)
def test_an_answer_that_is_none_is_no_clean_bill(path: str, answer: tuple[int, bytes], code: str) -> None:
    with osv() as (url, state):
        state.known = {("x", "1"): ["A-1"]}
        state.answers = {path: answer}
        with pytest.raises(TrustError) as caught:
            Osv(url).vulnerabilities([("x", "1")])

    assert caught.value.code == code


def test_where_nobody_answers_it_says_that_nothing_is_known() -> None:
    with pytest.raises(
        TrustError, match="whether one of the 1 dependencies has a known vulnerability is not known"
    ) as caught:
        Osv(f"http://127.0.0.1:{free_port()}").vulnerabilities([("x", "1")])

    assert caught.value.code == "osv-unreachable"
