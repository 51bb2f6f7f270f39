"""Access control lists: kept and said again; only an object's public-read matters, to requests that nobody signed.

In: headers or a document; out: grants, as JSON, and the document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fogbank.cloud.objects.errors import S3Error
from fogbank.cloud.objects.xml import MalformedError, parse, text

OWNER = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"
OWNER_NAME = "webfile"
"""The account's canonical user, the one that moto says of buckets."""
GROUPS = "http://acs.amazonaws.com/groups/"
EVERYONE, SIGNED, LOGS = f"{GROUPS}global/AllUsers", f"{GROUPS}global/AuthenticatedUsers", f"{GROUPS}s3/LogDelivery"
CANNED: Mapping[str, Sequence[tuple[str, str]]] = {
    "private": (),
    "public-read": ((EVERYONE, "READ"),),
    "public-read-write": ((EVERYONE, "READ"), (EVERYONE, "WRITE")),
    "authenticated-read": ((SIGNED, "READ"),),
    "bucket-owner-read": (),
    "bucket-owner-full-control": (),
    "aws-exec-read": (),
    "log-delivery-write": ((LOGS, "READ_ACP"), (LOGS, "WRITE")),
}
GRANTS = {
    "x-amz-grant-read": "READ",
    "x-amz-grant-write": "WRITE",
    "x-amz-grant-read-acp": "READ_ACP",
    "x-amz-grant-write-acp": "WRITE_ACP",
    "x-amz-grant-full-control": "FULL_CONTROL",
}
GRANTEES: Mapping[str, str] = {"id": "id", "uri": "uri", "emailaddress": "emailAddress"}
OWNED = {"id": OWNER, "permission": "FULL_CONTROL"}
Grants = list[dict[str, str]]


def acl_of_headers(headers: Mapping[str, str]) -> Grants | None:
    """The grants of a canned list or of x-amz-grant headers; None where there are none. Raises S3Error."""
    canned = headers.get("x-amz-acl")
    given = {header: name for header, name in GRANTS.items() if header in headers}
    if canned and given:
        raise S3Error("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")
    if canned:
        if canned not in CANNED:
            raise S3Error("InvalidArgument", "", ArgumentName="x-amz-acl", ArgumentValue=canned)
        return [OWNED, *({"uri": uri, "permission": permission} for uri, permission in CANNED[canned])]
    grants: Grants = []
    for header, permission in given.items():
        for grantee in headers[header].split(","):
            kind, _, value = grantee.strip().partition("=")
            if kind.strip().lower() not in GRANTEES:
                raise S3Error(
                    "InvalidArgument",
                    "Argument format not recognized",
                    ArgumentName=header,
                    ArgumentValue=headers[header],
                )
            grants.append({GRANTEES[kind.strip().lower()]: value.strip('" '), "permission": permission})
    return grants or None


def acl_of_document(body: bytes) -> Grants:
    """The grants of an AccessControlPolicy. Raises S3Error."""
    try:
        root = parse(body, "AccessControlPolicy")
    except MalformedError as error:
        raise S3Error("MalformedACLError", "The XML you provided was not well-formed") from error
    if root.find("Owner") is None or root.find("AccessControlList") is None:
        raise S3Error("MalformedACLError", "The XML you provided was not well-formed")
    grants: Grants = []
    for grant in root.iterfind("AccessControlList/Grant"):
        permission = text(grant, "Permission")
        if permission not in set(GRANTS.values()):
            raise S3Error("MalformedACLError", "The XML you provided was not well-formed")
        uri, name = text(grant, "Grantee/URI"), text(grant, "Grantee/ID")
        grants.append({"uri": uri, "permission": permission} if uri else {"id": name or "", "permission": permission})
    return grants


def acl_document(grants: Grants | None) -> dict[str, Any]:
    """The members of GetObjectAcl's answer."""
    listed = [{"Grantee": _grantee(grant), "Permission": grant["permission"]} for grant in grants or [OWNED]]
    return {"Owner": owner(), "AccessControlList": {"Grant": listed}}


def _grantee(grant: Mapping[str, str]) -> dict[str, str]:
    space = {"@xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"}
    if uri := grant.get("uri"):
        return {**space, "@xsi:type": "Group", "URI": uri}
    if email := grant.get("emailAddress"):
        return {**space, "@xsi:type": "AmazonCustomerByEmail", "EmailAddress": email}
    name = {"DisplayName": OWNER_NAME} if grant.get("id") == OWNER else {}
    return {**space, "@xsi:type": "CanonicalUser", "ID": grant.get("id", ""), **name}


def owner() -> dict[str, str]:
    """Who owns everything."""
    return {"ID": OWNER, "DisplayName": OWNER_NAME}


def is_public(grants: Grants | None) -> bool:
    """Whether everybody may read."""
    return any(
        grant.get("uri") == EVERYONE and grant["permission"] in {"READ", "FULL_CONTROL"} for grant in grants or ()
    )
