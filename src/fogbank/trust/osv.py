"""Known vulnerabilities of distributions, as OSV's data has them (https://google.github.io/osv.dev/api/).

In: names and versions; out: `Vulnerability`s, or a TrustError that says that nothing is known where OSV cannot be reached. Names and
versions are all that leaves this machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import urllib3

from fogbank.contracts.errors import TrustError

URL = "https://api.osv.dev"
BATCH = 500
PAGES_LIMIT = 20
ANSWER_LIMIT = 32 << 20
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
TIMEOUT = urllib3.Timeout(connect=10, read=30)


@dataclass(frozen=True, kw_only=True)
class Vulnerability:
    """One of one distribution. `fixed` are the versions that end it, `severity` a word or a CVSS vector, empty where nobody says."""

    name: str
    version: str
    id: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    severity: str = ""
    fixed: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        names = ", ".join((self.id, *self.aliases))
        fixed = f"; fixed in {', '.join(self.fixed)}" if self.fixed else "; no fix is known"
        return f"{self.name} {self.version}: {names}{f' ({self.severity})' if self.severity else ''}: {self.summary}{fixed}"


class Osv:
    """A server of OSV's API."""

    def __init__(self, url: str = URL) -> None:
        self._url = url.rstrip("/")
        self._http = urllib3.PoolManager(
            timeout=TIMEOUT, retries=urllib3.Retry(total=2, redirect=0, backoff_factor=0.2)
        )

    def vulnerabilities(self, pins: Sequence[tuple[str, str]]) -> list[Vulnerability]:
        """What is known of distributions of PyPI. Raises TrustError (`osv-unreachable`, `osv-malformed`)."""
        found: list[tuple[str, str, str]] = []
        for start in range(0, len(pins), BATCH):
            found += self._batch(pins[start : start + BATCH])
        documents = {
            id_: self._ask("GET", f"/v1/vulns/{id_}", None, len(pins)) for id_ in sorted({item[2] for item in found})
        }
        return [
            _vulnerability(name, version, documents[id_])
            for name, version, id_ in sorted(found)
            if not documents[id_].get("withdrawn")
        ]

    def _batch(self, pins: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
        """Name, version and id of each that is known."""
        waiting = [(name, version, "") for name, version in pins]
        found = []
        for _ in range(PAGES_LIMIT):
            if not waiting:
                break
            queries = [
                {
                    "package": {"ecosystem": "PyPI", "name": name},
                    "version": version,
                    **({"page_token": page} if page else {}),
                }
                for name, version, page in waiting
            ]
            answer = self._ask("POST", "/v1/querybatch", {"queries": queries}, len(pins))
            results = answer.get("results")
            if not isinstance(results, list) or len(results) != len(waiting):
                raise self._malformed("it does not answer each question")
            following = []
            for (name, version, _), result in zip(waiting, results, strict=True):
                found += [(name, version, id_) for id_ in self._ids(result)]
                if page := (result or {}).get("next_page_token"):
                    following.append((name, version, str(page)))
            waiting = following
        return found

    def _ids(self, result: Any) -> list[str]:
        if result is None:
            return []
        listed = result.get("vulns", []) if isinstance(result, dict) else None
        if not isinstance(listed, list):
            raise self._malformed("its results are none")
        ids = [str(item.get("id")) if isinstance(item, dict) else "" for item in listed]
        if wrong := [id_ for id_ in ids if not ID.fullmatch(id_)]:
            raise self._malformed(f"{wrong[0][:40]!r} is no id")
        return ids

    def _ask(self, method: str, path: str, asked: Mapping[str, Any] | None, count: int) -> dict[str, Any]:
        try:
            answer = self._http.request(
                method, f"{self._url}{path}", body=None if asked is None else json.dumps(asked).encode(),
                headers={"Content-Type": "application/json"}, preload_content=False,
            )  # fmt: skip
            data = answer.read(ANSWER_LIMIT + 1)
            answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(getattr(error, "reason", None) or error, count) from error
        if answer.status != 200:
            raise self._unreachable(f"it answered {answer.status}", count)
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._malformed(error) from error
        if not isinstance(document, dict) or len(data) > ANSWER_LIMIT:
            raise self._malformed("it gives no object")
        return document

    def _unreachable(self, reason: object, count: int) -> TrustError:
        return TrustError(
            "osv-unreachable",
            f"OSV cannot be asked at {self._url}: {reason}; whether one of the {count} dependencies has a known vulnerability is not known",
            "look at the network, or name another server of OSV's API by $FOGBANK_OSV_URL",
        )

    def _malformed(self, reason: object) -> TrustError:
        return TrustError(
            "osv-malformed",
            f"{self._url} answers what OSV does not: {reason}",
            "look at the address in $FOGBANK_OSV_URL, or whether a proxy answers in its place",
        )


def _vulnerability(name: str, version: str, document: Mapping[str, Any]) -> Vulnerability:
    """From OSV's schema; what is not as it says is left out."""
    aliases = document.get("aliases")
    return Vulnerability(
        name=name,
        version=version,
        id=str(document.get("id", "")),
        aliases=tuple(str(item) for item in aliases) if isinstance(aliases, list) else (),
        summary=_first_line(document.get("summary") or document.get("details") or ""),
        severity=_severity(document),
        fixed=tuple(sorted(_fixed(name, document))),
    )


def _severity(document: Mapping[str, Any]) -> str:
    own = document.get("database_specific")
    if isinstance(own, dict) and isinstance(own.get("severity"), str):
        return str(own["severity"]).lower()
    scores = document.get("severity")
    found = (
        [str(item["score"]) for item in scores if isinstance(item, dict) and "score" in item]
        if isinstance(scores, list)
        else []
    )
    return found[-1] if found else ""


def _fixed(name: str, document: Mapping[str, Any]) -> set[str]:
    versions = set()
    for affected in document.get("affected") or ():
        package = affected.get("package", {}) if isinstance(affected, dict) else {}
        if package.get("ecosystem") != "PyPI" or str(package.get("name", "")).lower().replace("_", "-") != name.lower():
            continue
        for span in affected.get("ranges", ()):
            if span.get("type") == "ECOSYSTEM":
                versions |= {str(event["fixed"]) for event in span.get("events", ()) if "fixed" in event}
    return versions


def _first_line(text: object) -> str:
    line = str(text).strip().split("\n", 1)[0]
    return line if len(line) <= 200 else f"{line[:197]}..."
