"""Who a role's credentials are: the address at which instances and jobs get theirs, and STS's GetCallerIdentity of who has them.

In: a grant's token (as AWS's SDKs send it, in Authorization), or a request signed with what was issued for it; out: JSON, or STS's XML.
The form of both is AWS's: "Container credential provider" of the SDKs' reference guide, GetCallerIdentity of STS's API reference.
"""

from __future__ import annotations

from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from fogbank.cloud.ground.roles import PATH, Issued, Roles
from fogbank.cloud.ground.wire import Answer, Request, error_answer, json_answer, new_id
from fogbank.ground.aws import LOCAL_ACCOUNT

STS = "https://sts.amazonaws.com/doc/2011-06-15/"


class Identity:
    """Answers them."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles

    def takes(self, request: Request) -> bool:
        """Whether it is one of the two."""
        if request.path == PATH:
            return True
        return request.service == "sts" and self._issued(request) is not None and _asks_who(request)

    def handle(self, request: Request) -> Answer:
        """Answer; 403 for a token of no grant, 405 for another method than GET."""
        if request.path != PATH:
            issued = self._issued(request)
            return _who(issued) if issued else error_answer(request, 403, "InvalidClientTokenId", "unknown credentials")
        if request.method != "GET":
            return error_answer(request, 405, "MethodNotAllowed", "credentials are asked for with GET")
        issued = self._roles.credentials(request.headers.get("authorization", ""))
        if issued is None:
            return error_answer(request, 403, "AccessDenied", "the token belongs to no instance or job that runs")
        answer = json_answer(issued.document(), content_type="application/json")
        return Answer(status=200, headers={**answer.headers, "Cache-Control": "no-store"}, payload=answer.payload)

    def _issued(self, request: Request) -> Issued | None:
        return self._roles.find(request.access_key)


def _asks_who(request: Request) -> bool:
    asked = parse_qs(request.body[:4096].decode("latin-1") or request.query)
    return asked.get("Action") == ["GetCallerIdentity"]


def _who(issued: Issued) -> Answer:
    name = issued.role.rpartition("/")[2]
    arn = f"arn:aws:sts::{LOCAL_ACCOUNT}:assumed-role/{name}/{issued.session}"
    members = f"<Arn>{escape(arn)}</Arn><UserId>{issued.access_key}:{escape(issued.session)}</UserId><Account>{LOCAL_ACCOUNT}</Account>"
    xml = (
        f'<GetCallerIdentityResponse xmlns="{STS}"><GetCallerIdentityResult>{members}</GetCallerIdentityResult>'
        f"<ResponseMetadata><RequestId>{new_id()}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )
    return Answer(headers={"Content-Type": "text/xml"}, body=xml.encode())
