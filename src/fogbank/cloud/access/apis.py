"""The door of API Gateway's HTTP APIs: APIs and their parts, and the port that each API has.

In: CreateApi, CreateRoute and their companions; out: documents, of which an API's ApiEndpoint is an address of this machine. WebSocket APIs,
domain names and VPC links are refused by name. Source: the API Gateway V2 API reference.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

from fogbank.cloud.access.api_calls import Served
from fogbank.cloud.access.checks import bad, check, used_by
from fogbank.cloud.access.issuers import Issuers
from fogbank.cloud.access.kinds import API, DEPLOYMENT, KINDS, PARTS, ROUTE, STAGE, Kind, refuse_lacking
from fogbank.cloud.access.ports import Ports
from fogbank.cloud.access.shapes import Call, answered, call_of
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document, Store
from fogbank.cloud.ground.wire import Answer, Request, error_answer

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
UNIQUE = {"Route": "RouteKey", "Stage": "StageName"}
"""Members that no two parts of an API share."""
DONE: Document = {}
Members = Mapping[str, Any]
Serve = Callable[[Document, Mapping[str, Served], Request], Answer]


class HttpApis:
    """The APIs of every region; `serve` answers what comes to one; `changed` hears of an API whose limits may be others."""

    def __init__(
        self, store: Store, clock: Clock, ports: Ports, issuers: Issuers, serve: Serve, changed: Callable[[str], None]
    ) -> None:
        self._store, self._clock, self._ports, self._issuers = store, clock, ports, issuers
        self._serve, self._changed = serve, changed
        self._lock = threading.RLock()

    def takes(self, request: Request) -> bool:
        """Whether it is about them."""
        return request.service == "apigateway" and request.path.startswith("/v2/")

    def handle(self, request: Request) -> Answer:
        """Answer it."""
        try:
            call = call_of(request)
            with self._lock:
                return answered(call.name, self._do(request.region, call))
        except ApiError as error:
            return error_answer(request, error.status, error.code, error.message)

    def start(self) -> None:
        """Listen for all that there are."""
        for region, _, document in self._store.named(API.store):
            self._open(region, document)

    def _do(self, region: str, call: Call) -> Document:
        members = dict(call.members)
        if call.name in {"TagResource", "UntagResource", "GetTags"}:
            return self._tagged(region, call.name, members)
        if call.name == "DeleteCorsConfiguration":
            return self._without(region, API, members, "CorsConfiguration")
        if call.name == "DeleteRouteSettings":
            key, stage = members.pop("RouteKey"), self._get(region, STAGE, members)
            left = {name: value for name, value in stage["RouteSettings"].items() if name != key}
            return self._put(region, STAGE, {**stage, "RouteSettings": left})
        for verb, plural, do in (
            ("Create", "", self._create),
            ("Update", "", self._update),
            ("Delete", "", self._delete),
            ("Get", "s", self._listed),
            ("Get", "", self._read),
        ):
            noun = call.name.removeprefix(verb).removesuffix(plural)
            if noun in KINDS and call.name == f"{verb}{noun}{plural}":
                return do(region, KINDS[noun], members)
        raise ApiError("NotImplemented", f"the local cloud does not have API Gateway's {call.name}", 501)

    def _create(self, region: str, kind: Kind, members: Members) -> Document:
        if kind is not API:
            self._get(region, API, members)
        own = {name: value for name, value in members.items() if name != "ApiId" and value is not None}
        refuse_lacking(kind, own)
        for name in ("Name", "ProtocolType") if kind is API else ():
            if not own.get(name):
                raise bad(f"{name} is required")
        document: Document = {**kind.defaults, **own, **({} if kind is API else {"ApiId": members["ApiId"]})}
        self._check(region, kind, document)
        document.setdefault(kind.key, "".join(secrets.choice(LETTERS) for _ in range(10 if kind is API else 7)))
        if kind.dated:
            document["CreatedDate"] = self._now()
        if kind is STAGE:
            document["LastUpdatedDate"] = document["CreatedDate"]
        if kind is DEPLOYMENT:
            return self._deployed(region, document)
        if kind is API:
            return self._open(region, {**document, "_state": {"port": 0}})
        return self._put(region, kind, document)

    def _update(self, region: str, kind: Kind, members: Members) -> Document:
        there = self._get(region, kind, members)
        own = {name: value for name, value in members.items() if name not in {"ApiId", kind.key}}
        refuse_lacking(kind, own)
        document = {**there, **own}
        if kind is STAGE:
            document["LastUpdatedDate"] = self._now()
        self._check(region, kind, document)
        self._changed(f"{document['ApiId']}/")
        return self._put(region, kind, document)

    def _delete(self, region: str, kind: Kind, members: Members) -> Document:
        there = self._get(region, kind, members)
        if kind is API:
            for part in PARTS:
                for each in self._parts(region, there["ApiId"], part):
                    self._store.delete(part.store, region, _name(part, each))
            self._store.delete(API.store, region, there["ApiId"])
            self._ports.close(f"{API.store}/{region}/{there['ApiId']}")
            return DONE
        parts = {ROUTE.noun: self._parts(region, there["ApiId"], ROUTE)}
        if (route := used_by(kind.noun, there[kind.key], parts)) is not None:
            words = f"Cannot delete {kind.noun} '{there[kind.key]}' because it is referenced by Route '{route}'."
            raise ApiError("ConflictException", words, 409)
        if kind is DEPLOYMENT and any(
            stage.get("DeploymentId") == there[kind.key] for stage in self._parts(region, there["ApiId"], STAGE)
        ):
            raise bad("Active stages pointing to this deployment must be moved or deleted")
        self._store.delete(kind.store, region, _name(kind, there))
        return DONE

    def _read(self, region: str, kind: Kind, members: Members) -> Document:
        return self._get(region, kind, members)

    def _listed(self, region: str, kind: Kind, members: Members) -> Document:
        if kind is API:
            every = self._store.all(API.store, region)
        else:
            self._get(region, API, members)
            every = self._parts(region, members["ApiId"], kind)
        first, most = members.get("NextToken", "0"), members.get("MaxResults", "1000")
        if not (first.isdecimal() and most.isdecimal() and int(most)):
            raise bad("NextToken and MaxResults must be numbers that were given, or are above 0")
        end = int(first) + int(most)
        more = {"NextToken": str(end)} if end < len(every) else {}
        return {"Items": every[int(first) : end], **more}

    def _check(self, region: str, kind: Kind, document: Document) -> None:
        if kind is API:
            return
        parts = {part.noun: self._parts(region, document["ApiId"], part) for part in PARTS}
        check(kind.noun, document, parts, self._issuers)
        member = UNIQUE.get(kind.noun, "")
        for each in parts[kind.noun] if member else ():
            if each[member] == document[member] and each[kind.key] != document.get(kind.key, object()):
                raise _taken(kind, str(document[member]))
            if kind is STAGE and each[member] == document[member] and "CreatedDate" not in document:
                raise _taken(kind, str(document[member]))

    def _deployed(self, region: str, document: Document) -> Document:
        """What there is of an API now is what a stage serves that has this deployment."""
        name = document.pop("StageName", None)
        routes, integrations, authorizers = (
            self._parts(region, document["ApiId"], KINDS[noun]) for noun in ("Route", "Integration", "Authorizer")
        )
        if not routes:
            raise bad("At least one route is required before deploying the Api.")
        kept = {"routes": routes, "integrations": integrations, "authorizers": authorizers}
        stage = self._get(region, STAGE, {"ApiId": document["ApiId"], "StageName": name}) if name else None
        made = {**document, "DeploymentStatus": "DEPLOYED", "AutoDeployed": False, "_state": kept}
        self._put(region, DEPLOYMENT, made)
        if stage is not None:
            self._put(region, STAGE, {**stage, "DeploymentId": made["DeploymentId"], "LastUpdatedDate": self._now()})
        return made

    def _tagged(self, region: str, operation: str, members: Members) -> Document:
        parts = unquote(members["ResourceArn"]).split("/")
        if "apis" not in parts or len(parts) < 3:
            raise ApiError("NotFoundException", f"Invalid API identifier specified: {members['ResourceArn']}", 404)
        kind = STAGE if "stages" in parts else API
        there = self._get(region, kind, {"ApiId": parts[parts.index("apis") + 1], "StageName": parts[-1]})
        tags = there.get("Tags") or {}
        if operation == "GetTags":
            return {"Tags": tags}
        tags = {**tags, **members.get("Tags", {})}
        gone = members.get("TagKeys") or []
        self._put(region, kind, {**there, "Tags": {key: value for key, value in tags.items() if key not in gone}})
        return DONE

    def _without(self, region: str, kind: Kind, members: Members, member: str) -> Document:
        there = self._get(region, kind, members)
        return self._put(region, kind, {key: value for key, value in there.items() if key != member})

    def _open(self, region: str, document: Document) -> Document:
        """Listen at the port that it had before, if that is free; the document with the address."""
        api = document["ApiId"]
        answers = partial(self._answer, region, api)
        port = self._ports.open(f"{API.store}/{region}/{api}", document["_state"]["port"], answers)
        return self._put(region, API, {**document, "ApiEndpoint": f"http://127.0.0.1:{port}", "_state": {"port": port}})

    def _answer(self, region: str, api: str, request: Request) -> Answer:
        document = self._store.get(API.store, region, api)
        if document is None:
            return Answer(status=404)
        stages = (self._served(region, document, stage) for stage in self._parts(region, api, STAGE))
        return self._serve(document, {each.stage["StageName"]: each for each in stages if each is not None}, request)

    def _served(self, region: str, api: Document, stage: Document) -> Served | None:
        """What a stage serves: what there is now where it deploys by itself, else what was deployed; None where nothing was."""
        if stage["AutoDeploy"]:
            kept = {
                f"{noun.lower()}s": self._parts(region, api["ApiId"], KINDS[noun])
                for noun in ("Route", "Integration", "Authorizer")
            }
        else:
            name = f"{api['ApiId']}/{stage.get('DeploymentId', '')}"
            deployment = self._store.get(DEPLOYMENT.store, region, name)
            if deployment is None:
                return None
            kept = deployment["_state"]
        return Served(
            region=region,
            api=api,
            stage=stage,
            routes={each["RouteKey"]: each for each in kept["routes"]},
            integrations={each["IntegrationId"]: each for each in kept["integrations"]},
            authorizers={each["AuthorizerId"]: each for each in kept["authorizers"]},
        )

    def _get(self, region: str, kind: Kind, members: Members) -> Document:
        found = self._store.get(kind.store, region, _name(kind, members))
        if found is None:
            raise ApiError(
                "NotFoundException", f"Invalid {kind.noun} identifier specified {members.get(kind.key)}", 404
            )
        return found

    def _parts(self, region: str, api: str, kind: Kind) -> list[Document]:
        return [each for each in self._store.all(kind.store, region) if each["ApiId"] == api]

    def _put(self, region: str, kind: Kind, document: Document) -> Document:
        self._store.put(kind.store, region, _name(kind, document), document)
        return document

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock.epoch(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _name(kind: Kind, members: Members) -> str:
    """What a document is kept under."""
    return str(members["ApiId"]) if kind is API else f"{members['ApiId']}/{members.get(kind.key)}"


def _taken(kind: Kind, value: str) -> ApiError:
    return ApiError(
        "ConflictException", f"{kind.noun} with {UNIQUE[kind.noun]} {value} already exists for this API", 409
    )
